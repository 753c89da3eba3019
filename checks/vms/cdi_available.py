"""From 1.7 on CDI imports the image of the upgrade; where it cannot, the Upgrade waits for its image for ever.

Rule: the upgrade controller of 1.7.0 to 1.9.0-rc6 (upgrade_repo.go) makes the image with backend CDI on the class
longhorn-static and waits for it without limit. CDI must be in phase Deployed, Available and not Degraded, and its four
Deployments must have a pod.
From 1.7.1 on the scratch claim of the import matters too. Its class is status.scratchSpaceStorageClass of the CDIConfig:
what the CDI object sets; up to CDI 1.64 else the default class; else none, and then the claim takes the image's own class
longhorn-static, for which Harvester's webhook (validateInternalUsage) refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Certainty,
    Code,
    Enforcer,
    Explains,
    Finding,
    JsonObject,
    Outcome,
    Phase,
    Tie,
    View,
    check,
    condition,
    hangs,
    integer_at,
    kubectl,
    lies_in,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
    unknown,
)

CDIS, CONFIGS = "cdis.cdi.kubevirt.io", "cdiconfigs.cdi.kubevirt.io"
CLASSES, DEPLOYMENTS = "storageclasses.storage.k8s.io", "deployments.apps"
SYSTEM = "harvester-system"
PARTS = ("cdi-operator", "cdi-apiserver", "cdi-deployment", "cdi-uploadproxy")
INTERNAL = "longhorn-static"
SCRATCH = ">=1.7.1"
UNDER_WAY = ("Deploying", "Upgrading")
PATCH = '{"spec":{"config":{"scratchSpaceStorageClass":"harvester-longhorn"}}}'


@check(
    title="CDI can import the image of the upgrade",
    needs=(
        need(CDIS, "status.phase", "status.conditions"),
        need(CONFIGS, "status.scratchSpaceStorageClass"),
        need(CLASSES),
        need(DEPLOYMENTS, "spec.replicas", "status.availableReplicas", namespaces=(SYSTEM,)),
    ),
    from_versions=">=1.7.0",
    enforced_by=(Enforcer.SCRIPTS,),
    consequence=hangs(
        Phase.IMAGE,
        "The image of the Upgrade is never imported, and the Upgrade waits for it without end (one that is made from an "
        "image which is already imported is not concerned)",
        Certainty.LIKELY,
    ),
    explains=(
        Explains("managed-chart-ready", Tie.CHART, causes=("cdi-not-deployed",)),
        Explains("harvester-bundle-ready", Tie.CHART, causes=("cdi-not-deployed",)),
    ),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="The upgrade begins with the import of its image by CDI, and waits for that without limit.",
    how="A part of CDI does not run; or no storage class is the default, so that CDI has none for its scratch space.",
    fix="Get CDI running; make a storage class the default, or set scratchSpaceStorageClass in the CDI object.",
    links=("https://github.com/harvester/harvester/issues/11125",),
    causes={
        "cdi-not-deployed": "CDI is not deployed and available: read its conditions and its Deployments.",
        "scratch-class": "CDI's scratch space has no storage class, or one it may not use: set one.",
    },
)
def cdi_available(view: View) -> Iterator[Outcome]:
    """Yield a finding when CDI does not run, and when its scratch space has no class it may use."""
    cdi = view.find(CDIS, "cdi")
    if cdi is None:
        yield unknown(Code.INCOMPLETE, "there is no CDI object, and every cluster from 1.7 on has one")
    else:
        yield from _judge_state(view, cdi)
    if lies_in(view.upgrade.from_version, SCRATCH) is not False:
        yield from _judge_scratch(view)


def _judge_state(view: View, cdi: JsonObject) -> Iterator[Outcome]:
    phase = text_at(cdi, "status.phase")
    states = {kind: condition(cdi, kind) for kind in ("Available", "Degraded")}
    status = {kind: text_at(found, "status") if found else "" for kind, found in states.items()}
    faults = []
    if phase != "Deployed":
        faults.append(f"it is in phase {phase or 'unknown'}")
    if status["Available"] != "True":
        faults.append(f"Available is {status['Available'] or 'not reported'}")
    if status["Degraded"] == "True":
        faults.append("Degraded is True")
    idle = tuple(_idle(view))
    faults += [f"Deployment {name} {state}" for name, state in idle]
    if not faults:
        return
    told = dict.fromkeys(text_at(found, "message") for found in states.values() if found)
    why = "; ".join(text for text in told if text)
    yield Finding(
        severity=FAIL,
        cause="cdi-not-deployed",
        message=f"CDI is not at work: {', '.join(faults)}" + (f" ({why})" if why else ""),
        hint="Get it running before the upgrade",
        commands=(
            kubectl("get cdis.cdi.kubevirt.io cdi -o yaml"),
            kubectl(f"get deployments.apps -n {SYSTEM} {' '.join(PARTS)}"),
            kubectl("logs -n {} deployment/{} --tail=100", SYSTEM, idle[0][0] if idle else PARTS[0]),
        ),
        resource=ref_of(cdi),
        evidence={"phase": phase or None, **{key.lower(): value or None for key, value in status.items()}},
        transient=phase in UNDER_WAY,
        touches={"chart": ("harvester", "mcc-harvester")},
    )


def _idle(view: View) -> Iterator[tuple[str, str]]:
    """Name CDI's Deployments that have no pod at work."""
    found = {name_of(one): one for one in view.objects(DEPLOYMENTS) if namespace_of(one) == SYSTEM}
    for name in PARTS:
        if name not in found:
            yield name, "does not exist"
        elif (integer_at(found[name], "status.availableReplicas") or 0) < 1:
            yield name, "has no available pod"


def _judge_scratch(view: View) -> Iterator[Outcome]:
    config = view.find(CONFIGS, "config")
    if config is None:
        yield unknown(Code.INCOMPLETE, "there is no CDIConfig object, and CDI makes one")
        return
    name = text_at(config, "status.scratchSpaceStorageClass")
    if not name:
        fault = f"has no storage class for its scratch space, which then takes that of the image, {INTERNAL}"
    elif name == INTERNAL:
        fault = f"uses storage class {INTERNAL} for its scratch space, where Harvester's webhook refuses its claims"
    elif name not in map(name_of, view.objects(CLASSES)):
        fault = f"uses storage class {name} for its scratch space, and there is none of that name"
    else:
        return
    yield Finding(
        severity=FAIL,
        cause="scratch-class",
        message=f"CDI {fault}",
        hint="Make a storage class the default, or set one for the scratch space",
        commands=(kubectl("patch cdis.cdi.kubevirt.io cdi --type merge -p {}", PATCH),),
        resource=ref_of(config),
        evidence={"scratchSpaceStorageClass": name or None},
    )
