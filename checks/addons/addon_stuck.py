"""An Addon in the middle of an operation: every edit of it is refused, and the upgrade scripts edit some of them.

Rule: unsettled is whatever is neither (enabled and AddonDeploySuccessful) nor (disabled and AddonDisabled or empty), and
an operation in progress on a settled one. The server's own webhook looks from v1.7.0 on (validator.go checkAddons); the
scripts of the target version fail on the Addons they patch (see _enforcement.py); nobody looks at the others. Always
`fail`: the state is broken on every path, and harder to cure once the upgrade has begun. Causes: see _causes.py.
Units: `grace` is how long an operation may take before it counts as overdue (10 minutes).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Unreadable,
    View,
    check,
    judged,
    need,
    parse_duration,
    ref_of,
    unknown,
)

from .._skew import Skew, skews_of
from ._advice import advice, remediation
from ._causes import Cause, decide
from ._during import DEPLOYMENTS, RUNNING_NEEDS, Running, meanwhile, running_of
from ._enforcement import PATCHED_VALUES, ends
from ._evidence import evidence, touches
from ._explain import CAUSES, FIX, HOW, LINKS, WHY
from ._facts import (
    ADDONS,
    CHARTS,
    JOBS,
    LEASES,
    NODES,
    PODS,
    RELEASES,
)
from ._gather import Index, build_index, gather, unsound
from ._words import message, sentence


@check(
    id="addon-stuck",
    title="Every Addon is settled: deployed or disabled, with no operation in progress",
    category="addons",
    needs=(
        need(
            ADDONS,
            "spec.enabled",
            "spec.version",
            "spec.repo",
            "spec.valuesContent",
            "status.status",
            "status.conditions",
            "metadata.managedFields",
            values=PATCHED_VALUES,
        ),
        need(CHARTS, "status.jobName"),
        need(JOBS, "status"),
        need(PODS, "spec.nodeName", "status"),
        need(RELEASES, optional=True),
        need(LEASES, "spec.renewTime", "metadata.managedFields", optional=True),
        need(NODES, optional=True),
        *RUNNING_NEEDS,
        need(DEPLOYMENTS, "spec.template.spec.containers.image", optional=True, namespaces=("cattle-system",)),
    ),
    enforced_by=(Enforcer.WEBHOOK, Enforcer.SCRIPTS, Enforcer.NONE),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why=WHY,
    how=HOW,
    fix=FIX,
    links=LINKS,
    causes=CAUSES,
    options={"grace": Option("10m", "how long an operation may take before it counts as overdue")},
    aliases=("addon-settled",),
    waived_by="harvesterhci.io/skipWebhook",
)
def addon_stuck(view: View) -> Iterator[Outcome]:
    """Yield a finding for every Addon that is not settled, with the cause and the times that were compared."""
    addons = view.objects(ADDONS)
    release = view.release(view.upgrade.from_version)
    if not addons and not view.gaps(ADDONS) and release and release.addons:
        yield unknown(Code.INCOMPLETE, "not one Addon was read, and every cluster of this release has some")
    index = build_index(view, parse_duration(str(view.options["grace"])) or timedelta())
    skews, running = _skews(view), running_of(view)
    yield from judged(addons, lambda addon: _judge(view, addon, index, skews, running))
    for resource in (CHARTS, JOBS, PODS):
        for obj in () if view.missing(resource) else view.objects(resource):
            if problem := unsound(obj):
                yield unknown(Code.UNPARSABLE, f"an object of {resource} cannot be placed: {problem}")


def _skews(view: View) -> dict[str, Skew]:
    """Read the clocks off the Leases, without those of nodes that are gone."""
    leases = () if view.missing(LEASES) else view.objects(LEASES)
    if not view.missing(NODES):
        names = {ref_of(node).name for node in view.objects(NODES)}
        leases = tuple(lease for lease in leases if ref_of(lease).name in names)
    return skews_of(leases)


def _judge(
    view: View, addon: JsonObject, index: Index, skews: dict[str, Skew], running: Running | None
) -> Iterator[Outcome]:
    facts = gather(view, addon, index)
    broken = ""
    try:
        cause = decide(facts)
        why = sentence(facts, cause) if cause else ""
    except Unreadable as error:
        # The Addon itself could be read and is not settled: that must not be lost over a broken Job or pod
        cause, broken = Cause("unknown"), str(error)
        why = sentence(facts, cause)
    if cause is None:
        return
    outcome = ends(facts, view)
    repair = remediation(facts, cause, view.upgrade)
    hint, commands = advice(facts, cause, repair)
    waits = ""
    if running:
        now = meanwhile(running, facts, cause, view, repair, (hint, commands))
        waits, hint, commands, repair, outcome = now.words, now.hint, now.commands, now.repair, now.ends
    yield Finding(
        severity=FAIL,
        cause=cause.id,
        message=message(facts, cause, why, broken, waits),
        hint=hint,
        commands=commands,
        resource=ref_of(addon),
        evidence=evidence(facts, skews, outcome, cause),
        transient=cause.transient,
        enforced_by=outcome.enforced_by,
        consequence=outcome.consequences[0],
        remediation=repair,
        touches=touches(facts),
    )
