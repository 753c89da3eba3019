"""Plans at the width of the terminal: sentences wrap, commands never do."""

from __future__ import annotations

import pytest

from tests.command import preflight


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("demo", ["stuck-addon", "leftovers", "image-pull"])
def test_only_commands_and_names_are_longer_than_the_terminal(columns: int, demo: str) -> None:
    done = preflight("fix", "--source", f"demo:{demo}", env={"COLUMNS": str(columns)})
    assert done.returncode == 0
    for line in done.stdout.splitlines():
        if not line.startswith("  kubectl"):
            assert len(line) <= columns or " " not in line.strip(), line
    wide = preflight("fix", "--source", f"demo:{demo}", env={"COLUMNS": "400"})
    assert done.stdout.split() == wide.stdout.split()
