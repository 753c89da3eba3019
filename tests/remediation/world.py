"""Clusters with Addons that are stuck in known ways, a check that sees it, and everything a repair needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight_checks.addons._advice import _REPAIRS

from preflight.api import (
    FAIL,
    Check,
    Finding,
    Outcome,
    Remediation,
    Severity,
    View,
    boolean_at,
    check,
    condition_status,
    maps_at,
    name_of,
    namespace_of,
    need,
    ref_of,
    text_at,
)
from preflight.cluster.writer import Writer
from preflight.flow import Examination, examine
from preflight.remediation.apply import Outcome as Ended
from preflight.remediation.apply import Tools, apply_plan
from preflight.remediation.build import Choice, build_plan
from preflight.remediation.needs import REPAIR_NEEDS
from preflight.remediation.plan import Plan
from preflight.remediation.wait import Clock
from preflight.settings import Settings
from preflight.sources.live.reader import Connection, connect, read
from tests.kube import KubeServer
from tests.kube.controllers import FINALIZER
from tests.kube.objects import helm_chart, job, pod, release

Obj = dict[str, Any]
BEFORE, BEGAN, AFTER = "2026-11-23T18:40:00Z", "2026-11-23T18:42:00Z", "2026-11-23T18:43:00Z"
CAUSE = "test/cause"
STRATEGY_OF = {
    **_REPAIRS,
    "failure-latched": ("settle-status", False),
    "helm-chart-foreign": ("rebuild", False),
    "addon-leftovers": ("clean-leftovers", False),
}
"""What the check of these tests names: as ours does, but for one cause, so that settle-status is seen at work."""
SETTLED = {True: ("AddonDeploySuccessful",), False: ("", "AddonDisabled")}


def declare(check_id: str, kind: str, severity: Severity = FAIL) -> Check:
    """Make a check that finds what the tests say is there: the annotation test/cause, until the object is settled."""

    @check(
        id=check_id,
        title="Tests' own",
        category="addons",
        needs=(need(kind, "metadata.annotations", "spec.enabled", "status"),),
        docs="",
        why="",
        how="",
        fix="",
    )
    def found(view: View) -> Iterator[Outcome]:
        for obj in view.objects(kind):
            cause = text_at(obj, f"metadata.annotations[{CAUSE}]")
            if not cause or (check_id == "addon-stuck" and settled(obj)):
                continue
            strategy, automatic = STRATEGY_OF.get(cause if check_id == "addon-stuck" else check_id, ("", False))
            yield Finding(
                severity=severity,
                cause=cause,
                message=f"{namespace_of(obj)}/{name_of(obj)} is stuck",
                hint="repair it",
                resource=ref_of(obj),
                transient=cause == "progressing",
                remediation=Remediation(strategy, automatic) if strategy else None,
            )

    return found


def settled(addon: Obj) -> bool:
    enabled = boolean_at(addon, "spec.enabled") is True
    failed = condition_status(addon, "OperationFailed") == "True"
    moving = condition_status(addon, "InProgress") == "True"
    return text_at(addon, "status.status") in SETTLED[enabled] and not moving and not failed


CHECKS = (declare("addon-stuck", "addons.harvesterhci.io"), declare("addon-leftovers", "helmcharts.helm.cattle.io"))


def setting(version: str = "v1.4.0") -> Obj:
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Setting",
        "metadata": {"name": "server-version"},
        "value": version,
    }


def namespace() -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "cluster-1"}}


def addon(name: str, cause: str, *, enabled: bool = True, status: str = "AddonEnabling", **conditions: str) -> Obj:
    states = {"InProgress": "True", "Completed": "False", "OperationFailed": "False", **conditions}
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Addon",
        "metadata": {
            "name": name,
            "namespace": "addons",
            "uid": f"addon-{name}",
            "generation": 3,
            "annotations": {CAUSE: cause},
        },
        "spec": {
            "enabled": enabled,
            "chart": name,
            "repo": "http://repo",
            "version": "1.0.0",
            "valuesContent": "password: hunter2\n",
        },
        "status": {
            "status": status,
            "conditions": [
                {"type": kind, "status": value, "lastUpdateTime": BEGAN, "message": f"about {kind}"}
                for kind, value in states.items()
            ],
        },
    }


def chart_of(owner: Obj, *, foreign: bool = False) -> Obj:
    chart = helm_chart(owner)
    name = owner["metadata"]["name"]
    chart["metadata"].update(uid=f"chart-{name}", finalizers=[FINALIZER], generation=1)
    chart["status"] = {"jobName": f"helm-install-{name}"}
    if foreign:
        chart["metadata"].pop("ownerReferences")
    return chart


def job_of(chart: Obj, *, created: str = BEFORE, status: Obj | None = None) -> list[Obj]:
    made = job(chart, "install")
    name = chart["metadata"]["name"]
    made["metadata"].update(uid=f"job-{name}", creationTimestamp=created)
    made["status"] = {"succeeded": 1, "completionTime": created} if status is None else status
    worker = pod(made)
    worker["status"] = {"phase": "Succeeded"}
    return [made, worker]


def stuck(name: str, cause: str = "job-predates-operation", **job_more: Any) -> list[Obj]:
    """Return an Addon that waits for ever for a Job that is older than its operation, and all that belongs to it."""
    owner = addon(name, cause)
    chart = chart_of(owner)
    return [owner, chart, *job_of(chart, **job_more), release("addons", name, 1)]


@dataclass
class FakeTime:
    """A clock that sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


