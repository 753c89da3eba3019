"""What the command prints, for the pages that show it: real runs over the bundled clusters, at 80 columns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

COLUMNS = 80
KUBELETS = ("nodes/stats-summary", "nodes/configz")
REFUSED = {
    "code": "forbidden",
    "text": 'cannot get nodes/proxy, by which kubelets are asked: nodes "harv-node-1" is forbidden: User "kim" cannot get '
    'resource "nodes/proxy" in API group "" at the cluster scope',
    "node": None,
    "namespace": None,
    "cure": "harvester-preflight rbac --with-kubelet | kubectl apply -f -",
}
"""What an account without that right is told of a running cluster."""


def blocked() -> str:
    """Return the picture of the bundled cluster with two stuck Addons."""
    return _picture("check", "--source", "demo")


def undecided(root: Path) -> str:
    """Return the picture of a healthy cluster, of a snapshot taken by somebody who may not ask its kubelets."""
    document: dict[str, Any] = json.loads((root / "preflight" / "demo" / "healthy.json").read_text(encoding="utf-8"))
    for name in KUBELETS:
        document["entries"][name] |= {"objects": [], "missing": f"forbidden: {REFUSED['text']}", "why": REFUSED}
    document["source"] = {"type": "live", "name": "https://10.0.0.10:6443", "clock": "", "notes": []}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cluster.json").write_text(json.dumps(document), encoding="utf-8")
        return _picture("check", "--source", "cluster.json", "--to", "v1.4.1", cwd=folder)


def _picture(*words: str, cwd: str | None = None) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HARVESTER_PREFLIGHT_", "KUBE"))}
    plain = {"COLUMNS": str(COLUMNS), "NO_COLOR": "1", "PYTHONUTF8": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "preflight", *words],
        cwd=cwd,
        env={**kept, **plain},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    if done.returncode not in (3, 4):
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return f"```text\n$ harvester-preflight {' '.join(words)}\n{done.stdout}```\n"
