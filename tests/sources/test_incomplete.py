"""Input that says of itself that it is not the whole is never read as the whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.inventory import Collected
from preflight.model import Code
from tests.bundles import bundle_files, write_folder
from tests.sources.reading import FIXTURES, NOW, read, read_stdin
from tests.sources.test_objects import POD, both

ADDON = {
    "apiVersion": "harvesterhci.io/v1beta1",
    "kind": "Addon",
    "metadata": {"name": "a", "namespace": "x"},
    "status": {"status": "AddonDisabled"},
}
STATUS = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": "etcdserver: timed out", "code": 500}
TABLE = {"apiVersion": "meta.k8s.io/v1", "kind": "Table", "columnDefinitions": [], "rows": []}


def codes(entry: Collected) -> list[Code]:
    return [reason.code for reason in entry.gaps]


@pytest.mark.parametrize("page", [{"continue": "abc"}, {"remainingItemCount": 7}])
@pytest.mark.parametrize("items", [[], [ADDON], [ADDON, {**ADDON, "metadata": {"name": "b", "namespace": "y"}}]])
def test_a_page_of_a_list_is_a_gap_of_its_kind(page: dict[str, Any], items: list[Any]) -> None:
    document = {"apiVersion": "harvesterhci.io/v1beta1", "kind": "AddonList", "metadata": page, "items": items}
    for text in [*both(document), json.dumps({"items": items, **document})]:
        inventory = read_stdin(text + "\n---\n" + yaml.safe_dump(POD) if text[0] != "{" else text + json.dumps(POD))
        entry = inventory.get("addons.harvesterhci.io")
        assert Code.INCOMPLETE in codes(entry)
        assert not any("only one page" in gap.text for gap in inventory.get("pods").gaps)
        assert any("only one page" in note for note in inventory.source.notes)
    untyped = {"apiVersion": "v1", "kind": "List", "metadata": page, "items": [ADDON, POD]}
    for text in both(untyped):
        assert all(
            "only one page" in read_stdin(text).get(name).gaps[0].text for name in ("addons.harvesterhci.io", "pods")
        )


def test_a_list_that_is_whole_has_no_gap() -> None:
    other = {**ADDON, "metadata": {"name": "b", "namespace": "y"}}
    document = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "", "continue": ""}}
    for text in both({**document, "items": [ADDON, other]}):
        assert read_stdin(text).get("addons.harvesterhci.io").gaps == ()


@pytest.mark.parametrize(("instead", "words"), [(STATUS, "etcdserver: timed out"), (TABLE, "-o yaml")])
def test_what_stands_for_objects_is_a_gap_of_any_kind(instead: dict[str, Any], words: str) -> None:
    for text in (
        json.dumps(ADDON) + json.dumps(instead),
        yaml.safe_dump_all([ADDON, instead]),
        *both({"apiVersion": "v1", "kind": "List", "items": [ADDON, instead]}),
    ):
        gap = read_stdin(text).get("addons.harvesterhci.io").gaps[0]
        assert gap.code is Code.INCOMPLETE
        assert words in gap.text


def test_one_namespace_of_a_kind_that_is_in_several_is_a_gap() -> None:
    entry = read_stdin(json.dumps(ADDON)).get("addons.harvesterhci.io")
    assert codes(entry) == [Code.INCOMPLETE]
    assert "namespace x" in entry.gaps[0].text
    assert entry.gaps[0].cure == "kubectl get addons.harvesterhci.io -A -o yaml --show-managed-fields"
    assert read(FIXTURES / "job-predates.yaml", now=NOW).get("addons.harvesterhci.io").gaps == ()


def test_a_page_in_a_bundle_is_a_gap(tmp_path: Path) -> None:
    files = bundle_files([ADDON], collected=("x",))
    (path,) = [name for name in files if name.endswith("/addons.yaml")]
    assert read(write_folder(tmp_path / "whole", files)).get("addons.harvesterhci.io").gaps == ()
    for number, page in enumerate((b"continue: abc", b"remainingItemCount: 3")):
        changed = files[path].replace(b'continue: "null"', page)
        assert changed != files[path]
        folder = write_folder(tmp_path / str(number), {**files, path: changed})
        assert any("only one page" in gap.text for gap in read(folder).get("addons.harvesterhci.io").gaps)
