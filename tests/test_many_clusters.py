"""Several clusters in one run, over real HTTP: one combined report, the worst exit code, nobody hides anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import preflight
from tests.kube import KubeServer

FIXTURES = Path(__file__).parent / "fixtures"


def objects(name: str) -> list[dict[str, Any]]:
    documents = yaml.load_all((FIXTURES / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [item for document in documents for item in document["items"]]


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig with a stuck cluster, a healthy one and one that is switched off."""
    with KubeServer(objects("job-predates.yaml")) as stuck, KubeServer(objects("healthy.yaml")) as healthy:
        servers = {"prod-stuck": stuck.url, "prod-healthy": healthy.url, "lab-down": "http://127.0.0.1:1"}
        path = tmp_path / "kubeconfig"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": url}} for name, url in servers.items()],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in servers],
            "users": [{"name": "u", "user": {"token": stuck.token}}],
        }
        path.write_text(yaml.safe_dump(content))
        yield path


def run(kubeconfig: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = preflight("check", "--kubeconfig", kubeconfig, "--to", "v1.4.1", "-o", "json", *arguments)
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["kind"] == "PreflightReportList", done.stderr
    assert document["exitCode"] == done.returncode
    return done.returncode, document


def test_one_cluster_that_is_down_does_not_hide_the_others(kubeconfig: Path) -> None:
    code, document = run(kubeconfig, "--all-contexts", "--select", "addon-stuck")
    verdicts = {report["context"]: report["verdict"] for report in document["reports"]}
    assert verdicts == {"prod-stuck": "blocked", "prod-healthy": "ready", "lab-down": "undecided"}
    assert code == 3
    (down,) = [report for report in document["reports"] if report["context"] == "lab-down"]
    reasons = {check["reason"] for check in down["checks"] if check["status"] == "unknown"}
    assert any("127.0.0.1:1" in reason for reason in reasons)
    assert {check["status"] for check in down["checks"]} == {"unknown", "skipped"}


def test_contexts_are_named_or_matched(kubeconfig: Path) -> None:
    _, document = run(kubeconfig, "--context", "prod-healthy,lab-down", "--select", "addon-stuck")
    assert [report["context"] for report in document["reports"]] == ["prod-healthy", "lab-down"]
    assert document["exitCode"] == 4
    code, document = run(kubeconfig, "--all-contexts=healthy$", "--select", "addon-stuck")
    assert [report["context"] for report in document["reports"]] == ["prod-healthy"]
    assert code == 0


def test_a_context_that_does_not_exist_is_a_usage_error(kubeconfig: Path) -> None:
    done = preflight("check", "--kubeconfig", kubeconfig, "--context", "prod-stuck,nope", "--to", "v1.4.1")
    assert done.returncode == 2
    assert "prod-stuck, prod-healthy, lab-down" in done.stderr


def test_every_format_shows_every_cluster(kubeconfig: Path, tmp_path: Path) -> None:
    formats = ("table", "markdown", "junit", "sarif", "html", "github", "prometheus", "openreports", "wide", "yaml")
    wanted = [part for name in formats for part in ("--report", f"{name}={tmp_path}/{name}.out")]
    preflight(
        "check", "--kubeconfig", kubeconfig, "--all-contexts", "--to", "v1.4.1", "--select", "addon-stuck", *wanted
    )
    for name in formats:
        text = (tmp_path / f"{name}.out").read_text()
        for context in ("prod-stuck", "prod-healthy", "lab-down"):
            assert context in text or name == "github", f"{name} does not name {context}"
