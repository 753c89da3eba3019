"""Snapshots: what is written is what is read."""

import json
import stat
from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from preflight.api import Code, Reason
from preflight.check import need
from preflight.errors import SourceError
from preflight.inventory import Collected, Inventory, sorted_objects
from preflight.model import SourceInfo
from preflight.resources import RESOURCES
from preflight.serving import served
from preflight.sources.saved.scrub import scrub_object
from preflight.sources.saved.snapshot import dump, read_snapshot, write
from tests.sources.reading import ALL_NEEDS, FIXTURES, NOW, read, read_stdin

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.builds(
    lambda name, spec: {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}, TEXT, VALUES
)
ENTRIES = st.one_of(
    st.builds(
        lambda objects, gaps: Collected(sorted_objects(objects), gaps=tuple(gaps)),
        st.lists(OBJECTS, max_size=3),
        st.lists(st.builds(Reason, st.sampled_from(Code), TEXT, TEXT, TEXT, TEXT), max_size=3),
    ),
    st.builds(lambda text: Collected(missing=Reason(Code.ERROR, text)), TEXT),
)


@given(st.dictionaries(st.sampled_from([n for n, r in RESOURCES.items() if not r.metadata_only]), ENTRIES))
def test_write_then_read_is_identity(entries):
    needs = [need(name, "spec") for name in entries]
    inventory = scrub(Inventory(SourceInfo("live", "https://h:6443", NOW, notes=("a",)), entries))
    text = dump(inventory, needs)
    again = read_snapshot(needs, text.encode(), "s.json", None)
    assert again is not None
    assert again.entries == inventory.entries
    assert again.source.collected_at == NOW
    assert again.source.notes == ("taken from live https://h:6443", "a")
    assert dump(Inventory(inventory.source, again.entries), needs) == text


def scrub(inventory: Inventory) -> Inventory:
    """Return the inventory without secrets; what was read and what not stays as it is."""
    return Inventory(
        inventory.source,
        {
            name: replace(entry, objects=tuple(scrub_object(obj) for obj in entry.objects))
            for name, entry in inventory.entries.items()
        },
    )


def test_a_snapshot_of_a_real_file_is_private_and_reads_the_same(tmp_path):
    inventory = read(FIXTURES / "job-predates.yaml")
    path = tmp_path / "s.json"
    write(inventory, ALL_NEEDS, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.json"]
    again = read(path)
    assert again.source.type == "snapshot"
    assert again.entries == scrub(inventory).entries
    as_yaml = read_stdin(yaml.safe_dump(json.loads(path.read_text())), now=None)
    assert as_yaml.entries == again.entries
    assert as_yaml.source.collected_at == inventory.source.collected_at


def test_a_snapshot_cannot_be_written_into_nowhere(tmp_path):
    with pytest.raises(FileNotFoundError):
        write(read(FIXTURES / "healthy.yaml"), ALL_NEEDS, tmp_path / "no" / "s.json")


def test_what_the_snapshot_does_not_hold_is_missing():
    inventory = read(FIXTURES / "healthy.yaml", [need("pods", "status.phase")])
    text = dump(inventory, [need("pods", "status.phase")])
    again = read_stdin(text, [need("pods", "status.phase"), need("nodes")], now=None)
    assert str(again.get("nodes").missing).startswith("not-in-source: standard input was taken without nodes")
    more = [need("pods", "status.phase", "spec.nodeName")]
    assert "has no spec.nodeName of pods" in str(served(read_stdin(text, more, now=None), more).get("pods").missing)
    less = [need("pods", "metadata.labels[a]", "status.phase")]
    assert served(read_stdin(text, less, now=None), less).get("pods").missing is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"apiVersion": "harvester-preflight/v9"}, "update harvester-preflight"),
        ({"collectedAt": "yesterday"}, "RFC 3339"),
        ({"entries": {"pods": {"objects": [3], "missing": "", "gaps": []}}}, r"entries\.pods\.objects\.0"),
        ({"entries": []}, "not a valid snapshot"),
        ({"source": {}}, "not a valid snapshot"),
    ],
)
def test_a_broken_snapshot_is_one_clear_line(change, words):
    document = json.loads(dump(read(FIXTURES / "healthy.yaml", [need("pods")]), [need("pods")]))
    with pytest.raises(SourceError, match=words):
        read_stdin(json.dumps(document | change))


def test_a_newer_snapshot_with_more_fields_is_read():
    document = json.loads(dump(read(FIXTURES / "healthy.yaml", [need("pods")]), [need("pods")]))
    document |= {"tool": {"name": "harvester-preflight", "version": "99.0"}, "more": 1}
    document["entries"]["pods"]["more"] = 1
    assert len(read_stdin(json.dumps(document), [need("pods")]).get("pods").objects) == 3
