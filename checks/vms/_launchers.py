"""What a machine will take of the node it moves to: the requests of its launcher pod, worked out where there is none.

Rule: the scheduler sees the launcher pod, not the machine. KubeVirt writes its requests as the machine's own and an
overhead (GetMemoryOverhead), which grows from release to release: the target's KubeVirt makes the pod the machine
moves into. Of the overhead only the parts that every machine has are added, so the result is rather too small.
"""

from __future__ import annotations

from collections.abc import Iterable

from preflight.api import (
    JsonObject,
    Unreadable,
    annotations_of,
    boolean_at,
    integer_at,
    labels_of,
    maps_at,
    name_of,
    namespace_of,
    text_at,
    value_at,
)

from ._capacity import Size, number, request_of
from ._vms import home_of

DOMAIN = "kubevirt.io/domain"
ANNOTATION_FIELD = f"metadata.annotations[{DOMAIN}]"
GRAPHICS = "spec.domain.devices.autoattachGraphicsDevice"
INSTANCE_FIELDS = ("spec.domain.cpu", "spec.domain.memory", "spec.domain.resources", GRAPHICS)
RATIO = "spec.configuration.additionalGuestMemoryOverheadRatio"
MIB = 2**20
GROWTH = Size(memory=32 * MIB)
"""By how much the launcher of a newer KubeVirt may be larger: its daemons and the video memory grew by that much."""
DAEMONS = 25 + 100 + 20 + 35 + 30 + 8
"""MiB: the launcher and its monitor, virtlogd, virtqemud, qemu itself and the I/O thread, as in KubeVirt 1.2."""
PER_CPU, VIDEO = 8, 16
"""MiB for each virtual CPU, and for the screen."""
CPU_RATIO = 10
"""Virtual CPUs for each CPU that is requested, where the machine does not say."""


class Launchers:
    """The launcher pods that run, and the pods that hold plugged-in disks for them."""

    def __init__(self, pods: Iterable[JsonObject]) -> None:
        self._launchers: dict[tuple[str, str], list[JsonObject]] = {}
        self._disks: dict[tuple[str, str], Size] = {}
        for pod in pods:
            kind = labels_of(pod).get("kubevirt.io")
            if kind == "virt-launcher" and text_at(pod, "status.phase") == "Running":
                machine = _owner(pod, "VirtualMachineInstance") or text_at(annotations_of(pod), f"[{DOMAIN}]")
                self._launchers.setdefault((namespace_of(pod), machine), []).append(pod)
            elif kind == "hotplug-disk" and text_at(pod, "status.phase") == "Running":
                key = (namespace_of(pod), _owner(pod, "Pod"))
                self._disks[key] = self._disks.get(key, Size()) + request_of(pod)

    def request(self, vmi: JsonObject) -> Size | None:
        """Return what the launcher of a machine and its disks request; None when no launcher was read."""
        pods = self._launchers.get((namespace_of(vmi), name_of(vmi)), [])
        pod = next((pod for pod in pods if text_at(pod, "spec.nodeName") == home_of(vmi)), pods[0] if pods else None)
        if pod is None:
            return None
        return request_of(pod) + self._disks.get((namespace_of(pod), name_of(pod)), Size())


def _owner(pod: JsonObject, kind: str) -> str:
    owners = maps_at(pod, "metadata.ownerReferences")
    return next((text_at(owner, "name") for owner in owners if owner.get("kind") == kind), "")


def estimate(vmi: JsonObject, ratio: float) -> Size:
    """Work out what the launcher of a machine requests. Raises Unreadable for what is no quantity."""
    cpus = 1
    for part in ("cores", "sockets", "threads"):
        cpus *= integer_at(vmi, f"spec.domain.cpu.{part}") or 1
    requested = value_at(vmi, "spec.domain.resources.requests.cpu")
    cpu = number(str(requested), 1000) if requested is not None else cpus * 1000 // CPU_RATIO
    memory = _guest_memory(vmi)
    if boolean_at(vmi, "spec.domain.resources.overcommitGuestOverhead"):
        return Size(cpu, memory, 1)
    video = 0 if boolean_at(vmi, GRAPHICS) is False else VIDEO
    overhead = memory // 512 + (DAEMONS + PER_CPU * cpus + video) * MIB
    return Size(cpu, memory + int(overhead * ratio), 1)


def _guest_memory(vmi: JsonObject) -> int:
    for path in ("resources.requests.memory", "memory.guest", "memory.hugepages.pageSize"):
        found = value_at(vmi, f"spec.domain.{path}")
        if found is not None:
            return number(str(found))
    return 0


def overhead_ratio(kubevirts: Iterable[JsonObject]) -> float:
    """Return by what KubeVirt multiplies the overhead. Raises Unreadable when that is no positive number."""
    text = next((text_at(kubevirt, RATIO) for kubevirt in kubevirts), "")
    try:
        ratio = float(text or 1)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio < 1000:
        raise Unreadable(f"{RATIO} of the KubeVirt object is {text!r}, not a number")
    return ratio or 1.0
