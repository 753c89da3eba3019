"""The rules of the building, read off its own source: who may import whom, and how large things may grow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGINE = sorted((ROOT / "preflight").rglob("*.py"))
CHECKS = sorted((ROOT / "checks").rglob("*.py"))
MAX_MODULE, MAX_CHECK, MAX_FUNCTION = 300, 160, 45
SLOW = {"kubernetes", "yaml", "jsonschema", "tabulate", "urllib3", "requests", "jinja2", "orjson", "msgspec"}
FORBIDDEN_IN_CHECKS = {"os", "io", "socket", "subprocess", "logging", "time", "pathlib", "sys", "random", "urllib"}


def imports(path: Path, *, top_level: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _top_level(tree) if top_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def _top_level(tree: ast.Module) -> Iterator[ast.AST]:
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", ENGINE, ids=label)
def test_the_engine_never_imports_a_check(path: Path) -> None:
    assert not [name for name in imports(path) if name.split(".")[0] in ("preflight_checks", "checks")]


@pytest.mark.parametrize("path", CHECKS, ids=label)
def test_a_check_imports_only_the_api_and_its_own_helpers(path: Path) -> None:
    for name in imports(path):
        root = name.split(".")[0]
        relative = name.startswith(".") and name.lstrip(".").startswith("_")
        assert relative or name == "preflight.api" or root in sys.stdlib_module_names, name
        assert root not in FORBIDDEN_IN_CHECKS, name


@pytest.mark.parametrize("path", CHECKS, ids=label)
def test_a_check_has_no_clock_and_does_no_io(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("open", "print", "input", "exec", "eval", "datetime.now", "datetime.utcnow"), called


@pytest.mark.parametrize("path", ENGINE, ids=label)
def test_only_the_cluster_room_knows_the_kubernetes_client(path: Path) -> None:
    if (ROOT / "preflight" / "cluster") not in path.parents:
        assert not [name for name in imports(path) if name.split(".")[0] in ("kubernetes", "urllib3")]


@pytest.mark.parametrize("path", [*ENGINE, *CHECKS], ids=label)
def test_slow_libraries_are_imported_only_where_they_are_used(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path, top_level=True)} & SLOW


@pytest.mark.parametrize("path", [*ENGINE, *CHECKS], ids=label)
def test_nothing_prints_outside_the_command_line(path: Path) -> None:
    if (ROOT / "preflight" / "cli") in path.parents:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("print", "click.echo", "sys.stdout.write", "sys.stderr.write")


@pytest.mark.parametrize("path", ENGINE, ids=label)
def test_only_a_command_and_its_request_see_the_parameters_of_click(path: Path) -> None:
    """Everything behind a command takes a Request: a bag of parameters by name has no types and no readers."""
    if path == ROOT / "preflight" / "cli" / "request.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            named = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
            assert "params" not in named, f"{label(path)}:{node.name}"


@pytest.mark.parametrize("path", [*ENGINE, *CHECKS], ids=label)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    limit = MAX_CHECK if path in CHECKS and not path.name.startswith("_") else MAX_MODULE
    assert len(text.splitlines()) <= limit, f"{label(path)} has {len(text.splitlines())} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if len(node.body) > 1 and ast.get_docstring(node) else node.body[0]
            length = (node.end_lineno or 0) - first.lineno + 1
            assert length <= MAX_FUNCTION, f"{label(path)}:{node.name} has {length} lines"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["completion", "bash"]])
def test_help_and_version_import_nothing_slow(arguments: list[str]) -> None:
    loaded = _modules_after(arguments)
    assert not loaded & SLOW


def test_the_demo_needs_no_client_and_no_parser() -> None:
    loaded = _modules_after(["check", "--source", "demo", "-o", "json"])
    assert not loaded & SLOW


def _modules_after(arguments: list[str]) -> set[str]:
    code = (
        "import sys, os\nfrom preflight.cli import run\nout = os.dup(1)\nos.dup2(2, 1)\n"
        f"run({arguments!r})\nos.write(out, '\\n'.join(sys.modules).encode())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {line.split(".")[0] for line in done.stdout.splitlines()}
    assert "click" in modules
    return modules


@pytest.mark.parametrize("path", [*ENGINE, *CHECKS], ids=label)
def test_words_that_mean_nothing_are_not_names(path: Path) -> None:
    assert path.stem not in ("utils", "helpers", "common", "manager", "misc", "base")
