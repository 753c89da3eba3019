"""The rooms drawn in docs/architecture.md, compared with every import of the source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.imports import circles, graph, imported_names, sources

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FILES = sources()
GRAPH = graph(FILES)
GROUPS = {"preflight": "preflight.", "checks": "preflight_checks."}
"""Words of the `never` block that stand for more than one room."""


def block(name: str) -> list[str]:
    found = re.search(rf"(?ms)^```{name}\n(.*?)^```$", PAGE)
    assert found, f"docs/architecture.md has no block {name}"
    return found.group(1).splitlines()


def drawn() -> dict[str, list[str]]:
    """Return room → its folders (ending in a slash) and root modules, from the top to the bottom."""
    rooms = {}
    for line in block("rooms"):
        room, files, trade = re.split(r" {2,}", line, maxsplit=2)
        assert trade, line
        rooms[room] = files.split()
    return rooms


ROOMS = drawn()
HEIGHT = {room: -place for place, room in enumerate(ROOMS)}


def room_of(module: str) -> str:
    """Return the room of a module: the longest folder that holds it, or its own name at the root."""
    if module.startswith("preflight_checks"):
        return "checks"
    path = FILES[module].relative_to(ROOT / "preflight")
    folder = "" if path.parent == Path() else f"{path.parent.as_posix()}/"
    matches = [
        (len(word), room)
        for room, words in ROOMS.items()
        for word in words
        if (word.endswith("/") and folder.startswith(word)) or (not folder and word == path.stem)
    ]
    assert matches, f"preflight/{path} has no room: draw it in docs/architecture.md"
    return max(matches)[1]


def violations(found: Mapping[str, frozenset[str]], importing: str, imported: str) -> list[str]:
    def within(module: str, word: str) -> bool:
        return (module + ".").startswith(GROUPS[word]) if word in GROUPS else room_of(module) == word

    return [
        f"{module} imports {target}"
        for module, targets in found.items()
        for target in targets
        if within(module, importing) and within(target, imported)
    ]


def test_no_two_files_import_each_other() -> None:
    assert circles(GRAPH) == []


def test_imports_only_point_down() -> None:
    up = [
        f"{module} ({room_of(module)}) imports {target} ({room_of(target)})"
        for module, targets in GRAPH.items()
        for target in targets
        if module.startswith("preflight.") and HEIGHT[room_of(module)] < HEIGHT[room_of(target)]
    ]
    assert up == []


@pytest.mark.parametrize("line", [line for line in block("never") if " never " in line])
def test_what_is_never_imported(line: str) -> None:
    importing, _, imported = line.partition(" never imports ")
    for room in imported.split():
        assert {importing, room} <= {*ROOMS, *GROUPS}, line
        assert violations(GRAPH, importing, room) == []


@pytest.mark.parametrize("line", [line for line in block("never") if " only" in line])
def test_libraries_that_one_room_alone_knows(line: str) -> None:
    library, room = re.fullmatch(r"(\w+) is imported by (\w+) only", line).groups()  # type: ignore[union-attr]
    users = [
        module
        for module, path in FILES.items()
        if any(base.split(".")[0] == library for base, _ in imported_names(module, path))
    ]
    assert users, f"nothing imports {library} any more: take it out of docs/architecture.md"
    assert {room_of(module) for module in users} == {room}


def test_everything_drawn_is_there() -> None:
    for words in ROOMS.values():
        for word in words:
            path = ROOT / "preflight" / (word if word.endswith("/") else f"{word}.py")
            assert path.exists(), f"docs/architecture.md draws {word}, which is not there"


def test_what_the_page_sends_a_newcomer_to_is_there() -> None:
    for name in re.findall(r"`([a-z_]+/[\w./-]+)`", PAGE):
        assert (ROOT / name).exists() or (ROOT / "preflight" / name).exists(), name


@pytest.mark.parametrize(
    ("files", "way"),
    [
        ({"a": "from preflight import b\n", "b": "def f():\n    from preflight.a import x\n"}, ["a", "b", "a"]),
        ({"a": "import preflight.b\n", "b": "from preflight.c import x\n", "c": "from . import a\n"}, list("abca")),
        ({"a": "if TYPE_CHECKING:\n    from .b import x\n", "b": "import preflight.a as y\n"}, ["a", "b", "a"]),
    ],
)
def test_a_circle_is_found(tmp_path: Path, files: dict[str, str], way: list[str]) -> None:
    for name, text in files.items():
        (tmp_path / "preflight").mkdir(exist_ok=True)
        (tmp_path / "preflight" / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "preflight" / "__init__.py").touch()
    assert circles(graph(sources(tmp_path))) == [[f"preflight.{name}" for name in way]]


@pytest.mark.parametrize(
    ("module", "target", "importing", "imported"),
    [
        ("preflight.remediation.wait", "preflight.sources.saved.snapshot", "repair", "sources"),
        ("preflight.remediation.wait", "preflight.sources.live.reader", "repair", "live"),
        ("preflight.sources.saved.demo", "preflight.render.table", "sources", "formats"),
        ("preflight.sources.live.lists", "preflight.render", "live", "formats"),
        ("preflight.flow", "preflight_checks.nodes.node_ready", "preflight", "checks"),
    ],
)
def test_a_forbidden_import_is_found(module: str, target: str, importing: str, imported: str) -> None:
    assert violations({**GRAPH, module: GRAPH[module] | {target}}, importing, imported) == [
        f"{module} imports {target}"
    ]
