"""The importer that fetches the upgrade's image is killed for want of memory, and starts over for ever.

Rule: docs (1.7 to 1.7, 1.8 to 1.8, 1.8 to 1.9) and the charts: 1.7.0 to 1.7.2 and 1.8.0 leave it at CDI's own 600M; 1.7.3
and 1.8.1 ship 2G. Absent or below that: a warning.
An importer pod in CrashLoopBackOff is what it looks like when it has happened.
Units: bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Certainty,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Option,
    Outcome,
    Phase,
    Tie,
    Unreadable,
    View,
    check,
    hangs,
    kubectl,
    maps_at,
    name_of,
    namespace_of,
    need,
    parse_quantity,
    ref_of,
    text_at,
    unknown,
    value_at,
)

from ._vms import full_name

CDIS, CHARTS = "cdis.cdi.kubevirt.io", "managedcharts.management.cattle.io"
LIMIT = "spec.config.podResourceRequirements.limits.memory"
PATCH = '{"spec":{"values":{"cdi":{"spec":{"config":{"podResourceRequirements":{"limits":{"memory":"4G"}}}}}}}}'


@check(
    title="The image importer has enough memory",
    needs=(
        need(CDIS, LIMIT),
        need("pods", "status.containerStatuses.state.waiting.reason", optional=True),
    ),
    from_versions=">=1.7.0 <1.7.3 || =1.8.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    consequence=hangs(
        Phase.IMAGE,
        "The importer of the ISO image may be killed and begin again each time, so that the Upgrade waits for its image",
        Certainty.POSSIBLE,
    ),
    explains=(Explains("pod-health", Tie.POD, folds=True, causes=("importer-crashes",)),),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-7-x-to-v1-7-y",
    why="The import of the ISO image may be killed and restarted for ever, so the Upgrade never gets its image.",
    how="The shipped limit of these versions is too small for such an image.",
    fix="Raise the limit in the values of ManagedChart harvester before the upgrade and remove it afterwards.",
    links=(
        "https://github.com/harvester/harvester/issues/11143",
        "https://github.com/harvester/harvester/issues/10056",
    ),
    causes={
        "little-memory": "The importer's memory limit is not set or too small: raise it for the upgrade.",
        "importer-crashes": "An importer pod keeps crashing: raise the limit and delete the pod.",
    },
    options={"minMegabytes": Option(2000, "least memory limit in MB (10^6 bytes)", minimum=1)},
)
def cdi_importer_memory(view: View) -> Iterator[Outcome]:
    """Yield a warning when the importer has little memory, and for importers that crash."""
    if not view.missing("pods"):
        yield from view.each("pods", _judge_pod)
    cdi = view.find(CDIS, "cdi")
    if cdi is None:
        yield unknown(Code.ERROR, "there is no CDI object")
        return
    raw, least = value_at(cdi, LIMIT), int(view.options["minMegabytes"]) * 10**6
    limit = parse_quantity(raw)
    if raw is not None and limit is None:
        raise Unreadable(f"{LIMIT} of the CDI object is {raw!r}, not a quantity")
    if limit is None or limit < least:
        yield Finding(
            severity=WARN,
            cause="little-memory",
            message=f"The image importer's memory limit is {raw if raw is not None else 'not set'}; "
            f"{least // 10**6}M are wanted",
            hint="Raise it for the upgrade and remove the value afterwards",
            commands=(kubectl("patch {} harvester -n fleet-local --type merge -p {}", CHARTS, PATCH),),
            resource=ref_of(cdi),
            evidence={"limit": raw, "leastBytes": least},
        )


def _judge_pod(pod: JsonObject) -> Iterator[Outcome]:
    if namespace_of(pod) != "harvester-system" or not name_of(pod).startswith("importer-prime-"):
        return
    reasons = [text_at(entry, "state.waiting.reason") for entry in maps_at(pod, "status.containerStatuses")]
    if "CrashLoopBackOff" in reasons:
        yield Finding(
            severity=WARN,
            cause="importer-crashes",
            message=f"Pod {full_name(pod)} keeps crashing, as an import with too little memory does",
            hint="Raise the importer's memory limit, then delete the pod",
            commands=(
                kubectl("patch {} harvester -n fleet-local --type merge -p {}", CHARTS, PATCH),
                kubectl("delete pod {} -n {}", name_of(pod), namespace_of(pod)),
            ),
            resource=ref_of(pod),
        )
