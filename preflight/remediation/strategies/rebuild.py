"""Delete the Addon and create it again, disabled and without status: the procedure known from 1.4 to 1.6.

Rule: before 1.7.0 the webhook lets an Addon be deleted; the HelmChart it owns is collected, the release uninstalled. A
HelmChart it does not own stays, so that one is deleted by a step of its own, after the Addon, so that no controller
takes it up again in between.
"""

from __future__ import annotations

from preflight.fields import maps_at
from preflight.inventory import JsonObject
from preflight.remediation.case import Case, settled_goal, target_with_uid
from preflight.remediation.plan import Action, Goal, Refused, Step, Target, Until, by_hand
from preflight.values.foreign_text import one_line
from preflight.values.versions import lies_in

BEFORE = "<1.7.0"
LOSES = "the addon is UNINSTALLED: its workloads, and all that its chart deletes with them; it stays disabled"
RISK = "what it serves is gone until you enable it again"


def steps(case: Case) -> list[Step]:
    """Plan the deletions and the new creation."""
    allowed = lies_in(case.running, BEFORE)
    if allowed is None:
        version = case.running or "version unknown"
        raise Refused(f"whether this server lets an Addon be deleted is not known ({version})")
    if not allowed:
        raise Refused(f"servers from 1.7.0 on refuse to delete an Addon, and this one is {case.running}")
    addon, chart = case.addon, case.helm_chart
    target = target_with_uid(addon)
    owned = chart is None or case.owned(chart)
    rest = _rest(case, chart)
    waited = (target, *rest) if owned else (target,)
    planned = [_delete(case, target, "the Addon and all it owns are removed", Goal(Until.GONE, _gone(waited), waited))]
    if chart is not None and not owned:
        planned.append(_delete_foreign(case, chart, rest))
    return [*planned, _create(case, target)]


def _rest(case: Case, chart: JsonObject | None) -> tuple[Target, ...]:
    words = ("helm-install", "helm-delete")
    jobs = [Target("batch/v1", "Job", case.namespace, f"{word}-{case.name}") for word in words]
    return (*([Target("helm.cattle.io/v1", "HelmChart", case.namespace, case.name)] if chart else []), *jobs)


def _gone(targets: tuple[Target, ...]) -> str:
    return "gone: " + ", ".join(target.words for target in targets)


def _delete(case: Case, target: Target, reason: str, goal: Goal) -> Step:
    plural = {"Addon": "addons.harvesterhci.io", "HelmChart": "helmcharts.helm.cattle.io"}[target.kind]
    where = (target.namespace, plural, target.name)
    return Step(
        action=Action.DELETE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy="rebuild",
        reason=reason,
        risk=RISK,
        undo="create it again from the saved object",
        loses=LOSES,
        commands=(
            by_hand("get -n {} {} {} -o yaml > {}", *where, f"{target.kind.lower()}-{target.name}.yaml"),
            by_hand("delete -n {} {} {}", *where),
        ),
        also=(Target("helm.cattle.io/v1", "HelmChart", case.namespace, case.name),) if target.kind == "Addon" else (),
        goal=goal,
    )


def _delete_foreign(case: Case, chart: JsonObject, rest: tuple[Target, ...]) -> Step:
    owners = [owner for owner in maps_at(chart, "metadata.ownerReferences") if owner.get("kind") != "Addon"]
    if owners:
        owner = owners[0]
        raise Refused(f"its HelmChart belongs to {owner.get('kind')} {owner.get('name')}, which would create it again")
    return _delete(case, target_with_uid(chart), "it stands in the Addon's way", Goal(Until.GONE, _gone(rest), rest))


def _create(case: Case, old: Target) -> Step:
    target = Target(old.api_version, old.kind, old.namespace, old.name)
    return Step(
        action=Action.CREATE,
        target=target,
        check=case.check,
        cause=case.finding.cause,
        finding=case.finding.resource,
        strategy="rebuild",
        reason="the Addon starts anew: same spec, disabled, without status",
        risk=RISK,
        undo="set spec.enabled back to what it was",
        loses=LOSES,
        commands=(
            f"# in addon-{one_line(old.name)}.yaml: remove status, metadata.uid and metadata.resourceVersion, "
            "set spec.enabled to false",
            by_hand("create -f addon-{}.yaml", old.name),
        ),
        body={"spec": {"enabled": False}},
        goal=settled_goal(target, enabled=False),
    )
