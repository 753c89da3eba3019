"""What ships: compiled as it stands, and the data of releases found by version."""

from __future__ import annotations

import json

import pytest

from preflight.inventory import Collected, Inventory
from preflight.knowledge.compiled import compile_folder
from preflight.knowledge.notes import notes_on
from preflight.model import SourceInfo, UpgradePair
from preflight.releases import Knowledge
from preflight.values.versions import parse_version, range_covers
from tests.cases import DEFAULT_NOW, shipped_knowledge
from tests.command import ROOT

FOLDER = ROOT / "checks" / "knowledge"


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return shipped_knowledge()


def test_what_ships_is_what_the_files_say() -> None:
    compiled = json.loads((FOLDER / "knowledge.json").read_text(encoding="utf-8"))
    assert compiled == json.loads(json.dumps(compile_folder(FOLDER))), "run ci/generate/knowledge"


def test_every_release_says_what_checks_rely_on(known: Knowledge) -> None:
    for release in known.releases:
        assert release.minimum, release.name
        assert release.version.within(f">{release.minimum.removeprefix('v')}"), release.name
        assert {"harvester", "harvester-crd"} <= set(release.managed_charts), release.name
        assert {name.partition("/")[0] for name in release.addons} >= {"harvester-system", "cattle-logging-system"}
        assert release.image_gib, release.name
        assert release.working_gib, release.name


@pytest.mark.parametrize(
    ("version", "name", "minimum", "inherited"),
    [
        ("v1.8.2", "v1.8.2", "v1.7.0", ""),
        ("v1.8.2-rc1", "v1.8.2", "v1.7.0", ""),
        ("v1.4.3-rc1", "v1.4.3-rc1", "v1.4.2", ""),
        ("v1.4.3-rc2", "v1.4.3-rc2", "v1.4.2", ""),
        ("v1.4.3-rc3", "v1.4.3", "v1.4.1", ""),
        ("v1.5.0-rc1", "v1.5.0-rc1", "v1.4.1", ""),
        ("v1.5.0-rc2", "v1.5.0", "v1.4.2", ""),
        ("v1.9.1", "v1.9.1", "v1.8.0", "v1.9.0"),
        ("v1.9.7", "v1.9.7", "v1.8.0", "v1.9.0"),
        ("v1.8.9-rc3", "v1.8.9", "v1.7.0", "v1.8.2"),
        ("v1.7.4", "v1.7.4", "v1.6.0", "v1.7.3"),
        ("v1.9.0-dev-20260705", "v1.9.0-dev-20260705", "", ""),
        ("v1.12.0-dev-20270705", "v1.12.0-dev-20270705", "", ""),
    ],
)
def test_a_version_finds_its_data(known: Knowledge, version: str, name: str, minimum: str, inherited: str) -> None:
    found = known.release(parse_version(version))
    assert found is not None
    assert (found.name, found.minimum, found.inherited) == (name, minimum, inherited)


@pytest.mark.parametrize("version", ["v1.10.0", "v2.0.0", "v1.3.9", "v1.8-head", "master-head"])
def test_of_another_series_and_of_a_branch_nothing_is_known(known: Knowledge, version: str) -> None:
    assert known.release(parse_version(version)) is None


def test_of_no_version_nothing_is_known(known: Knowledge) -> None:
    assert known.release(None) is None


def notes(known: Knowledge, running: str, target: str, **version: str) -> list[str]:
    objects = ({"metadata": {"name": target}, "spec": version},)
    inventory = Inventory(SourceInfo("live", "x", DEFAULT_NOW), {"versions.harvesterhci.io": Collected(objects)})
    return list(notes_on(known, UpgradePair(parse_version(running), parse_version(target)), inventory))


def test_the_report_says_whose_data_are_used(known: Knowledge) -> None:
    (note,) = notes(known, "v1.8.2", "v1.9.1")
    assert "no data of v1.9.1 itself" in note
    assert "v1.9.0" in note
    assert notes(known, "v1.8.1", "v1.8.2") == []


@pytest.mark.parametrize("date", ["29990124", "2999-01-24", "2999-01-24T00:00:00Z"])
def test_the_report_says_when_the_knowledge_is_older_than_the_target(known: Knowledge, date: str) -> None:
    (note,) = notes(known, "v1.8.1", "v1.8.2", releaseDate=date)
    assert "2999-01-24" in note
    assert known.date in note


@pytest.mark.parametrize("date", ["20260124", "soon", "", 20250124, None])
def test_an_older_release_or_no_date_is_no_note(known: Knowledge, date: str) -> None:
    assert notes(known, "v1.8.1", "v1.8.2", releaseDate=date) == []


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ("", ">=1.4.0", True),
        (">=1.4.0", "", False),
        (">=1.4.0 <1.6.0", ">=1.4.0 <1.5.0", True),
        (">=1.4.0 <1.5.0", ">=1.4.0 <1.6.0", False),
        ("=1.7.0 || =1.7.1", ">=1.7.0 <1.7.2", True),
        ("=1.7.0 || =1.7.2", ">=1.7.0 <=1.7.2", False),
        (">1.7.0", ">=1.7.1", True),
        (">=1.7.0", "<1.7.0", False),
        (">=1.7.0 <1.8.0 || >=1.9.0", ">=1.7.0", False),
        (">=1.9.0", ">=1.9.0-rc4", True),
        (">=1.9.0-rc4", ">=1.9.0", False),
    ],
)
def test_a_range_covers_another(wide: str, narrow: str, covers: bool) -> None:
    assert range_covers(wide, narrow) is covers
