"""--ask-server and --probe-nodes over real HTTP, with the probe's own script run by a shell here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from preflight.check import need
from preflight.cluster.connection import Connection
from preflight.inventory import Collected, Inventory
from preflight.model import SourceInfo, UpgradePair
from preflight.settings import Settings
from preflight.sources.live.on_purpose import DRY_RUN, FILES, ask_on_purpose
from preflight.sources.live.probe import NAMESPACE, choose_image
from preflight.sources.live.probe_pod import LABELS, host_paths, read_answer, script, wanted_of
from preflight.values.times import parse_time
from preflight.values.versions import parse_version
from tests.kube import KubeServer
from tests.kube.faults import Call, Fail

PAIR = UpgradePair(parse_version("v1.4.0"), parse_version("v1.4.1"))
FIELDS = (
    "files[configs/oem/90_custom.yaml]",
    "files[configs/oem/harvester.config]",
    "facts.passiveImageKiB",
    "facts.efi",
)
NEEDS = (need(DRY_RUN), need(FILES, *FIELDS))
BUSYBOX = "docker.io/library/busybox:1.36"


def node(name: str, *images: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"images": [{"names": [*images]}]},
    }


@pytest.fixture
def server() -> Iterator[KubeServer]:
    with KubeServer() as server:
        yield server


def asked(
    server: KubeServer, *nodes: dict[str, Any], pair: UpgradePair = PAIR, **settings: Any
) -> dict[str, Collected]:
    now = parse_time("2026-11-23T18:42:58Z")
    assert now is not None
    inventory = Inventory(SourceInfo("live", "x", now), {"nodes": Collected(nodes)})
    connection = Connection(server=server.url, token=server.token)
    made = Settings(**settings)
    return ask_on_purpose(connection, made, inventory, pair, NEEDS, lambda _text: None, wait=lambda _seconds: None)


def test_the_server_is_asked_with_a_dry_run_that_stores_nothing(server: KubeServer) -> None:
    server.put(version_object())
    (answer,) = asked(server, ask_server=True)[DRY_RUN].objects
    assert answer["accepted"] is True
    (request,) = [request for request in server.requests if request.method == "POST"]
    assert request.query["dryRun"] == "All"
    assert server.objects("upgrades", "harvesterhci.io") == []


def version_object() -> dict[str, Any]:
    metadata = {"name": "v1.4.1", "namespace": "harvester-system"}
    return {"apiVersion": "harvesterhci.io/v1beta1", "kind": "Version", "metadata": metadata, "spec": {}}


def test_a_denial_is_kept_word_for_word(server: KubeServer) -> None:
    server.gate_upgrades(lambda _review: "managed chart harvester is not ready, please wait for it to be ready")
    (answer,) = asked(server, ask_server=True)[DRY_RUN].objects
    assert answer["accepted"] is False
    assert "managed chart harvester is not ready, please wait for it to be ready" in answer["message"]


def test_who_may_not_create_upgrades_learns_it(server: KubeServer) -> None:
    server.allow = {("get", "", "nodes")}
    assert str(asked(server, ask_server=True)[DRY_RUN].missing).startswith("forbidden: ")


def test_without_a_target_there_is_nothing_to_ask(server: KubeServer) -> None:
    found = asked(server, pair=UpgradePair(None, None), ask_server=True)
    assert "target version" in str(found[DRY_RUN].missing)


@dataclass
class Host:
    """A folder that stands for a node's root, and runs what a probe pod would run."""

    root: Path
    pods: list[dict[str, Any]]

    def __call__(self, pod: dict[str, Any]) -> tuple[str, str]:
        self.pods.append(pod)
        (container,) = pod["spec"]["containers"]
        environment = {"HOST": str(self.root), "PATH": os.environ["PATH"]}
        done = subprocess.run(container["command"], capture_output=True, text=True, env=environment, check=True)
        return "Succeeded", done.stdout


