"""The mutation run of ci/mutate: that it makes the changes it says, and tells a mutant that lives from one that does not."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ci.mutation.mutants import make, places
from ci.mutation.trial import Modules
from tests.command import ROOT, environment

RULE = """
def late(seconds: int = 60, *, strict: bool) -> bool:
    \"\"\"Not this 1 < 2.\"\"\"
    if seconds < 0 or not strict:
        return seconds == 1
    return any(part for part in parts if part.kind in ("a", "b"))
"""


def changes(tmp_path: Path, text: str) -> set[tuple[str, str]]:
    (tmp_path / "rule.py").write_text(text)
    found = [make(place, tmp_path) for place in places(Path("rule.py"), tmp_path)]
    for mutant in found:
        assert ast.unparse(mutant.tree) != ast.unparse(ast.parse(text))
    return {(mutant.before, mutant.after) for mutant in found}


def test_each_mutant_is_one_change_of_a_rule(tmp_path: Path) -> None:
    found = changes(tmp_path, RULE)
    assert found >= {
        ("seconds < 0", "seconds <= 0"),
        ("seconds < 0", "seconds > 0"),
        ("seconds < 0 or not strict", "seconds < 0 and (not strict)"),
        ("seconds < 0 or not strict", "not strict"),
        ("not strict", "not not strict"),
        ("seconds == 1", "seconds != 1"),
        ("60", "61"),
        ("any", "all"),
        ("part.kind in ('a', 'b')", "part.kind in ('a?', 'b')"),
        ("(part for part in parts if part.kind in ('a', 'b'))", "(part for part in parts)"),
        ("return seconds == 1", "return None"),
    }
    assert not any("Not this" in before for before, _ in found)


def test_what_is_only_told_is_left_alone(tmp_path: Path) -> None:
    assert changes(tmp_path, 'x: int = f("a text", message=f"{1 + 1}", evidence={"days": 3})\n') == set()


@pytest.mark.parametrize(
    "text",
    [
        "rule = check(links=numbered(7457))",
        'rule = need("pods", why=f"{7 + 1}", how=(1, 2), docs=page(3))',
        "SHOWN = 3",
    ],
)
def test_where_to_read_more_and_how_much_is_listed_are_no_rules(tmp_path: Path, text: str) -> None:
    assert changes(tmp_path, text) == set()


def test_what_a_declaration_decides_is_a_rule(tmp_path: Path) -> None:
    found = changes(tmp_path, 'NEED = need("pods", unserved_is_empty=True, why=str(1))\nSHOWN_FOR = 3\n')
    assert found == {("True", "False"), ("3", "4")}


def test_a_bound_of_versions_moves(tmp_path: Path) -> None:
    found = changes(tmp_path, 'rule = check(from_versions=">=1.4.0 <1.6.0", title=">=1")\n')
    shown = "from_versions='>=1.4.0 <1.6.0'"
    assert found == {(shown, "from_versions='>1.4.0 <1.6.0'"), (shown, "from_versions='>=1.4.0 <=1.6.0'")}


def test_a_helper_is_tried_with_the_checks_that_import_it() -> None:
    modules = Modules(ROOT)
    names = modules.checks_of(Path("checks/_affinity.py"))
    assert "preflight_checks.vms.vm_live_migration" in names
    assert not [name for name in names if "._" in name]
    assert modules.checks_of(Path("checks/nodes/node_ready.py")) == ("preflight_checks.nodes.node_ready",)


@pytest.mark.parametrize(
    ("change", "lives"), [("pass", True), ("found.tree.body.clear()", False), ("while_true(found.tree)", False)]
)
def test_a_rule_that_is_gone_is_noticed_and_the_rule_as_it_is_lives(change: str, lives: bool) -> None:
    """In a process of its own: each trial forks."""
    script = f"""
import ast
from pathlib import Path
from ci.mutation import trial
from ci.mutation.mutants import make, places
trial.SECONDS = 2
trial.prepare()
root, path = Path({str(ROOT)!r}), Path("checks/nodes/node_ready.py")
def while_true(tree):
    next(node for node in tree.body if isinstance(node, ast.FunctionDef)).body[:0] = ast.parse("while True: pass").body
class found: tree = ast.parse((root / path).read_text())
{change}
print(trial.survives(trial.Modules(root), path, found.tree))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.stdout == f"{lives}\n", done.stderr
