"""Resume a ManagedChart that a stopped upgrade left paused.

Rule: docs, upgrade troubleshooting; an upgrade pauses four charts while it works, and before 1.5.1 nobody resumes them when
it is stopped. Only spec.paused is written, and only of those four: a chart of one's own may be paused on purpose.
"""

from __future__ import annotations

from preflight.cluster.writer import RESUMABLE
from preflight.fields import boolean_at
from preflight.remediation.case import Case, target_with_uid
from preflight.remediation.plan import Action, Refused, Step, by_hand

CHARTS = "managedcharts.management.cattle.io"


def steps(case: Case) -> list[Step]:
    """Plan one edit of spec.paused. Raises Refused."""
    name = case.finding.resource.name
    chart = case.find(CHARTS, name)
    if chart is None:
        raise Refused(f"ManagedChart {case.namespace}/{name} is not among the objects that were read")
    if name not in RESUMABLE:
        raise Refused(f"an upgrade pauses only {', '.join(RESUMABLE)}: somebody else paused this one")
    if boolean_at(chart, "spec.paused") is not True:
        raise Refused("it is not paused")
    return [
        Step(
            action=Action.UPDATE,
            target=target_with_uid(chart),
            check=case.check,
            cause=case.finding.cause,
            finding=case.finding.resource,
            strategy="unpause",
            reason="an upgrade that was stopped left it paused",
            risk="what was changed in the chart meanwhile is deployed now, and drift of its objects is set right",
            undo="set spec.paused back to true",
            commands=(
                by_hand(
                    f"-n {{}} patch {CHARTS} {{}} --type merge -p {{}}",
                    case.namespace,
                    name,
                    '{"spec":{"paused":false}}',
                ),
            ),
            body={"spec": {"paused": False}},
        )
    ]
