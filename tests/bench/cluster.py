"""A healthy cluster of any size, made from the healthy demo: its machines, nodes and VMs many times over.

An object is a text with marks in it, so that making and encoding ten thousands of them costs next to nothing and the
measured process has the machine to itself. What the checks never read is filled in as real objects carry it (managed
fields, environment, tolerations), because reading over it is what takes the time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from zlib import crc32

from preflight.resources import RESOURCES, Resource

TENANTS = 20
SECOND = "harv-node-"
MARK = "Q{}Q"  # nothing that JSON or YAML would quote


@dataclass(frozen=True, slots=True)
class Size:
    """How many of what. A VM has a VMI, a pod, two volumes, and each of those an engine and three replicas."""

    nodes: int
    pods: int
    vms: int
    volumes: int
    jobs: int

    @classmethod
    def target(cls, part: float = 1.0) -> Size:
        """Return the size the budgets are for, or a part of it."""
        whole = (64, 20_000, 5_000, 10_000, 10_000)
        nodes, pods, vms, volumes, jobs = (max(3, round(count * part)) for count in whole)
        return cls(nodes, pods, vms, volumes, jobs)


@dataclass(frozen=True, slots=True)
class Kind:
    """All objects of one resource: some given, the rest from a template."""

    row: Resource
    given: tuple[dict[str, Any], ...]
    template: dict[str, Any] | None = None
    count: int = 0
    marks: Callable[[int], dict[str, str]] = lambda _index: {}

    def __len__(self) -> int:
        return len(self.given) + self.count

    def namespace(self, index: int) -> str:
        """Return the namespace of one object; empty for a cluster-scoped one."""
        if index < len(self.given):
            return str(self.given[index]["metadata"].get("namespace") or "")
        return fill(str((self.template or {})["metadata"].get("namespace") or ""), self._marks(index))

    def names(self) -> Iterator[str]:
        """Yield the names of all objects, in the order of `texts`."""
        yield from self.texts(lambda obj: str(obj["metadata"]["name"]))

    def texts(self, encode: Callable[[dict[str, Any]], str], start: int = 0, stop: int | None = None) -> Iterator[str]:
        """Yield the encoded objects from `start` to `stop`; the template is encoded once."""
        pattern = encode(self.template) if self.template else ""
        for index in range(start, min(len(self), len(self) if stop is None else stop)):
            yield encode(self.given[index]) if index < len(self.given) else fill(pattern, self._marks(index))

    def _marks(self, index: int) -> dict[str, str]:
        number = index - len(self.given)
        marks = {"UID": str(uuid.UUID(int=(crc32(self.row.name.encode())) << 64 | number * 7919)), "N": f"{number:06d}"}
        return marks | self.marks(number)


def fill(text: str, marks: dict[str, str]) -> str:
    """Put the values in the place of the marks."""
    for key, value in marks.items():
        text = text.replace(MARK.format(key), value)
    return text


def cluster(size: Size) -> dict[str, Kind]:
    """Return everything in the cluster, by the resource's name."""
    demo = json.loads(files("preflight.demo").joinpath("healthy.json").read_bytes())
    found = {}
    for name, entry in demo["entries"].items():
        row = RESOURCES[name]
        found[name] = Kind(row, tuple(_nodes(entry["objects"], size.nodes)))
    bulk = _bulk(size, {name: kind.given for name, kind in found.items()})
    for name, (template, count, marks) in bulk.items():
        count = max(0, count - (len(found[name].given) if name != "namespaces" else 0))
        found[name] = Kind(RESOURCES[name], found[name].given, template, count, marks)
    return found


