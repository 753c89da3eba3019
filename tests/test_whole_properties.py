"""What holds for the whole tool, from a source to the report, whatever it is given."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.documents import load_schema
from preflight.flow import examine
from preflight.inventory import Inventory
from preflight.registry import find_plugins, load_checks
from preflight.render import RENDERERS, Style, render
from preflight.report import report_dict
from preflight.settings import Settings
from preflight.sources.saved.demo import names
from tests.command import preflight
from tests.sources.reading import FIXTURES, NOW, read
from tests.twenty_gates import CHANGES, snapshot

CHECKS = load_checks(find_plugins(only_ours=True))
SCHEMA = jsonschema.Draft202012Validator(load_schema("report"))
BETTER = {
    "pass": {"skipped"},
    "warn": {"pass", "skipped"},
    "fail": {"pass", "skipped", "warn"},
    "unknown": {"pass", "skipped", "warn"},
    "skipped": set[str](),
}
"""What a check's status may not become when less was read."""
OBJECTS = sorted(FIXTURES.glob("*.yaml"))
few = settings(max_examples=40)


def report_of(source: str | Path) -> dict[str, Any]:
    """Return the report on a source, without what differs from run to run."""
    objects = str(source).endswith(".yaml")
    asked = Settings(from_version="v1.4.0" if objects else "", to_version="v1.4.1", plugins=False)

    def reader(needs: Any) -> Inventory:
        return read(source, needs, now=NOW if objects else None)

    document = report_dict(examine(CHECKS, asked, reader).report)
    for check in document["checks"]:
        check["durationMs"] = 0
    document["source"]["name"] = ""
    return document


@cache
def documents(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a fixture."""
    objects: list[dict[str, Any]] = []
    for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader):
        objects += document["items"] if document and "items" in document else [document] if document else []
    return json.loads(json.dumps(objects, default=str))


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["status"] for check in report["checks"]}


def written(folder: Path, objects: list[dict[str, Any]]) -> Path:
    path = folder / "objects.yaml"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return path


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_leaving_a_kind_out_of_a_file_never_makes_it_better(path: Path, tmp_path: Path) -> None:
    objects = documents(path)
    for kind in sorted({obj["kind"] for obj in objects}):
        fewer = report_of(written(tmp_path, [obj for obj in objects if obj["kind"] != kind]))
        assert fewer["verdict"] != "ready", kind


@pytest.mark.parametrize("name", sorted(names()))
def test_leaving_a_need_out_of_a_snapshot_never_makes_it_ready(name: str, tmp_path: Path) -> None:
    whole = json.loads(files("preflight.demo").joinpath(f"{name}.json").read_bytes())
    before = report_of(f"demo:{name}")
    for resource in whole["entries"]:
        fewer = {**whole, "entries": {key: entry for key, entry in whole["entries"].items() if key != resource}}
        path = tmp_path / "less.json"
        path.write_text(json.dumps({**fewer, "source": {**whole["source"], "type": "live"}}))
        report = report_of(path)
        assert report["verdict"] != "ready" or before["verdict"] == "ready", resource
        after = statuses(report)
        for check, status in statuses(before).items():
            assert after[check] not in BETTER[status], (resource, check)


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_the_order_of_objects_changes_nothing(path: Path, tmp_path: Path) -> None:
    objects = deepcopy(documents(path))
    first = report_of(written(tmp_path, objects))
    for seed in range(3):
        random.Random(seed).shuffle(objects)
        assert report_of(written(tmp_path, objects)) == first


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "null", "x", "\x1b[2J", "</script>", "2026-11-23T18:42:58Z", "9" * 50, "1e999", "-1"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "status", "type", "conditions", "*", ""]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value below the identity of an object."""
    found = [path] if path and path not in (("kind",), ("apiVersion",), ("metadata",), ("metadata", "name")) else []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(item, (*path, key))
    return found


WHOLE = {name: json.loads(json.dumps(snapshot(CHANGES if name else ()))) for name in (True, False)}
TARGETS = {
    name: [
        (resource, index, path)
        for resource, entry in document["entries"].items()
        for index, obj in enumerate(entry["objects"])
        for path in places(obj)
    ]
    for name, document in WHOLE.items()
}


@settings(few, max_examples=120)
@given(st.booleans(), st.lists(st.tuples(st.integers(0, 10**6), ODD), min_size=1, max_size=12))
def test_a_wrong_type_anywhere_crashes_no_check_and_no_format(tmp_path_factory, broken, changes):
    document = deepcopy(WHOLE[broken])
    for number, value in changes:
        resource, index, path = TARGETS[broken][number % len(TARGETS[broken])]
        obj: Any = document["entries"][resource]["objects"][index]
        try:
            for part in path[:-1]:
                obj = obj[part]
            obj[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took it away
    path = tmp_path_factory.mktemp("odd") / "snapshot.json"
    path.write_text(json.dumps({**document, "source": {**document["source"], "type": "live"}}))
    report = report_of(path)
    assert not [check["reason"] for check in report["checks"] if "crashed" in check["reason"]]
    assert not list(SCHEMA.iter_errors(report))
    for output in RENDERERS:
        assert render(output, report, Style(width=80)).strip() or output in ("name",)


@pytest.mark.parametrize("source", [*(f"demo:{name}" for name in sorted(names())), *OBJECTS], ids=str)
def test_every_report_fits_its_schema(source: str | Path) -> None:
    assert not list(SCHEMA.iter_errors(report_of(source)))


def test_more_than_twenty_gates_are_found_in_one_run(tmp_path: Path) -> None:
    """Server, scripts, check.sh or nobody: whoever would stop, and wherever, all is told at once."""
    path = tmp_path / "twenty.json"
    path.write_text(json.dumps(snapshot()))
    done = preflight("check", "--source", path, "--to", "v1.4.1", "-o", "json")
    assert done.returncode == 3
    found = {check["id"]: check["findings"] for check in json.loads(done.stdout)["checks"] if check["findings"]}
    assert {check for check, *_ in CHANGES} <= set(found)
    assert len(found) >= 20
    enforcers = {name for findings in found.values() for finding in findings for name in finding["enforcedBy"]}
    assert {"webhook", "upgrade-scripts", "check.sh", "none"} <= enforcers


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_each_of_them_is_found_when_it_is_the_only_one(change: tuple[str, str, str, str, Any], tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(snapshot((change,))))
    assert next(check for check in report_of(path)["checks"] if check["id"] == change[0])["findings"]
