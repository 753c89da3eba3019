"""Who imports whom: every import of the source, whether at the top of a file, inside a function or for types only."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"preflight": "preflight", "preflight_checks": "checks"}

Graph = Mapping[str, frozenset[str]]


def sources(root: Path = ROOT) -> dict[str, Path]:
    """Return module → file, of the program and its checks."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = [package, *path.relative_to(root / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imported_names(module: str, path: Path) -> tuple[tuple[str, str], ...]:
    """Return (module, name) of every `from module import name`, and (module, "") of every `import module`."""
    return tuple(_imported_names(module, path))


def _imported_names(module: str, path: Path) -> Iterator[tuple[str, str]]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((base, alias.name) for alias in node.names)


def graph(files: Mapping[str, Path]) -> Graph:
    """Return module → the modules of ours it imports."""
    return {module: frozenset(_ours(module, path, files)) - {module} for module, path in files.items()}


def _ours(module: str, path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    for base, name in imported_names(module, path):
        if f"{base}.{name}" in files:
            yield f"{base}.{name}"
        elif base in files:
            yield base


def circles(found: Graph) -> list[list[str]]:
    """Return one circle of modules for each group that import each other (a → b → … → a), the shortest way round."""
    result, seen = [], set[str]()
    for start in found:
        way = _way_back(found, start)
        if way and not seen & set(way):
            seen |= set(way)
            result.append(way)
    return result


def _way_back(found: Graph, start: str) -> list[str]:
    came: dict[str, str] = {}
    todo = [start]
    for module in todo:
        for target in sorted(found[module]):
            if target == start:
                way = [start, module]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if target not in came:
                came[target] = module
                todo.append(target)
    return []