def _nodes(objects: list[dict[str, Any]], nodes: int) -> Iterator[dict[str, Any]]:
    """Repeat what belongs to the third node for as many nodes as there shall be."""
    for obj in objects:
        if obj["kind"] == "Node" and "allocatable" in obj["status"]:  # room for the many VMs
            for place in ("allocatable", "capacity"):
                obj["status"][place].update(cpu="256", memory="2Ti", pods="1000")
        if obj["kind"] == "DaemonSet":
            obj["status"] = {key: nodes if value == 3 else value for key, value in obj["status"].items()}
        yield obj
        if SECOND + "3" not in obj["metadata"]["name"] and not obj["metadata"]["name"].startswith("10.0.10.13"):
            continue
        if obj["kind"] in ("Pod", "Replica", "Engine", "Volume") or obj["kind"] == "ServingCertificates":
            continue
        text = json.dumps(obj).replace("node-role.kubernetes.io/control-plane", "node-role.example.com/worker")
        text = text.replace("node-role.kubernetes.io/etcd", "node-role.example.com/other")
        uid = str(obj["metadata"].get("uid") or "no uid")
        for number in range(4, nodes + 1):
            other = text.replace(SECOND + "3", f"{SECOND}{number}").replace("10.0.10.13", f"10.0.11.{number}")
            yield json.loads(other.replace(uid, str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{uid}{number}"))))


Bulk = tuple[dict[str, Any], int, Callable[[int], dict[str, str]]]


def _bulk(size: Size, demo: dict[str, tuple[dict[str, Any], ...]]) -> dict[str, Bulk]:
    def node(index: int) -> str:
        return f"{SECOND}{index % size.nodes + 1}"

    def tenant(index: int) -> dict[str, str]:
        return {"NODE": node(index), "TENANT": f"tenant-{index % TENANTS:02d}"}

    def vm(index: int) -> dict[str, str]:
        return tenant(index) | {"VM": f"vm-{index:06d}"}

    def disk(index: int) -> dict[str, str]:
        return vm(index // 2) | {"DISK": f"{index % 2}"}

    def replica(index: int) -> dict[str, str]:
        return disk(index // 3) | {"R": f"{index % 3 + 1}", "NODE": node(index // 6 + index % 3)}

    def one(resource: str, place: str | None = None, **more: str) -> dict[str, Any]:
        return _template(demo[resource][-1], place, more)

    pod = next(pod for pod in demo["pods"] if pod["metadata"]["name"].startswith("helm-install-pcidevices-controller"))
    launcher = _pod(_template(pod, "QTENANTQ", {"helm-install-pcidevices-controller": "work-QNQ"}))
    first, second = (
        one(name, "QTENANTQ", **{"build-disk-0": "QVMQ-disk-0", '"build"': '"QVMQ"'})
        for name in ("virtualmachines.kubevirt.io", "virtualmachineinstances.kubevirt.io")
    )
    names = {"build-disk-0": "QVMQ-disk-QDISKQ", '"build"': '"QVMQ"', '"vms"': '"QTENANTQ"'}
    return {
        "pods": (launcher, size.pods, tenant),
        "jobs.batch": (one("jobs.batch", "QTENANTQ", **{"pcidevices-controller": "work-QNQ"}), size.jobs, tenant),
        "virtualmachines.kubevirt.io": (first, size.vms, vm),
        "virtualmachineinstances.kubevirt.io": (second, size.vms, vm),
        "persistentvolumeclaims": (one("persistentvolumeclaims", "QTENANTQ", **names), size.volumes, disk),
        "volumes.longhorn.io": (one("volumes.longhorn.io", **names), size.volumes, disk),
        "engines.longhorn.io": (one("engines.longhorn.io", **names), size.volumes, disk),
        "replicas.longhorn.io": (
            one("replicas.longhorn.io", **names, **{"-r-3": "-r-QRQ"}),
            size.volumes * 3,
            replica,
        ),
        "volumeattachments.storage.k8s.io": (one("volumeattachments.storage.k8s.io", **names), size.volumes, disk),
        "namespaces": (
            _template(demo["namespaces"][0], None, {demo["namespaces"][0]["metadata"]["name"]: "tenant-QTQ"}),
            TENANTS,
            lambda index: {"T": f"{index:02d}"},
        ),
    }


def _template(obj: dict[str, Any], namespace: str | None, names: dict[str, str]) -> dict[str, Any]:
    text = json.dumps(obj).replace(str(obj["metadata"]["uid"]), "QUIDQ")
    for old, new in ({"harv-node-3": "QNODEQ", "harv-node-1": "QNODEQ"} | names).items():
        text = text.replace(old, new)
    made: dict[str, Any] = json.loads(text)
    metadata = made["metadata"]
    if namespace:
        metadata["namespace"] = namespace
    metadata["annotations"] = {**metadata.get("annotations", {}), "example.com/owner": "team-QNQ " + "x" * 300}
    metadata["managedFields"] = [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": made["apiVersion"],
            "time": metadata["creationTimestamp"],
            "fieldsType": "FieldsV1",
            "fieldsV1": {f"f:{part}": {f"f:field{n}": {".": {}, "f:name": {}} for n in range(8)} for part in parts},
        }
        for manager, parts in (("kube-controller-manager", ("metadata", "spec")), ("manager", ("status", "other")))
    ]
    return made


def _pod(pod: dict[str, Any]) -> dict[str, Any]:
    """Make a finished Job's pod a running one of usual size."""
    pod["metadata"]["ownerReferences"][0].update(kind="ReplicaSet", apiVersion="apps/v1")
    pod["metadata"]["labels"] = {"app.kubernetes.io/name": "work", "pod-template-hash": "6c9d8f7b5"}
    container = pod["spec"]["containers"][0]
    container["env"] = [{"name": f"SETTING_{n}", "value": f"value number {n}"} for n in range(12)]
    container["volumeMounts"] = [{"name": f"v{n}", "mountPath": f"/var/lib/v{n}"} for n in range(4)]
    container["resources"] = {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "256Mi"}}
    pod["spec"]["volumes"] = [{"name": f"v{n}", "configMap": {"name": f"c{n}", "defaultMode": 420}} for n in range(4)]
    pod["spec"]["tolerations"] = [
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in ("not-ready", "unreachable")
    ]
    pod["spec"]["restartPolicy"] = "Always"
    pod["status"]["phase"] = "Running"
    pod["status"]["conditions"] = [
        {"type": name, "status": "True", "lastProbeTime": None, "lastTransitionTime": pod["status"]["startTime"]}
        for name in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    state = pod["status"]["containerStatuses"][0]
    state.update(ready=True, started=True, state={"running": {"startedAt": pod["status"]["startTime"]}}, lastState={})
    pod["status"].update(hostIP="10.0.10.11", podIP="10.52.0.17", podIPs=[{"ip": "10.52.0.17"}], qosClass="Burstable")
    return pod
