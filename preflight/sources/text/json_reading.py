"""JSON read strictly, one value after the other, and a big List item by item."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, TypeAlias

from preflight.errors import NoSource

Part: TypeAlias = tuple[str, Any]
"""("value", anything but a List), ("item", an item of a List) or ("list", all of a List but its items)."""

_SPACE = re.compile(r"[ \t\r\n]*")
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class JsonProblem(Exception):
    """Why a text is not JSON this tool reads."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        """Counted from 0."""

    def located(self, name: str) -> NoSource:
        """Return the error for the user."""
        return NoSource(f"{name} is not JSON this tool reads: line {self.line + 1}: {self.text}")


def json_stream(text: str) -> Iterator[Part]:
    """Yield the parts of a stream of values; a List comes after its items. Raises JsonProblem."""
    position = _skip(text, 0)
    while position < len(text):
        if text[position] == "{":
            position = yield from _map(text, position)
        else:
            value, position = _value(text, position)
            yield "value", value
        position = _skip(text, position)


def load_json(text: str) -> Any:
    """Return the one value of a text. Raises JsonProblem."""
    value, end = _value(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise _problem(text, end, "something follows the end of the document")
    return value


def _map(text: str, start: int) -> Generator[Part, None, int]:
    head: dict[str, Any] = {}
    position = _skip(text, start + 1)
    listed = False
    while text[position : position + 1] != "}":
        if head or listed:
            position = _skip(text, _expect(text, position, ","))
        if text[position : position + 1] != '"':
            raise _problem(text, position, "a key in quotes is missing")
        key, position = _value(text, position)
        position = _skip(text, _expect(text, _skip(text, position), ":"))
        if key in head or (key == "items" and listed):
            raise _problem(text, position, f"the key {key!r} stands twice in one map")
        if key == "items" and text[position : position + 1] == "[":
            listed = True
            position = yield from _items(text, position)
        else:
            head[key], position = _value(text, position)
        position = _skip(text, position)
    yield ("list" if listed else "value"), head
    return position + 1


def _items(text: str, start: int) -> Generator[Part, None, int]:
    position = _skip(text, start + 1)
    first = True
    while text[position : position + 1] != "]":
        if not first:
            position = _skip(text, _expect(text, position, ","))
        first = False
        item, position = _value(text, position)
        yield "item", item
        position = _skip(text, position)
    return position + 1


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _expect(text: str, position: int, sign: str) -> int:
    if text[position : position + 1] != sign:
        raise _problem(text, position, "the text ends too early" if position >= len(text) else f"{sign!r} is missing")
    return position + 1


def _problem(text: str, position: int, problem: str) -> JsonProblem:
    return JsonProblem(problem, text.count("\n", 0, position))


def _value(text: str, position: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, position)
        if _HALF_PAIR.search(text, position, end):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        problem = "the text ends too early" if error.pos >= len(text.rstrip()) else error.msg
        raise JsonProblem(problem, error.lineno - 1) from None
    except UnicodeEncodeError:
        raise _problem(text, position, "half of a surrogate pair in a text") from None
    except RecursionError:
        raise _problem(text, position, "nested too deeply") from None
    except ValueError as error:
        raise _problem(text, position, str(error)) from None
    return value, end


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one map")
    return built


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
