"""Which pods belong to the system, and how a pod in trouble is reported."""

from __future__ import annotations

from datetime import timedelta

from preflight.api import (
    INFO,
    WARN,
    Certainty,
    Enforcer,
    Finding,
    JsonObject,
    Phase,
    degrades,
    human_duration,
    kubectl,
    name_of,
    namespace_of,
    ref_of,
    text_at,
)

STUCK = ("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "InvalidImageName")
SYSTEM = ("harvester-system", "kube-system", "local", "rancher-vcluster")
SYSTEM_PREFIXES = ("cattle-", "fleet-", "longhorn-", "kube-", "harvester-")


def is_system(namespace: str) -> bool:
    """Say whether a namespace is one of Harvester's own."""
    return namespace in SYSTEM or namespace.startswith(SYSTEM_PREFIXES)


def finding(
    pod: JsonObject,
    cause: str,
    problem: str,
    by_script: bool,
    lasting: timedelta | None = None,
    *,
    transient: bool = False,
) -> Finding:
    """Report a pod in trouble: a warning in the system's namespaces, a note elsewhere."""
    name, namespace = name_of(pod), namespace_of(pod)
    since = f" for {human_duration(lasting)}" if lasting is not None else ""
    return Finding(
        severity=WARN if is_system(namespace) else INFO,
        cause=cause,
        message=f"Pod {namespace}/{name} {problem}{since}",
        hint="Read its events and log; delete it when it is only a remainder",
        commands=(kubectl("describe pod {} -n {}", name, namespace),),
        resource=ref_of(pod),
        evidence={"problem": problem, "seconds": int(lasting.total_seconds()) if lasting is not None else None},
        transient=transient,
        enforced_by=(Enforcer.CHECK_SH,) if by_script else (Enforcer.NONE,),
        consequence=degrades(
            Phase.SYSTEM_SERVICES,
            "The upgrade may need what this pod does; what it surely needs has a gate of its own",
            Certainty.POSSIBLE,
        ),
        touches={"node": (node,)} if (node := text_at(pod, "spec.nodeName")) else {},
    )
