"""Small files that unfold to much, and programs that say too much: read within 400 MiB, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from preflight.cluster.exec_plugin import run_plugin
from preflight.errors import SourceError
from tests.command import ROOT

MOST = 400 * 1024**2
CHILD = """
import json, sys
from preflight.errors import PreflightError
from preflight.flow import all_needs, registered_checks
from preflight.settings import Settings
from preflight.sources import open_source

settings = Settings(plugins=False)
needs = all_needs(registered_checks(settings), settings)
try:
    inventory = open_source(sys.argv[1], now=None, live=None, stdin=None)(needs)
    told = [str(reason) for entry in inventory.entries.values() for reason in (entry.missing, *entry.gaps) if reason]
except PreflightError as error:
    told = [error.message]
# Not ru_maxrss: that of the process which started this one is handed down.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([peak * 1024, told]))
"""


def measured(source: Path) -> list[str]:
    """Read a source in a process of its own; return what it said was missing."""
    child = [sys.executable, "-c", CHILD, source]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    most, told = json.loads(done.stdout)
    assert most < MOST
    return told


@pytest.mark.parametrize(
    "data",
    [
        b'{"metadata":{"creationTimestamp":"2026-11-23T18:42:44Z"}}' + b"{}" * (4 << 20),
        b'{"apiVersion":"v1","kind":"List","items":[{}' + b",{}" * (2 << 20) + b"]}",
        b"---\n" * (8 << 20),
        b"a: 2026-11-23T18:42:44Z\n" + b"\n" * (32 << 20),
    ],
    ids=["empty maps", "empty items", "marks", "newlines"],
)
def test_a_file_of_nothing_stays_small_and_is_nobodys_cluster(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "objects"
    path.write_bytes(data)
    assert measured(path)


def test_a_zip_of_newlines_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b/metadata.yaml", "bundlecreatedat: 2026-11-23T18:42:44Z\n")
        archive.writestr("b/yamls/cluster/v1/nodes.yaml", b"\n" * (100 << 20))
    assert path.stat().st_size < 1 << 20
    assert any("nodes.yaml" in reason for reason in measured(path))


def test_a_credential_plugin_is_read_to_its_limit_and_ended() -> None:
    spec = {"apiVersion": "client.authentication.k8s.io/v1", "command": "yes", "interactiveMode": "Never"}
    with pytest.raises(SourceError, match="printed more than"):
        run_plugin(spec, {}, ".")
