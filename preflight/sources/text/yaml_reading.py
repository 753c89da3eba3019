"""YAML to plain JSON values, bounded: no tags, no timestamps, no duplicate keys, no alias bombs, no bottomless nesting.

Values are built from the parser's events, without recursion: PyYAML's composer runs out of C stack on a file of
brackets, and what its constructors make of dates, of `=` and of shared aliases is not what an API server sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from preflight.errors import NoSource

Places: TypeAlias = Mapping[tuple[Any, ...], tuple[int, int]]

MAX_DEPTH = 100
"""How deep maps and lists may nest. Objects of the API, schemas in CRDs included, stay below 60."""
MAX_VALUES = 2_000_000
"""How many values one document may hold; 64 MiB of objects hold fewer."""
MAX_ALIASED_NODES = 1_000_000
"""How many values a document's aliases may stand for."""
MAX_DIGITS = 400

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL = re.compile(r"[-+]?0o?[0-7]+")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False)


class YamlProblem(Exception):
    """Why a text is not YAML this tool reads."""

    def __init__(self, text: str, line: int, column: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        """Counted from 0 within the text given, as the column."""
        self.column = column

    def located(self, name: str, first_line: int = 0) -> NoSource:
        """Return the error for the user; `first_line` is where the text begins in the file, counted from 0."""
        return NoSource(f"{name} is not YAML this tool reads: line {first_line + self.line + 1}: {self.text}")


def load_documents(data: bytes) -> Iterator[Any]:
    """Yield each document of a stream as JSON values. Raises YamlProblem."""
    return (builder.root for builder in _documents(data, _Builder))


def load_document(data: bytes) -> Any:
    """Return the one document of a text as JSON values, None when it is empty. Raises YamlProblem."""
    builder = _single(_documents(data, _Builder))
    return builder.root if builder else None


def load_positioned(data: bytes) -> tuple[Any, Places]:
    """Return the one document of a text, and line and column of each value in it by its path. Raises YamlProblem."""
    builder = _single(_documents(data, _PositionedBuilder))
    return (builder.root, builder.places) if builder else (None, {})


B = TypeVar("B", bound="_Builder")


def _single(builders: Iterator[B]) -> B | None:
    first = next(builders, None)
    if next(builders, None) is not None:
        raise YamlProblem("it holds more than one document", 0)
    return first


def _documents(data: bytes, made: Callable[[], B]) -> Iterator[B]:
    import yaml

    builder = made()
    try:
        for event in yaml.parse(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.DocumentEndEvent):
                yield builder
                builder = made()
            else:
                builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        raise YamlProblem(error.problem or "not YAML", line, column) from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlProblem(str(error).splitlines()[0] if str(error) else "not YAML", 0) from None
    except RecursionError:  # PyYAML's own parser recurses where libyaml's does not
        raise YamlProblem(f"nested deeper than {MAX_DEPTH} levels", 0) from None


_NO_KEY = object()


class _Builder:
    """Builds the values of one document from its events."""

    def __init__(self) -> None:
        self.root: Any = None
        self.stack: list[tuple[Any, Any, str | None, int]] = []
        """Open containers: the container, the key it goes under, its anchor, the count when it was opened."""
        self.container: Any = None
        self.key: Any = _NO_KEY
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0
        self.aliased = 0

    def take(self, event: Any) -> None:
        """Take the next event of the document."""
        name = type(event).__name__
        if name == "ScalarEvent":
            value = event.value
            plain = event.implicit[0] and event.tag is None and not event.style
            if self._wants_key():
                self._set_key(value, event)
                return
            if plain:
                value = plain_value(value)
            if event.anchor:
                self.anchors[event.anchor] = (value, 1)
            self._add(value)
        elif name == "MappingStartEvent":
            self._open({}, event)
        elif name == "SequenceStartEvent":
            self._open([], event)
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._close()
        elif name == "AliasEvent":
            self._alias(event)

    def _wants_key(self) -> bool:
        return self.key is _NO_KEY and type(self.container) is dict

    def _set_key(self, key: str, event: Any) -> None:
        if key in self.container:
            raise YamlProblem(
                f"the key {key!r} stands twice in one map", event.start_mark.line, event.start_mark.column
            )
        self.key = key

    def _add(self, value: Any) -> None:
        self.count += 1
        if self.count - self.aliased > MAX_VALUES:
            raise YamlProblem(f"it holds more than {MAX_VALUES} values", 0)
        if type(self.container) is dict:
            self.container[self.key] = value
            self.key = _NO_KEY
        elif self.container is not None:
            self.container.append(value)
        else:
            self.root = value

    def _open(self, new: Any, event: Any) -> None:
        line = event.start_mark.line
        if self._wants_key():
            raise YamlProblem("a map or a list cannot be a key", line)
        if len(self.stack) >= MAX_DEPTH:
            raise YamlProblem(f"nested deeper than {MAX_DEPTH} levels", line)
        self.stack.append((self.container, self.key, event.anchor, self.count))
        self.container, self.key = new, _NO_KEY

    def _close(self) -> None:
        closed = self.container
        self.container, self.key, anchor, before = self.stack.pop()
        if type(closed) is dict and "<<" in closed:
            closed = _merged(closed)
        if anchor:
            self.anchors[anchor] = (closed, self.count - before + 1)
        self._add(closed)

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line
        if event.anchor not in self.anchors:
            raise YamlProblem(f"the alias *{event.anchor} names nothing that is complete before it", line)
        value, size = self.anchors[event.anchor]
        self.aliased += size
        self.count += size
        if self.aliased > MAX_ALIASED_NODES:
            raise YamlProblem(f"its aliases stand for more than {MAX_ALIASED_NODES} values", line)
        if self._wants_key():
            if not isinstance(value, str):
                raise YamlProblem("an alias that is no text cannot be a key", line)
            self._set_key(value, event)
            return
        self._add(value)


class _PositionedBuilder(_Builder):
    """Also remembers where each value stands."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[tuple[Any, ...], tuple[int, int]] = {}

    def take(self, event: Any) -> None:
        """Take the next event of the document."""
        starts = type(event).__name__ in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent", "AliasEvent")
        if starts and not self._wants_key():
            mark = event.start_mark
            self.places.setdefault(self._path(), (mark.line + 1, mark.column + 1))
        super().take(event)

    def _path(self) -> tuple[Any, ...]:
        """Return the path of the value that comes next."""
        opened = [(container, key) for container, key, _, _ in self.stack] + [(self.container, self.key)]
        return tuple(
            key if type(container) is dict else len(container) for container, key in opened if container is not None
        )


def _merged(mapping: dict[str, Any]) -> dict[str, Any]:
    """Resolve a merge key: what the map says itself wins."""
    others = mapping.pop("<<")
    merged: dict[str, Any] = {}
    for other in reversed(others if isinstance(others, list) else [others]):
        if not isinstance(other, dict):
            return {**mapping, "<<": others}
        merged.update(other)
    return {**merged, **mapping}


@lru_cache(maxsize=8192)
def plain_value(text: str) -> Any:
    """Return what an unquoted scalar means: null, true/false, a number, else the text itself.

    Dates stay text, and so do `=` and `<<`. Whole numbers written with an exponent (`1e+06`) become whole numbers.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789" or len(text) > MAX_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text.replace("o", ""), 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    return _number(text) if _FLOAT.fullmatch(text) else text


def _number(text: str) -> int | float | str:
    number = float(text)
    try:
        whole = int(number)
    except OverflowError:
        return text
    return whole if number == whole else number
