"""Which fields an expression reads, so that exactly these are declared, read, kept in snapshots and granted.

An expression is followed along its chains: `object.spec.disks.exists(d, d.type == "block")` reads spec.disks.type. What a
chain ends in is kept whole, and where it cannot be followed (a key that is computed) what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from preflight.values.paths import ALWAYS_KEPT

MACROS = ("exists", "exists_one", "all", "filter", "map")
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>r?"(?:[^"\\]|\\.)*"|r?'(?:[^'\\]|\\.)*')|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<number>\d[\w.]*)|(?P<sign>&&|\|\||[=!<>]=|.))""",
    re.DOTALL,
)

Chain: TypeAlias = tuple[str, tuple[str, ...]]
"""Which variable, and the path below one object of it."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What an expression reads."""

    paths: frozenset[Chain]
    """Each variable with a path that is read; an empty path: the object as a whole."""
    asked: frozenset[Chain]
    """Paths of which only is asked, by has(), whether they are there."""
    chain: Chain | None
    """What the expression as a whole stands for, when it is nothing but a chain or a filter of one."""


def reads_of(expression: str, scope: Mapping[str, Chain]) -> Reads:
    """Follow an expression. `scope` says what the names stand for that are objects or lists of objects."""
    tokens = [found for found in _TOKEN.findall(expression.strip()) if any(found)]
    walker = _Walker([(text, name, number, sign) for text, name, number, sign in tokens])
    walker.walk(0, len(tokens), dict(scope))
    whole = walker.whole if walker.ended_at == len(tokens) else None
    return Reads(frozenset(walker.paths), frozenset(walker.asked), whole)


def field_path(path: tuple[str, ...]) -> str:
    """Write a path in the notation of preflight.values.paths; empty for what every object keeps anyway."""
    text = ".".join(segment if segment.replace("_", "").isalnum() else f"[{segment}]" for segment in path)
    kept = any(text == always or text.startswith((f"{always}.", f"{always}[")) for always in ALWAYS_KEPT)
    return "" if kept else text.replace(".[", "[")


@dataclass
class _Walker:
    tokens: list[tuple[str, str, str, str]]
    paths: set[Chain] = field(default_factory=set)
    asked: set[Chain] = field(default_factory=set)
    whole: Chain | None = None
    ended_at: int = -1

    def walk(self, start: int, end: int, scope: dict[str, Chain]) -> None:
        """Follow every chain between two tokens."""
        at = start
        while at < end:
            name = self.tokens[at][1]
            if name in scope and not self._sign(at - 1, "."):
                begins, at, chain = at, *self._chain(at + 1, end, scope[name], scope)
                if chain is not None:
                    self._read(chain, begins)
                if begins == 0:
                    self.whole, self.ended_at = chain, at
            else:
                at += 1

    def _read(self, chain: Chain, begins: int) -> None:
        """Note what a chain ends in: `has(chain)` only asks for it, `"key" in chain` reads that key."""
        if self._sign(begins - 1, "(") and begins > 1 and self.tokens[begins - 2][1] == "has":
            self.asked.add(chain)
        elif begins > 1 and self.tokens[begins - 1][1] == "in" and self.tokens[begins - 2][0]:
            self.paths.add((chain[0], (*chain[1], self.tokens[begins - 2][0][1:-1])))
        else:
            self.paths.add(chain)

    def _sign(self, at: int, sign: str) -> bool:
        return 0 <= at < len(self.tokens) and self.tokens[at][3] == sign

    def _chain(self, at: int, end: int, chain: Chain, scope: dict[str, Chain]) -> tuple[int, Chain | None]:
        """Follow one chain from behind its name; return where it ends and what it stands for, None for a value."""
        while at < end:
            if self._sign(at, ".") and self.tokens[at + 1][1]:
                name, at = self.tokens[at + 1][1], at + 2
                if not self._sign(at, "("):
                    chain = (chain[0], (*chain[1], name))
                    continue
                close = self._close(at)
                if name not in MACROS:
                    self.paths.add(chain)
                    self.walk(at + 1, close, scope)
                    return self._value(close + 1, end, scope)
                self._macro(at, close, chain, scope)
                if name != "filter":
                    return self._value(close + 1, end, scope)
                at = close + 1
            elif self._sign(at, "["):
                close = self._close(at)
                text, _, number, _ = self.tokens[at + 1]
                if close != at + 2 or not (text or number):
                    self.paths.add(chain)
                    self.walk(at + 1, close, scope)
                    return self._value(close + 1, end, scope)
                chain = (chain[0], (*chain[1], text[1:-1])) if text else chain
                at = close + 1
            else:
                break
        return at, chain

    def _value(self, at: int, end: int, scope: dict[str, Chain]) -> tuple[int, None]:
        """Skip what is made of a value: nothing of it is a field of an object."""
        while at < end and (self._sign(at, ".") or self._sign(at, "[") or self._sign(at, "(")):
            if self._sign(at, "."):
                at += 2
            else:
                close = self._close(at)
                self.walk(at + 1, close, scope)
                at = close + 1
        return at, None

    def _macro(self, opened: int, close: int, chain: Chain, scope: dict[str, Chain]) -> None:
        """Follow the body of a macro with its variable bound to the elements of the chain."""
        before = len(self.paths)
        self.walk(opened + 3, close, {**scope, self.tokens[opened + 1][1]: chain})
        if len(self.paths) == before:
            self.paths.add(chain)

    def _close(self, opened: int) -> int:
        """Return the token that closes the bracket, the last one when nothing does (compiling tells)."""
        depth = 0
        for at in range(opened, len(self.tokens)):
            sign = self.tokens[at][3]
            depth += (sign in ("(", "[", "{")) - (sign in (")", "]", "}"))
            if depth == 0:
                return at
        return len(self.tokens) - 1
