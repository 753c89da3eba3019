"""Try one mutant: in a forked child, with the changed file in the place of the real one."""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType

from preflight.check import Check
from preflight.model import Status
from tests.cases import Case, all_cases, compare, run_case

SECONDS = 20
"""A mutant that computes for longer than this is noticed by whoever waits for it; how busy the machine is says nothing."""
BYTES = 4 << 30
PACKAGE = "preflight_checks"


class Modules:
    """The files under checks/ as modules, and who imports whom."""

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = sorted((root / "checks").rglob("*.py"))
        self.names = {path.relative_to(root): _module_name(path.relative_to(root)) for path in paths}
        self._imports = {name: set(_imported(root / path, name)) for path, name in self.names.items()}

    def checks_of(self, path: Path) -> tuple[str, ...]:
        """Name the modules of the checks that a file takes part in: itself, or those that import it in the end."""
        found = {self.names[path]}
        while True:
            more = {name for name, imported in self._imports.items() if imported & found} - found
            if not more:
                return tuple(sorted(name for name in found if self._is_check(name)))
            found |= more

    def _is_check(self, name: str) -> bool:
        parts = name.split(".")
        return len(parts) == 3 and not parts[2].startswith("_")


def _module_name(path: Path) -> str:
    parts = (PACKAGE, *path.with_suffix("").parts[1:])
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path, name: str) -> Iterable[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from its changed code."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self.name, self.path, self.code = name, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        package = self.path.name == "__init__.py"
        return importlib.util.spec_from_file_location(
            fullname, self.path, loader=self, submodule_search_locations=[str(self.path.parent)] if package else None
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def prepare() -> None:
    """Read and import once what every child needs."""
    all_cases()
    importlib.import_module("preflight.api")
    gc.collect()
    gc.freeze()  # a child that moves what it never uses would copy it
    gc.disable()


def survives(modules: Modules, path: Path, tree: ast.Module | None) -> bool:
    """Say whether all cases of the checks of this file pass with its content replaced (None: as it is)."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 0
    noticed = True
    try:  # nothing of what happens here may reach the parent but the exit code
        _limit()
        if tree is not None:
            code = compile(tree, str(modules.root / path), "exec")
            sys.meta_path.insert(0, _Changed(modules.names[path], modules.root / path, code))
        noticed = _noticed(modules.checks_of(path))
    finally:
        os._exit(1 if noticed else 0)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)


def _noticed(names: Sequence[str]) -> bool:
    checks = [_check(importlib.import_module(name)) for name in names]
    by_id: Mapping[str, list[Case]] = {
        check.id: [case for case in all_cases() if case.check_id == check.id] for check in checks
    }
    try:
        for check in checks:
            for case in by_id[check.id]:
                compare(case, check, run_case(check, case.content))
        for check in checks:
            for case in by_id[check.id]:
                _read_less(check, case)
    except Exception:
        return True
    return False


def _check(module: ModuleType) -> Check:
    (found,) = (value for value in vars(module).values() if isinstance(value, Check))
    return found


def _read_less(check: Check, case: Case) -> None:
    """What the suite demands of every case: reading less never makes a result better."""
    whole = run_case(check, case.content)
    for need in check.needs:
        name = need.resource.name
        gone = {**(case.content.get("not_collected") or {}), name: f"forbidden: {name}"}
        cluster = {key: value for key, value in (case.content.get("cluster") or {}).items() if key != name}
        less = run_case(check, {**case.content, "cluster": cluster, "not_collected": gone})
        if whole.status in (Status.FAIL, Status.UNKNOWN, Status.WARN) or not need.optional:
            assert less.status is not Status.PASS or whole.status is Status.SKIPPED
