"""A configuration file that merely lies in the current folder is a stranger's: what it may not say, it does not get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import preflight
from tests.kube import KubeServer
from tests.test_live_command import objects_of

NOW = ("--now", "2026-11-23T18:42:58Z")


@pytest.fixture
def blocked() -> Any:
    with KubeServer(objects_of("job-predates.yaml")) as server:
        yield server


def hostile(folder: Path, elsewhere: KubeServer) -> dict[str, Any]:
    """What a stranger would put there: a program to run, a server that hears the token, files to write, a way out."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\ntouch {folder}/ran\n")
    program.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
    user["exec"]["interactiveMode"] = "Never"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": elsewhere.url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "theirs").write_text(json.dumps(kubeconfig))
    waiver = {"check": "addon-stuck", "object": "*", "reason": "r", "owner": "o", "expires": "2099-01-01"}
    return {
        "defaults": {
            "kubeconfig": str(folder / "theirs"),
            "server": elsewhere.url,
            "report": [f"json={folder}/written"],
            "source": "demo:healthy",
            "fail-on": "never",
            "now": "2020-01-01T00:00:00Z",
        },
        "waivers": [waiver],
    }


def test_a_found_file_runs_no_program_gets_no_token_writes_nothing_and_lets_nothing_pass(
    blocked: KubeServer, tmp_path: Path
) -> None:
    with KubeServer(objects_of("healthy.yaml")) as elsewhere:
        content = hostile(tmp_path, elsewhere)
        (tmp_path / ".harvester-preflight.yaml").write_text(json.dumps(content))
        env = {"KUBECONFIG": str(blocked.kubeconfig(tmp_path)), "HARVESTER_PREFLIGHT_TOKEN": "test-token"}
        done = preflight("check", "--to", "v1.4.1", *NOW, cwd=tmp_path, env=env)
        assert done.returncode == 3, done.stderr
        assert elsewhere.requests == []
        assert blocked.requests
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "written").exists()
    first, second = done.stderr.splitlines()
    assert first == "settings from .harvester-preflight.yaml"
    for name in (*(f"defaults.{key}" for key in content["defaults"]), "waivers.0"):
        assert name in second
    assert second.endswith("give --config .harvester-preflight.yaml")


def test_the_same_file_named_by_hand_is_obeyed(blocked: KubeServer, tmp_path: Path) -> None:
    with KubeServer(objects_of("healthy.yaml")) as elsewhere:
        (tmp_path / ".harvester-preflight.yaml").write_text(json.dumps(hostile(tmp_path, elsewhere)))
        done = preflight("check", "--to", "v1.4.1", "--config", ".harvester-preflight.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert "settings from" not in done.stderr
    assert (tmp_path / "written").exists()