@pytest.fixture
def host(tmp_path: Path) -> Host:
    oem = tmp_path / "oem"
    oem.mkdir()
    (oem / "90_custom.yaml").write_text(
        "name: Harvester\nstages:\n  network:\n  - files:\n    - path: /etc/x\n      content: |\n        token: hunter2\n"
        "        IFACE=mgmt-br\n    users:\n      rancher:\n        passwd: $6$abc\n        ssh_authorized_keys:\n"
        "        - ssh-rsa AAAA\n  key: |\n    -----BEGIN RSA PRIVATE KEY-----\n    MIIE\n"
        "    -----END RSA PRIVATE KEY-----\n"
    )
    (oem / "harvester.config").write_text(
        "token: hunter2\nos:\n  hostname: node1\ninstall:\n  management_interface: {}\n"
    )
    image = tmp_path / "run/initramfs/cos-state/cOS/passive.img"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"x" * 300_000)
    (tmp_path / "sys/firmware/efi").mkdir(parents=True)
    return Host(tmp_path, [])


def test_a_node_answers_through_a_pod_that_is_gone_afterwards(server: KubeServer, host: Host) -> None:
    server.run_pod = host
    (found,) = asked(server, node("n1", BUSYBOX), probe_nodes=True)[FILES].objects
    assert found["metadata"]["name"] == "n1"
    assert found["facts"]["efi"] is True
    assert found["facts"]["passiveImageKiB"] >= 292
    assert "IFACE=mgmt-br" in found["files"]["configs/oem/90_custom.yaml"]
    assert "hostname: node1" in found["files"]["configs/oem/harvester.config"]
    assert server.objects("pods") == []


def test_secrets_do_not_leave_the_node(server: KubeServer, host: Host) -> None:
    seen: list[str] = []

    def run(pod: dict[str, Any]) -> tuple[str, str]:
        phase, log = host(pod)
        seen.append(log)
        return phase, log

    server.run_pod = run
    asked(server, node("n1", BUSYBOX), probe_nodes=True)
    for secret in ("hunter2", "$6$abc", "AAAA", "MIIE"):
        assert secret not in seen[0]


def test_the_pod_may_do_nothing_but_read_what_is_asked(server: KubeServer, host: Host) -> None:
    server.run_pod = host
    asked(server, node("n1", BUSYBOX), probe_nodes=True)
    (pod,) = host.pods
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert sorted(volume["hostPath"]["path"] for volume in spec["volumes"]) == [
        "/oem",
        "/run/initramfs/cos-state",
        "/sys",
    ]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] <= 60
    assert container["imagePullPolicy"] == "Never"
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert not security.get("privileged")
    assert not any(spec.get(key) for key in ("hostPID", "hostNetwork", "hostIPC"))


def test_nodes_that_do_not_answer_are_named(server: KubeServer, host: Host) -> None:
    def run(pod: dict[str, Any]) -> tuple[str, str]:
        answers = {"n1": host(pod), "n2": ("Failed", "==fact efi tr"), "n3": ("Pending", "")}
        return answers[pod["spec"]["nodeName"]]

    server.run_pod = run
    nodes = [node("n1", BUSYBOX), node("n2", BUSYBOX), node("n3", BUSYBOX), node("n4", "pause:3.6")]
    found = asked(server, *nodes, probe_nodes=True)[FILES]
    assert [obj["metadata"]["name"] for obj in found.objects] == ["n1"]
    assert {gap.node for gap in found.gaps} == {"n2", "n3", "n4"}
    assert any("--probe-image" in str(gap) for gap in found.gaps)
    assert server.objects("pods") == []


def test_the_image_can_be_given(server: KubeServer, host: Host) -> None:
    server.run_pod = host
    asked(server, node("n1", "pause:3.6"), probe_nodes=True, probe_image="registry.local/tools:1")
    assert host.pods[0]["spec"]["containers"][0]["image"] == "registry.local/tools:1"
    assert choose_image(node("n1", "rancher/shell:v0.1.24", BUSYBOX)) == BUSYBOX
    assert choose_image({"status": {"images": "null"}, "kind": "Node"} | {"status": {}}) == ""


def test_who_may_not_create_pods_learns_it_for_every_node(server: KubeServer) -> None:
    server.allow = {("list", "", "pods")}
    found = asked(server, node("n1", BUSYBOX), node("n2", BUSYBOX), probe_nodes=True)[FILES]
    assert [(gap.code, gap.node) for gap in (found.missing, *found.gaps)] == [("forbidden", "n1"), ("forbidden", "n2")]


