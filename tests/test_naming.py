"""As kubectl's plugin the tool names itself as its reader has to type it; krew installs no other name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.cli import COMMANDS
from tests.command import environment

OTHER_NAME = re.compile(r"(?<!kubectl )(?<![\w/.-])harvester-preflight (?:" + "|".join(COMMANDS) + r")\b")


def run(folder: Path, name: str, *words: str) -> str:
    """Run the tool under a name, and return all it says."""
    program = folder / name
    program.write_text(f"#!{sys.executable}\nfrom preflight.cli import main\nmain()\n", encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run([program, *words], env=environment(COLUMNS="80"), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        *((command, "--help") for command in COMMANDS),
        ("list",),
        ("knowledge",),
        ("explain", "nothing"),
        ("check", "--source", "demo", "--select", "nothing"),
        ("check", "--source", "demo", "--select", "addon-stuck"),
        ("chekc",),
        ("report", "/dev/null"),
    ],
    ids=" ".join,
)
def test_the_plugin_never_names_a_command_that_is_not_installed(tmp_path: Path, words: tuple[str, ...]) -> None:
    said = run(tmp_path, "kubectl-harvester_preflight", *words)
    assert not OTHER_NAME.findall(" ".join(said.split()))
    assert all(len(line) <= 100 for line in said.splitlines() if words[-1] == "--help")


def test_under_its_own_name_it_speaks_of_no_plugin(tmp_path: Path) -> None:
    assert "kubectl harvester-preflight" not in run(tmp_path, "harvester-preflight", "list")
    assert OTHER_NAME.search(run(tmp_path, "harvester-preflight", "list"))
    assert OTHER_NAME.search(run(tmp_path, "harvester-preflight", "--help"))
