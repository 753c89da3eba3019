"""Versions, times, quantities, field paths and fields: small pure things, each at its edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.api import parse_json, parse_yaml
from preflight.errors import Unreadable
from preflight.fields import boolean_at, condition, integer_at, list_at, mapping_at, maps_at, ref_of, text_at, time_at
from preflight.values.paths import covers, field_tree, keep_fields, split_path
from preflight.values.quantity import human_bytes, parse_quantity
from preflight.values.times import format_time, human_duration, parse_duration, parse_time
from preflight.values.versions import check_range, parse_version, stands_for


@pytest.mark.parametrize(
    ("version", "ranges", "within"),
    [
        ("v1.4.0", "", True),
        ("v1.4.0", ">=1.4.0", True),
        ("v1.4.0", ">1.4.0", False),
        ("1.4.3", ">=1.4.0 <1.5.0", True),
        ("v1.5.0", ">=1.4.0 <1.5.0", False),
        ("v1.5.0-rc1", ">=1.5.0", True),
        ("v1.5.0-rc1", "<1.5.0", False),
        ("v1.9.0-rc3", ">=1.9.0-rc4", False),
        ("v1.9.0-rc4", ">=1.9.0-rc4", True),
        ("v1.9.0", ">=1.9.0-rc4", True),
        ("v1.8.2", "=1.8.2 || >=1.9.0", True),
        ("v1.8.1", "=1.8.2 || >=1.9.0", False),
        ("v1.7-head", ">=1.4.0", None),
        ("master-head", "", True),
        ("v1.4.0+build.5", "<=1.4.0", True),
    ],
)
def test_a_version_is_placed_in_a_range(version: str, ranges: str, within: bool | None) -> None:
    assert parse_version(version).within(ranges) is within


@pytest.mark.parametrize("text", ["v1.4", "1.4.0.1", "v1.04.0", "8f3c1a2", "v1.7-head", "latest"])
def test_what_is_no_release_is_a_development_build(text: str) -> None:
    version = parse_version(text)
    assert version.is_dev
    assert str(version) == text
    with pytest.raises(ValueError, match="development"):
        _ = version < parse_version("v1.4.0")


def test_release_candidates_come_before_their_release() -> None:
    assert parse_version("v1.5.0-rc2") < parse_version("v1.5.0")
    assert parse_version("v1.5.0-rc2").is_prerelease
    assert str(parse_version("v1.5.0-rc2").base) == "1.5.0"


@pytest.mark.parametrize(
    ("name", "version", "stands"),
    [
        ("v1.4.1", "v1.4.1", True),
        ("v1.4.1", "1.4.1", True),
        ("v1.4.1-customized", "v1.4.1", True),
        ("v1.4.1-rc2", "v1.4.1", False),
        ("v1.4.1-rc2", "v1.4.1-rc2", True),
        ("v1.4.10", "v1.4.1", False),
        ("v1.4-head", "v1.4-head", True),
        ("master-head", "v1.4-head", False),
        ("", "v1.4.1", False),
    ],
)
def test_a_version_object_stands_for_a_version_by_its_name(name: str, version: str, stands: bool) -> None:
    assert stands_for(name, parse_version(version)) is stands


@pytest.mark.parametrize("ranges", ["1.4", ">=1.4", "~1.4.0", ">=1.4.0 and <2", "||"])
def test_a_range_that_is_none_is_refused(ranges: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_range(ranges)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T18:42:58Z", datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)),
        ("2026-11-23t18:42:58z", datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)),
        ("2026-11-23T19:42:58+01:00", datetime(2026, 11, 23, 18, 42, 58, tzinfo=UTC)),
        ("2026-11-23T18:42:57.315808Z", datetime(2026, 11, 23, 18, 42, 57, 315808, tzinfo=UTC)),
        ("2026-11-23T18:42:57.315808123Z", datetime(2026, 11, 23, 18, 42, 57, 315808, tzinfo=UTC)),
        ("2026-11-23T18:42:58", None),
        ("2026-11-23", None),
        ("2026-13-23T18:42:58Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        ("null", None),
    ],
)
def test_times_are_rfc_3339_with_a_zone(text: str, moment: datetime | None) -> None:
    assert parse_time(text) == moment


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_written_is_read_back(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment


@given(st.text(max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_time(text)
    parse_duration(text)
    parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("45", 45),
        ("2d", 172800),
        ("", None),
        ("5 m", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    span = parse_duration(text)
    assert (span.total_seconds() if span is not None else None) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0.4 s"),
        (14, "14 s"),
        (59.9, "60 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (11520, "3 h 12 min"),
        (187200, "2 d 4 h"),
        (86400, "1 d"),
        (-15, "-15 s"),
    ],
)
def test_durations_are_said_as_a_person_would(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text
    assert human_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", Decimal("0.5")),
        ("16Gi", Decimal(16 * 2**30)),
        ("1e3", Decimal(1000)),
        ("1E", Decimal(10**18)),
        ("1E2", Decimal(100)),
        ("0.5", Decimal("0.5")),
        (3, Decimal(3)),
        (True, None),
        ("16GiB", None),
        ("", None),
        (None, None),
        ("1e9999", None),
    ],
)
def test_quantities(text: object, value: Decimal | None) -> None:
    assert parse_quantity(text) == value


def test_bytes_are_said_in_binary_units() -> None:
    assert human_bytes(13 * 2**30) == "13.0 GiB"
    assert human_bytes(512) == "512 B"


def test_a_path_may_hold_keys_with_dots() -> None:
    assert split_path("metadata.annotations[rke2.io/internal-ip]") == ("metadata", "annotations", "rke2.io/internal-ip")
    with pytest.raises(ValueError, match="not a field path"):
        split_path("...")


def test_only_the_fields_asked_for_are_kept() -> None:
    pod = {
        "apiVersion": "v1",
        "metadata": {"name": "a", "labels": {"x": "y"}, "managedFields": [1], "annotations": {"k": "v"}},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i", "env": ["secret"]}]},
        "status": {"phase": "Running", "nodes": {"a": {"state": "s", "more": 1}, "b": "text"}},
    }
    tree = field_tree(["spec.containers.image", "status.nodes.*.state"])
    assert keep_fields(pod, tree) == {
        "apiVersion": "v1",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {"containers": [{"image": "i"}]},
        "status": {"nodes": {"a": {"state": "s"}, "b": "text"}},
    }


def test_a_whole_branch_wins_over_a_part_of_it() -> None:
    for paths in (["status", "status.phase"], ["status.phase", "status"]):
        assert keep_fields({"status": {"phase": 1, "x": 2}}, field_tree(paths)) == {"status": {"phase": 1, "x": 2}}


def test_a_field_of_the_wrong_type_is_kept_for_the_check_to_see() -> None:
    assert keep_fields({"status": "null"}, field_tree(["status.phase"])) == {"status": "null"}


NODE: dict[str, Any] = {"kind": "Node", "metadata": {"name": "n1"}, "spec": "text", "count": "3", "when": "yesterday"}


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (text_at, "metadata"),
        (text_at, "spec.x"),
        (integer_at, "when"),
        (boolean_at, "spec"),
        (mapping_at, "spec"),
        (list_at, "spec"),
        (maps_at, "metadata"),
        (time_at, "when"),
    ],
)
def test_a_field_of_another_type_is_unreadable_and_says_where(read: Any, path: str) -> None:
    with pytest.raises(Unreadable, match=r"Node/n1: .* is .*, not"):
        read(NODE, path)


@pytest.mark.parametrize("read", [text_at, integer_at, boolean_at, mapping_at, list_at, maps_at, time_at])
def test_a_missing_field_is_empty(read: Any) -> None:
    assert not read(NODE, "status.conditions")
    assert not read({"status": None}, "status.conditions")


@pytest.mark.parametrize(
    ("value", "number"), [(3, 3), (3.0, 3), ("3", 3), ("1e+06", 1000000), (1.073741824e10, 2**30 * 10)]
)
def test_whole_numbers_survive_what_writers_make_of_them(value: object, number: int) -> None:
    assert integer_at({"n": value}, "n") == number


@pytest.mark.parametrize("value", [True, 3.5, "x", [], float("inf"), "nan"])
def test_other_things_are_no_whole_numbers(value: object) -> None:
    with pytest.raises(Unreadable):
        integer_at({"n": value}, "n")


def test_conditions_are_found_by_type() -> None:
    obj = {"status": {"conditions": [{"type": "A", "status": "x"}, {"type": "B"}]}}
    assert condition(obj, "B") == {"type": "B"}
    assert condition(obj, "C") is None


@pytest.mark.parametrize("kind", [3, None, ["A"]])
def test_a_condition_whose_type_is_no_text_may_be_the_one_asked_for(kind: object) -> None:
    obj = {"status": {"conditions": [{"type": kind, "status": "False"}, {"type": "B"}]}}
    assert condition(obj, "B") == {"type": "B"}
    with pytest.raises(Unreadable, match="type"):
        condition(obj, "C")


@given(st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers())))
def test_any_object_can_be_named(obj: dict[str, Any]) -> None:
    ref_of({**obj, "metadata": obj.get("metadata", obj)})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("since: 2026-11-23\nport: 0o17\nat: 1:30\n", {"since": "2026-11-23", "port": 15, "at": "1:30"}),
        ("a: !!python/object/apply:os.system [x]\n", {"a": ["x"]}),
        ('{"a": 1}', {"a": 1}),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_yaml_inside_a_field_is_read_as_a_source_is(text: str, value: object) -> None:
    assert parse_yaml(text, "values") == value


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: 1\n---\na: 2\n", "a: [\n", "{a: 1, a: 2}", "[" * 101 + "]" * 101])
def test_yaml_inside_a_field_that_could_be_read_in_two_ways_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable, match="values of x is not YAML"):
        parse_yaml(text, "values of x")


@pytest.mark.parametrize("text", ["", "{", '{"a": 1, "a": 2}', "[1] 2", "[" * 100_000])
def test_json_inside_a_field_is_read_strictly(text: str) -> None:
    with pytest.raises(Unreadable, match="status of x is not JSON"):
        parse_json(text, "status of x")


def test_a_path_may_name_the_beginning_of_a_key() -> None:
    tree = field_tree(["files[configs/oem/*]", "files[logs/a]"])
    obj = {"files": {"configs/oem/90.yaml": "1", "configs/oem/91.yaml": "2", "configs/x": "3", "logs/a": "4"}}
    assert keep_fields(obj, tree) == {"files": {k: v for k, v in obj["files"].items() if k != "configs/x"}}
    assert covers(["files[configs/oem/*]"], "files[configs/oem/90.yaml]")
    assert covers(["files[configs/oem/*]"], "files[configs/oem/*]")
    assert not covers(["files[configs/oem/*]"], "files[configs/*]")
    assert covers(["spec.*.size"], "spec.a.size")
    assert not covers(["spec.*.size"], "spec.a")
