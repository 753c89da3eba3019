"""Conditions: strict where something is missing or of another type, and followed to the fields they read."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.errors import Unreadable
from preflight.knowledge.advisories import fields_read
from preflight.knowledge.expressions import MAX_LENGTH, Expression, ExpressionError
from preflight.knowledge.reads import field_path, reads_of
from tests.knowledge.files import advisory

OBJECT: dict[str, Any] = {
    "spec": {
        "n": 3,
        "s": "3",
        "q": "12Gi",
        "l": [{"a": 1}, {"b": 2}],
        "json": '{"x": [1, {"y": true}]}',
        "yaml": "a: {b: 1}",
    },
    "status": {"version": "v1.8.2"},
}


def value(expression: str) -> Any:
    return Expression(expression, ["object"]).value({"object": OBJECT})


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.n == 3",
        "has(object.spec.missing) || object.spec.n == 3",
        "!has(object.spec.missing)",
        "object.spec.l.exists(x, has(x.b) && x.b == 2)",
        "quantity(object.spec.q) == quantity('12288Mi')",
        "parse_json(object.spec.json).x[1].y",
        "parse_yaml(object.spec.yaml).a.b == 1",
        "version_in(object.status.version, '>=1.8.0 <1.9.0')",
        "int(object.spec.s) == object.spec.n",
    ],
)
def test_a_condition_that_holds(expression: str) -> None:
    assert Expression(expression, ["object"]).holds({"object": OBJECT}) is True


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.missing == 3",
        "object.spec.missing.deeper == 3",
        "has(object.missing.deeper)",
        "object.spec.n > object.spec.s",
        "object.spec.l.all(x, x.a == 1)",
        "object.spec.l[7].a == 1",
        "quantity(object.spec.json) > quantity('1')",
        "quantity(object.spec.n) > quantity('1')",
        "parse_json(object.spec.yaml).a == 1",
        "parse_yaml(object.spec.l).a == 1",
        "parse_yaml(object.spec.q + ': {').a == 1",
        "version_in('master-head', '>=1.8.0')",
        "version_in(object.status.version, 'nonsense')",
        "object.spec.n / 0 == 1",
        "object.spec.n",
    ],
)
def test_what_cannot_be_evaluated_is_never_false(expression: str) -> None:
    with pytest.raises(Unreadable):
        Expression(expression, ["object"]).holds({"object": OBJECT})


@pytest.mark.parametrize("found", [2**70, {None: 1}, {"a": object()}, "\udc80"])
def test_values_that_are_no_json_are_unreadable(found: Any) -> None:
    with pytest.raises(Unreadable):
        Expression("object.a.b == 1 || object.a == 'x'", ["object"]).holds({"object": {"a": found}})


@pytest.mark.parametrize(
    "expression",
    ["object.spec.", "objct.spec == 1", "nothing(object)", "(" * 99 + "1" + ")" * 99, "1" * (MAX_LENGTH + 1)],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(expression, ["object"])


def test_no_condition_runs_for_ever() -> None:
    many = list(range(300))
    with pytest.raises(Unreadable):
        Expression("object.all(a, object.all(b, object.all(c, true)))", ["object"]).holds({"object": many})


SCOPE = {"object": ("object", ()), "nodes": ("nodes", ())}


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("object.spec.a == 1 && object.spec.b.c", ["spec.a", "spec.b.c"]),
        ("object.spec.disks.exists(d, d.type == 'block' && has(d.driver.x))", ["spec.disks.type", "?spec.disks.driver.x"]),
        ("object.metadata.annotations['a.b/c'] == 'x'", ["metadata.annotations[a.b/c]"]),
        ("'a.b/c' in object.metadata.annotations", ["metadata.annotations[a.b/c]"]),
        ("object.metadata.annotations.exists(a, a.startsWith('x'))", ["metadata.annotations"]),
        ("size(object.spec.l) > 1", ["spec.l"]),
        ("object.spec.l.exists(x, true)", ["spec.l"]),
        ("object.spec.l[0].a.startsWith('b')", ["spec.l.a"]),
        ("object.spec.m[object.spec.k].z == 1", ["spec.k", "spec.m"]),
        ("parse_json(object.spec.config).type == 'x'", ["spec.config"]),
        ("object.spec.c.all(c, c.env.exists(e, e.name == 'A'))", ["spec.c.env.name"]),
        ("object.spec.l.filter(x, x.a == 1).exists(y, y.b == 2)", ["spec.l.a", "spec.l.b"]),
        ("object.spec.l.map(x, x.a)[0] == 1", ["spec.l.a"]),
        ("has(object.spec.a) ? object.spec.a : 1", ["?spec.a", "spec.a"]),
        ("'object.spec.x' == object.spec.y", ["spec.y"]),
        ("object.metadata.name == 'x'", [""]),
    ],
)  # fmt: skip
def test_an_expression_is_followed_to_what_it_reads(expression: str, paths: list[str]) -> None:
    reads = reads_of(expression, SCOPE)
    found = [field_path(path) for _, path in reads.paths] + [f"?{field_path(path)}" for _, path in reads.asked]
    assert sorted(found) == sorted(paths)


def test_fields_follow_from_every_expression_of_an_advisory() -> None:
    content = advisory(
        {
            "when": "has(object.status.conditions) && object.status.conditions.exists(c, c.type == 'X')",
            "message": "{object.spec.told}",
            "commands": ["kubectl get {object.spec.typed}"],
            "evidence": {"shown": "object.spec.shown"},
            "touches": {"node": "object.spec.nodeName"},
        },
        lists={"volumes": "volumes.longhorn.io"},
        let={"mine": "volumes.filter(v, v.spec.own == true)"},
        skip=[{"when": "mine.all(v, v.status.idle)", "because": "x"}],
    )
    assert fields_read(content) == {
        "nodes": ("spec.nodeName", "spec.shown", "spec.told", "spec.typed", "status.conditions.type"),
        "volumes.longhorn.io": ("spec.own", "status.idle"),
    }


def test_a_list_may_have_a_condition() -> None:
    content = advisory(lists={"big": {"objects": "volumes.longhorn.io", "when": "object.spec.size > 3"}})
    assert fields_read(content)["volumes.longhorn.io"] == ("spec.size",)


def test_what_only_has_asks_for_is_read_whole() -> None:
    assert fields_read(advisory({"when": "has(object.spec.a)", "message": "x"}))["nodes"] == ("spec.a",)


@pytest.mark.parametrize("when", ["object == 1", "has(object.spec) && size(object) > 1"])
def test_no_expression_reads_an_object_as_a_whole(when: str) -> None:
    with pytest.raises(ValueError, match="as a whole"):
        fields_read(advisory({"when": when}))