def test_what_a_killed_run_left_is_removed_and_another_run_at_work_is_not(server: KubeServer, host: Host) -> None:
    server.run_pod = None
    old, fresh = server.clock - timedelta(seconds=300), server.clock
    for name, created in (("old", old), ("fresh", fresh)):
        metadata = {"name": name, "namespace": NAMESPACE, "labels": {**LABELS, "harvester-preflight/run": name}}
        server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "creationTimestamp": stamp(created)}})
    server.run_pod = host
    asked(server, node("n1", BUSYBOX), probe_nodes=True)
    assert [pod["metadata"]["name"] for pod in server.objects("pods")] == ["fresh"]


def stamp(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_interruption_leaves_no_pod(server: KubeServer, host: Host) -> None:
    server.run_pod = lambda _pod: ("Running", "")

    def wait(_seconds: float) -> None:
        raise KeyboardInterrupt

    now = parse_time("2026-11-23T18:42:58Z")
    assert now is not None
    inventory = Inventory(SourceInfo("live", "x", now), {"nodes": Collected((node("n1", BUSYBOX),))})
    connection = Connection(server=server.url, token=server.token)
    with pytest.raises(KeyboardInterrupt):
        ask_on_purpose(connection, Settings(probe_nodes=True), inventory, PAIR, NEEDS, lambda _text: None, wait=wait)
    assert server.objects("pods") == []


def test_a_log_that_cannot_be_read_is_a_gap(server: KubeServer, host: Host) -> None:
    server.run_pod = host
    server.faults.on(Fail(403, "no logs for you", "Forbidden"), path=r"/log", times=None)
    found = asked(server, node("n1", BUSYBOX), probe_nodes=True)[FILES]
    assert (found.missing.code, found.missing.node) == ("forbidden", "n1")


def test_a_pod_that_somebody_removed_is_a_node_that_did_not_answer(server: KubeServer, host: Host) -> None:
    server.run_pod = lambda _pod: ("Running", "")
    server.faults.on(Call(lambda live: live.remove("pods")), method="GET", path=r"/pods", times=1, after=2)
    found = asked(server, node("n1", BUSYBOX), probe_nodes=True)[FILES]
    assert "timed-out: its probe pod is gone" in str(found.missing)


def test_only_the_questions_that_apply_are_asked() -> None:
    assert wanted_of(["facts.passiveImageKiB", "facts.unheard", "files[logs/containerd-images.log]"]) == (
        "facts/passiveImageKiB",
    )
    assert host_paths(["facts/passiveImageKiB"]) == ("/run/initramfs/cos-state",)
    assert "/oem" not in script(["facts/passiveImageKiB"])


def test_every_file_that_begins_so_is_printed_and_nothing_else_is_run(tmp_path: Path) -> None:
    oem = tmp_path / "oem"
    oem.mkdir()
    for name in ("90_custom.yaml", "91_more.yaml", "$(touch x)"):
        (oem / name).write_text(f"of: {name}\n")
    wanted = wanted_of(["files[configs/oem/9*]", "files[configs/oem/$(touch x)]", "files[configs/oem/absent]"])
    done = subprocess.run(
        ["sh", "-c", script(wanted)], env={"HOST": str(tmp_path), "PATH": os.environ["PATH"]}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = read_answer("n1", done.stdout)
    assert answer is not None
    names = ("90_custom.yaml", "91_more.yaml", "$(touch x)")
    assert answer["files"] == {f"configs/oem/{name}": f"of: {name}\n" for name in names}
    assert [path.name for path in tmp_path.iterdir()] == ["oem"]


@pytest.mark.parametrize("text", ["", "==fact efi true\n", "Segmentation fault", "|x\n==end of story"])
def test_half_an_answer_is_none(text: str) -> None:
    assert read_answer("n1", text) is None


def test_odd_facts_are_left_out() -> None:
    answer = read_answer("n1", "==fact cosStateKiB lots\n==fact efi maybe\n==fact drivers ice i40e\n|stray\n==end\n")
    assert answer is not None
    assert answer["facts"] == {"drivers": ["i40e", "ice"]}
