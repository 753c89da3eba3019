"""A big List in YAML, item by item: split and thinned out as text, so that only what is needed is ever parsed.

Shape: what the kit of support bundles and kubectl write: block style, `items:` at column 0, `- ` at column 0 for each
item, `kind` behind the items. Anything else raises `OtherLayout`, and the caller parses the whole document instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from preflight.values.paths import FieldTree

_HEAD_KEY = re.compile(rb"(?:apiVersion|kind|metadata|items):(?:\s|$)")
_KEY = re.compile(rb" *([A-Za-z0-9_./-]+):(?: +(\S.*))?$")
_IDENTITY = re.compile(rb"[ -] (apiVersion|kind): *(?:\"([^\"\\]+)\"|'([^']+)'|([^\s\"'#&*!]+)) *\r?\n?$")
MAX_ITEM_BYTES = 16 * 1024 * 1024
"""The API server takes no object above 3 MiB."""
LINE_COST = 16
"""What a line is counted for besides its bytes: a file of empty lines takes memory too."""
MAX_HEAD_BYTES = 1024 * 1024
"""What stands before and behind the items is a few lines."""
MAX_WHOLE_BYTES = 64 * 1024 * 1024
"""The most YAML that is parsed at once, of a document that is not laid out so."""
_INSIDE = (b" ", b"\n", b"\r", b"#", b"")


class OtherLayout(Exception):
    """The text is not laid out as this module expects. It may still be a List."""


class ListText:
    """Iterates over the items of one List; afterwards `head` holds everything of the document but its items."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = enumerate(lines)
        self.head = b""

    def __iter__(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the number of the first line, counted from 0, and the lines of each item. Raises OtherLayout."""
        before = self._before_items()
        first, item, size = 0, list[bytes](), 0
        after = b""
        for number, line in self.lines:
            if line[:2] == b"- ":
                if item:
                    yield first, item
                first, item, size = number, [line], len(line) + LINE_COST
            elif line[:1] in _INSIDE:
                if not item and line[:1] == b" ":
                    raise OtherLayout("the items are indented")
                item.append(line)
                size += len(line) + LINE_COST
                if size > MAX_ITEM_BYTES:
                    raise OtherLayout("no object of a cluster is that large")
            else:
                after = line
                break
        if not after:
            raise OtherLayout("nothing stands behind the items")
        if item:
            yield first, item
        self.head = b"".join((before, after, *self._after_items(after)))

    def _before_items(self) -> bytes:
        head: list[bytes] = []
        size = 0
        for _, line in self.lines:
            if line.startswith(b"items:"):
                if line[6:].strip():
                    raise OtherLayout("not one block of items")
                return b"".join(head)
            _check_head(line)
            head.append(line)
            size += len(line) + LINE_COST
            if size > MAX_HEAD_BYTES:
                raise OtherLayout("no List begins so late")
        raise OtherLayout("no items")

    def _after_items(self, first: bytes) -> Iterator[bytes]:
        _check_head(first)
        size = 0
        for _, line in self.lines:
            _check_head(line)
            size += len(line) + LINE_COST
            if size > MAX_HEAD_BYTES:
                raise OtherLayout("no List ends so late")
            yield line


def _check_head(line: bytes) -> None:
    if line[:1] not in _INSIDE and (not _HEAD_KEY.match(line) or line.startswith(b"items:")):
        raise OtherLayout("not a List with its items at column 0")


def identity(item: list[bytes]) -> tuple[str, str] | None:
    """Read apiVersion and kind off an item's text, None when they are not written plainly."""
    found: dict[bytes, str] = {}
    for line in item:
        if line[2:3] not in (b"a", b"k"):
            continue
        match = _IDENTITY.match(line)
        if match:
            key, *values = match.groups()
            found[key] = next(value for value in values if value).decode()
            if len(found) == 2:
                return found[b"apiVersion"], found[b"kind"]
    return None


def thin_out(item: list[bytes], tree: FieldTree) -> bytes:
    """Return an item's text, as a document of its own, without the maps and lists that `tree` does not ask for.

    Works by indentation alone: a deeper line, or a `- ` at the same depth, belongs to the key above it. Where a key is
    not written plainly, everything below it is kept. Raises OtherLayout when the indentation makes no sense.
    """
    kept: list[bytes] = []
    levels: list[tuple[int, FieldTree]] = [(2, tree)]
    depth, keep = -1, False
    """The key whose value is kept or dropped as a whole; -1 where the map below a key is looked at key by key."""
    below: FieldTree | None = None
    for line in [b"  " + item[0][2:], *item[1:]]:
        stripped = line.lstrip(b" ")
        indent = len(line) - len(stripped)
        if depth >= 0 and (indent > depth or (indent == depth and stripped[:2] == b"- ") or not stripped.strip()):
            if keep:
                kept.append(line)
            continue
        if stripped[:1] in _INSIDE:
            continue
        if below is not None and stripped[:2] == b"- ":  # the value is a list: keep it whole
            depth, keep, below = levels[-1][0], True, None
            kept.append(line)
            continue
        levels = _levels(levels, indent, below)
        keep, below = _judge(stripped, levels[-1][1])
        depth = indent if below is None else -1
        if keep:
            kept.append(line)
    return b"".join(kept)


def _levels(levels: list[tuple[int, FieldTree]], indent: int, below: FieldTree | None) -> list[tuple[int, FieldTree]]:
    """Return the open maps, outermost first, for a key at `indent`; `below` is what the key before it opened."""
    if below is not None and indent > levels[-1][0]:
        return [*levels, (indent, below)]
    while levels and indent < levels[-1][0]:
        levels = levels[:-1]
    if not levels or indent != levels[-1][0]:
        raise OtherLayout("odd indentation")
    return levels


def _judge(line: bytes, tree: FieldTree) -> tuple[bool, FieldTree | None]:
    """Decide on a key: whether to keep it, and the tree to look at the map below it with; None: as a whole."""
    match = _KEY.match(line.rstrip())
    if match is None or "*" in tree:
        return True, None
    key, value = match.groups()
    wanted = tree.get(key.decode())
    if wanted is None:
        return False, None
    return True, wanted if wanted and not value else None
