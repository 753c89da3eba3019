"""Every mutant of a file: one small change of a rule each. Texts for people are left alone: no rule depends on them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "FAIL": "WARN", "WARN": "FAIL", "INFO": "WARN"}
VERSIONS = ("from_versions", "to_versions")
BESIDE = (ast.JoinedStr, ast.Import, ast.ImportFrom)
SPARED = ("evidence", "explains", "minimum", "maximum", "links", "docs", "why", "how")
"""What is told beside a finding or about it, and limits of options: tests of the engine hold those. Where to read more
(`links`, `docs`) and what a need or a command is for (`why`, `how`) decide nothing: a number in there is a number of
an issue or of a page."""
CAPS = ("SHOWN", "KEPT")
"""How the names of constants end that say how many objects are listed before "and N more": a choice of layout. Whether
something is left out, and how it is counted, are rules still."""
Change = Callable[[], None]


@dataclass(frozen=True)
class Place:
    """Where a change can be made: the file, the node in the order of the file, and which of that node's changes."""

    path: Path
    node: int
    change: int


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, what it does, and the whole file with it."""

    path: Path
    line: int
    source: str
    """The line as it stands in the file, without its indentation."""
    before: str
    after: str
    tree: ast.Module

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is recognised by when lines have moved."""
        return str(self.path), self.source, self.before, self.after


def places(path: Path, root: Path) -> Iterator[Place]:
    """Yield every place of one file, in the order of its nodes."""
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    for number, node in enumerate(_logic(tree)):
        yield from (Place(path, number, change) for change in range(len(list(_changes(node)))))


def make(place: Place, root: Path) -> Mutant:
    """Make the change."""
    text = (root / place.path).read_text(encoding="utf-8")
    tree = ast.parse(text)
    target = next(itertools.islice(_logic(tree), place.node, None))
    line = target.value.lineno if isinstance(target, ast.keyword) else target.lineno
    before = _shown(target)
    list(_changes(target))[place.change]()
    ast.fix_missing_locations(tree)
    return Mutant(place.path, line, text.splitlines()[line - 1].strip(), before, _shown(target), tree)


def _shown(node: ast.AST) -> str:
    """Show a condition, an expression or a short statement on one line; of a longer statement its head."""
    text = ast.unparse(node)
    return text.partition("\n")[0]


def _logic(tree: ast.AST) -> Iterator[ast.expr | ast.stmt | ast.keyword]:
    """Walk over what decides: no annotations, no texts for people, no docstrings, nothing that is only told beside."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "type_params"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, BESIDE) or not isinstance(node, ast.AST):
                continue
            if name == "decorator_list" and not ast.unparse(node).startswith("check("):
                continue
            if _is_spared(node):
                continue
            if isinstance(node, (ast.expr, ast.stmt, ast.keyword)):
                yield node
            yield from _logic(node)


def _is_spared(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id.endswith(CAPS) for target in node.targets)
    return isinstance(node, ast.keyword) and node.arg in SPARED


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield what changes this very node, each leaving the others undone."""
    change = _CHANGES.get(type(node))
    if change is not None:
        yield from change(node)


def _compare(node: ast.Compare) -> Iterator[Change]:
    for index, operator in enumerate(node.ops):
        for other in COMPARED.get(type(operator), ()):
            yield lambda index=index, other=other: node.ops.__setitem__(index, other())
    for side in (node.left, *node.comparators):
        for text in _texts(side):
            yield lambda text=text: setattr(text, "value", f"{text.value}?")


def _texts(side: ast.expr) -> Iterator[ast.Constant]:
    """Yield the texts that something is compared with."""
    for item in side.elts if isinstance(side, (ast.Tuple, ast.List, ast.Set)) else [side]:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item


def _both(node: ast.BoolOp) -> Iterator[Change]:
    yield lambda: setattr(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for index in range(len(node.values)):
        yield lambda index=index: node.values.pop(index)


def _calculate(node: ast.BinOp) -> Iterator[Change]:
    texts = (ast.JoinedStr, ast.Constant) if isinstance(node.op, ast.Add) else ast.JoinedStr
    numbers = not any(isinstance(side, texts) and not _is_number(side) for side in (node.left, node.right))
    if type(node.op) in CALCULATED and numbers:
        yield lambda: setattr(node, "op", CALCULATED[type(node.op)]())


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _constant(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield lambda: setattr(node, "value", not node.value)
    elif isinstance(node.value, (int, float)):
        yield lambda: setattr(node, "value", node.value + 1)


def _name(node: ast.Name) -> Iterator[Change]:
    if node.id in NAMES and isinstance(node.ctx, ast.Load):
        yield lambda: setattr(node, "id", NAMES[node.id])


def _condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[Change]:
    yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))


def _not(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield lambda: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand))


def _filtered(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Iterator[Change]:
    for part in node.generators:
        for index in range(len(part.ifs)):
            yield lambda part=part, index=index: part.ifs.pop(index)


def _returned(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and not isinstance(node.value, ast.Constant):
        yield lambda: setattr(node, "value", ast.Constant(None))


def _left_out(node: ast.Expr) -> Iterator[Change]:
    if not isinstance(node.value, ast.Constant):
        yield lambda: setattr(node, "value", ast.Constant(None))


def _loop(node: ast.Continue | ast.Break) -> Iterator[Change]:
    yield lambda: setattr(node, "__class__", ast.Break if isinstance(node, ast.Continue) else ast.Continue)


def _declared(node: ast.keyword) -> Iterator[Change]:
    """Move a bound of a range of versions by one patch of nothing: `>=1.4.0` takes no 1.4.0 any more."""
    value = node.value
    if node.arg in VERSIONS and isinstance(value, ast.Constant) and isinstance(value.value, str):
        for index, word in enumerate(value.value.split()):
            yield lambda index=index, word=word: setattr(value, "value", _moved(value.value, index, word))


def _moved(ranges: str, index: int, word: str) -> str:
    words = ranges.split()
    bare = word.lstrip("<>=")
    sign = word[: len(word) - len(bare)]
    words[index] = {">=": ">", ">": ">=", "<": "<=", "<=": "<"}.get(sign, "!=") + bare
    return " ".join(words)


_CHANGES: dict[type[ast.AST], Callable[..., Iterator[Change]]] = {
    ast.Compare: _compare,
    ast.BoolOp: _both,
    ast.BinOp: _calculate,
    ast.Constant: _constant,
    ast.Name: _name,
    ast.If: _condition,
    ast.IfExp: _condition,
    ast.While: _condition,
    ast.UnaryOp: _not,
    ast.ListComp: _filtered,
    ast.SetComp: _filtered,
    ast.GeneratorExp: _filtered,
    ast.DictComp: _filtered,
    ast.Return: _returned,
    ast.Expr: _left_out,
    ast.Continue: _loop,
    ast.Break: _loop,
    ast.keyword: _declared,
}
