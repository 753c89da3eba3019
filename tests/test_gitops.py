"""The gates of docs/gitops.md, run as Argo CD and Fleet run them: what a commit brings is applied, or held back."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.manifests.undecided import KUBELET, PLANS, PROBE
from preflight.resources import RESOURCES
from preflight.values.times import parse_time
from tests.command import ROOT, preflight
from tests.kube import KubeServer, rules_of
from tests.test_manifests import IMAGE, in_process, pods, printed, unpacked

TO = "v1.4.1"
PAGE = (ROOT / "docs/gitops.md").read_text(encoding="utf-8")
SHOWN = [
    entry
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for entry in yaml.safe_load_all(block)
]
VERSION, UPGRADE = (entry for kind in ("Version", "Upgrade") for entry in SHOWN if entry.get("kind") == kind)
"""What the page has the reader commit."""
ATTESTED = """\
attestations:
  - {check: passive-image-sparse, nodes: ["*"], who: kim, when: "2025-02-01", expires: "2025-03-01"}
"""
GATES = ("argocd", "fleet")


class Cluster:
    """A Harvester cluster of a demo, without the Version of the target, behind a server that heeds roles."""

    def __init__(self, server: KubeServer, folder: Path, demo: str) -> None:
        self.server, self.folder = server, folder
        content = json.loads((ROOT / f"preflight/demo/{demo}.json").read_text(encoding="utf-8"))
        moment = parse_time(content["collectedAt"])
        assert moment is not None
        server.clock = moment
        server.freeze()
        entries = content["entries"]
        for name, entry in entries.items():
            if RESOURCES[name].how == "list":
                server.put(*entry.get("objects") or [])
        for part, key in (("nodes/stats-summary", "summary"), ("nodes/configz", "configz")):
            for item in entries[part]["objects"]:
                server.kubelets.setdefault(item["metadata"]["name"], {})[key] = item
        server.remove("versions", "harvesterhci.io")

    def gate(self, kind: str, *flags: str, without: str = "") -> tuple[int, str]:
        """Run what the gate's pod runs, with the gate's role and configuration; return its exit code and report."""
        found = unpacked(printed(kind, *flags, to=TO))
        ((container, _),) = pods(found)
        (config,) = [entry for entry in found if entry["kind"] == "ConfigMap"]
        (self.folder / "mounted.yaml").write_text(*config["data"].values())
        self.server.allow = rules_of(found)
        env = {
            "HARVESTER_PREFLIGHT_KUBECONFIG": str(self.server.kubeconfig(self.folder)),
            "HARVESTER_PREFLIGHT_CONFIG": str(self.folder / "mounted.yaml"),
            "COLUMNS": "200",
        }
        words = [word for word in container["args"] if word != without]
        done = preflight(*words, "--report", f"json={self.folder / 'report.json'}", env=env)
        self.server.allow = None
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    def sync(self, kind: str, *commit: dict[str, Any]) -> bool:
        """Do as the tool does: the commit is applied when the gate before it completes, and only then."""
        code, _ = self.gate(kind, *self.opted_in())
        if code == 0:
            self.server.put(*commit)
        return code == 0

    def opted_in(self) -> list[str]:
        (self.folder / "attested.yaml").write_text(ATTESTED)
        return [KUBELET, PLANS, "--config", str(self.folder / "attested.yaml")]

    def undecided(self) -> set[str]:
        """Name the checks that could have blocked the last time and were not decided."""
        checks = json.loads((self.folder / "report.json").read_text())["checks"]
        return {entry["id"] for entry in checks if entry["status"] == "unknown" and entry["worst"] == "fail"}

    def has(self, plural: str) -> bool:
        return bool(self.server.objects(plural, "harvesterhci.io"))


@pytest.fixture
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with KubeServer() as server:
        yield Cluster(server, tmp_path, getattr(request, "param", "healthy"))


blocked = pytest.mark.parametrize("cluster", ["stuck-addon"], indirect=True)


@pytest.mark.parametrize("kind", GATES)
def test_a_commit_that_brings_the_version_passes_and_then_one_with_the_upgrade(cluster: Cluster, kind: str) -> None:
    assert cluster.sync(kind, VERSION)
    assert cluster.has("versions")
    assert cluster.sync(kind, UPGRADE)
    assert cluster.has("upgrades")


@pytest.mark.parametrize("kind", GATES)
def test_one_commit_may_bring_both(cluster: Cluster, kind: str) -> None:
    assert cluster.sync(kind, VERSION, UPGRADE)


@blocked
@pytest.mark.parametrize("kind", GATES)
def test_a_commit_with_the_upgrade_is_held_on_a_blocked_cluster(cluster: Cluster, kind: str) -> None:
    cluster.server.put(VERSION)
    assert not cluster.sync(kind, UPGRADE)
    assert not cluster.has("upgrades")
    code, report = cluster.gate(kind, *cluster.opted_in())
    assert code == 3
    assert "addon-stuck" in report


@blocked
def test_expecting_the_version_excuses_nothing_else(cluster: Cluster) -> None:
    assert not cluster.sync("argocd", VERSION)
    assert not cluster.has("versions")


@pytest.mark.parametrize("kind", GATES)
def test_without_expecting_it_the_gate_would_keep_the_version_out_for_ever(cluster: Cluster, kind: str) -> None:
    code, report = cluster.gate(kind, *cluster.opted_in(), without="--expect-version")
    assert code == 3
    assert "version-missing" in report


def test_a_version_that_cannot_be_used_is_held_though_expected(cluster: Cluster) -> None:
    cluster.server.put({**VERSION, "spec": {"isoChecksum": VERSION["spec"]["isoChecksum"]}})
    assert not cluster.sync("argocd", UPGRADE)


def test_the_gate_says_that_the_version_is_still_to_come(cluster: Cluster) -> None:
    code, report = cluster.gate("argocd", *cluster.opted_in())
    assert code == 0
    assert report.startswith("READY  v1.4.0 → v1.4.1")
    assert "it is expected after this check (--expect-version)" in report


def test_what_the_manifests_say_is_left_open_is_what_a_healthy_cluster_leaves_open(cluster: Cluster) -> None:
    """With each opt-in one answer more; the comment above the manifests names them beforehand."""
    cluster.server.put(VERSION)
    given: list[str] = []
    for flag in (KUBELET, PLANS, PROBE):
        said = _said(*given)
        assert said, "nothing is said to be open"
        code, _ = cluster.gate("job", *given)
        assert code == 4
        open_ = cluster.undecided()
        assert {name for names in said.values() for name in names} >= open_
        assert set(said[flag]) & open_, f"{flag} is said to settle what nobody asks"
        given.append(flag)
    assert _said(*given) == {}


def _said(*flags: str) -> dict[str, list[str]]:
    text = in_process("manifests", "job", "--image", IMAGE, "--to", TO, *flags)
    rows = re.findall(r"^#   ([a-z, -]+): (--with-[a-z-]+)", text, re.MULTILINE)
    return {flag: names.split(", ") for names, flag in rows}


def test_an_expected_version_and_a_dry_run_of_its_upgrade_exclude_each_other() -> None:
    done = preflight("check", "--source", "demo", "--to", TO, "--expect-version", "--ask-server")
    assert (done.returncode, done.stdout) == (2, "")
    assert "leave out --expect-version" in done.stderr


def test_the_version_comes_before_the_upgrade_and_the_gate_before_both() -> None:
    waves = [int(entry["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for entry in (VERSION, UPGRADE)]
    assert waves == [0, 1]
    assert UPGRADE["spec"]["version"] == VERSION["metadata"]["name"] == TO
    hooks = {entry["metadata"]["annotations"]["argocd.argoproj.io/hook"] for entry in printed("argocd", to=TO)}
    assert hooks == {"PreSync"}


def test_the_bundles_wait_for_the_gate_by_the_name_it_has() -> None:
    (gate,) = printed("fleet", to=TO)
    waiting = [entry for entry in SHOWN if "dependsOn" in entry]
    assert len(waiting) == 2
    assert all({"name": gate["metadata"]["name"]} in entry["dependsOn"] for entry in waiting)
    assert gate["spec"]["helm"]["waitForJobs"] is True
    (job,) = [entry for entry in unpacked([gate]) if entry["kind"] == "Job"]
    assert gate["spec"]["helm"]["timeoutSeconds"] > job["spec"]["activeDeadlineSeconds"]


@pytest.mark.parametrize("page", ["gitops.md", "install.md", "fleet.md"])
def test_the_commands_of_a_page_are_understood(page: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace("\\\n", " ")
    (tmp_path / "waivers.yaml").write_text(ATTESTED)
    lines = re.findall(r"^(?:kubectl )?harvester-preflight (manifests .*)$", text, re.MULTILINE)
    assert len(lines) >= {"gitops.md": 3}.get(page, 0)
    for line in lines:
        words = shlex.split(re.split(r" [|>] ", line.replace("REGISTRY/harvester-preflight@sha256:DIGEST", IMAGE))[0])
        done = preflight(*words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), line
    named = set(re.findall(r"(?<![\w-])--(?:with|expect)-[a-z-]+", text))
    assert all(flag in preflight("manifests", "--help").stdout + preflight("check", "--help").stdout for flag in named)


def test_the_log_that_the_page_names_is_that_of_the_job() -> None:
    (job,) = [entry["metadata"] for entry in printed("argocd", to=TO) if entry["kind"] == "Job"]
    assert f"kubectl -n {job['namespace']} logs job/{job['name']}" in PAGE