class RealTime(FakeTime):
    """The clock on the wall, for a server whose controllers run on their own."""

    @property
    def clock(self) -> Clock:
        return Clock()


@dataclass
class World:
    """One server, and the product's own way of looking at it and repairing it."""

    server: KubeServer
    folder: Path
    time: FakeTime = field(default_factory=FakeTime)
    said: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    answer: bool = True

    @property
    def connection(self) -> Connection:
        return Connection(kubeconfig=str(self.server.kubeconfig(self.folder)))

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    def examine(self) -> Examination:
        return examine(
            CHECKS,
            Settings(to_version="v1.4.1"),
            lambda needs: read((*needs, *REPAIR_NEEDS), self.connection, wait=lambda _s: None),
        )

    def plan(self, **choice: Any) -> Plan:
        found = self.examine()
        return build_plan(found.report, found.inventory, Choice(**choice))

    @property
    def writer(self) -> Writer:
        return Writer(connect(self.connection, wait=lambda _s: None))

    def apply(self, plan: Plan, **more: Any) -> Ended:
        tools: dict[str, Any] = {
            "writer": more.get("writer") or self.writer,
            "backup_dir": self.backup,
            "command": "fix",
            "confirm": self.confirm,
            "progress": self.progress.append,
            "say": self.said.append,
            "recheck": lambda: self.examine().report,
            "timeout": 120.0,
            "clock": self.time.clock,
            **more,
        }
        return apply_plan(plan, Tools(**tools))

    def confirm(self, steps: Sequence[Any]) -> bool:
        self.asked.append(len(steps))
        return self.answer

    def writes(self, *, dry: bool = False) -> list[tuple[str, str]]:
        """Return method and path of every write except reviews and the lease; dry runs only when asked for."""
        found = []
        for request in self.server.requests:
            if request.method == "GET" or "selfsubjectaccessreviews" in request.path or "/leases" in request.path:
                continue
            is_dry = request.query.get("dryRun") == "All" or b'"dryRun":["All"]' in request.body
            if dry or not is_dry:
                found.append((request.method, request.path))
        return found

    def addon(self, name: str) -> Obj:
        found = self.server.object("addons", "harvesterhci.io", "addons", name)
        assert found is not None
        return found

    def job(self, name: str) -> Obj | None:
        return self.server.object("jobs", "batch", "addons", f"helm-install-{name}")


MakeWorld = Callable[..., World]


def status_of(obj: Obj) -> str:
    return str(obj["status"]["status"])


def conditions_of(obj: Obj) -> dict[str, str]:
    return {entry["type"]: entry["status"] for entry in maps_at(obj, "status.conditions")}


def path(plural: str, group: str, name: str, where: str = "addons") -> str:
    return f"/apis/{group}/namespaces/{where}/{plural}/{name}"
