"""The role that `rbac --fix` prints: enough for every repair of a stuck Addon and its way back, and no more."""

from __future__ import annotations

from preflight.check import need
from preflight.permissions import FIX
from preflight.rbac import Subject, manifests, read_permissions
from preflight.remediation.needs import REPAIR_NEEDS
from tests.kube import Review, rules_of
from tests.kube.objects import release
from tests.kube.rbac import Rule
from tests.remediation.test_rollback import go_back, way_back
from tests.remediation.world import MakeWorld, World, addon, chart_of, job_of, stuck

READ = read_permissions(
    (*REPAIR_NEEDS, need("settings.harvesterhci.io"), need("versions.harvesterhci.io")),
    with_releases=True,
    with_kubelet=False,
)


def worlds(world: MakeWorld) -> list[tuple[World, dict[str, object]]]:
    failed = addon("one", "job-failed", InProgress="False", OperationFailed="True")
    latched = addon("one", "idle-operation", status="AddonDeploySuccessful")
    foreign = addon("one", "helm-chart-foreign", status="", InProgress="False")
    missing = addon("one", "job-missing")
    return [
        (world(*stuck("one")), {}),
        (world(failed, chart_of(failed), *job_of(chart_of(failed), status={"failed": 1})), {}),
        (world(latched, chart_of(latched), release("addons", "one", 1), controllers=False), {"force": True}),
        (world(foreign, chart_of(foreign, foreign=True)), {"force": True}),
        (world(missing, chart_of(missing), controllers=False), {}),
    ]


def test_the_role_is_sufficient_and_every_rule_of_it_is_needed(world: MakeWorld) -> None:
    rules = rules_of(manifests((*READ, *FIX), Subject()))
    writes = rules_of(manifests(FIX, Subject()))
    used: set[Rule] = set()
    for number, (here, choice) in enumerate(worlds(world)):
        here.folder = here.folder / str(number)
        here.folder.mkdir()
        here.server.allow = rules
        wake(here)
        ended = here.apply(here.plan(**choice))
        assert ended.messages == (), number
        go_back(here, way_back(here))
        used |= here.server.used
    # A Lease is only updated where it is kept alive or settled: see test_lease. To read it, reading it by name is enough.
    lease = {
        rule for rule in writes if rule[:3] in {(verb, "coordination.k8s.io", "leases") for verb in ("get", "update")}
    }
    # A paused ManagedChart: see test_left_by_upgrades.
    charts = {rule for rule in writes if rule[1:3] == ("management.cattle.io", "managedcharts")}
    assert writes - used == lease | charts


def wake(here: World) -> None:
    """Let helm-controller take notice of a chart that somebody touches."""

    def hook(review: Review) -> None:
        if review.kind.plural == "helmcharts" and review.operation == "UPDATE" and not review.dry_run:
            here.server.controllers.running = True

    here.server.admission.append(hook)
