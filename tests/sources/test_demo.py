"""The bundled scenarios."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.check import need
from preflight.errors import UsageError
from preflight.resources import RESOURCES
from preflight.sources.saved import demo
from preflight.sources.saved.snapshot import read_snapshot
from tests.sources.reading import ALL_NEEDS, NOW, names, read

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", ["healthy", "stuck-addon", "hung-upgrade", "image-pull", "leftovers"])
def test_a_scenario_has_everything_a_check_may_need(name):
    inventory = read(f"demo:{name}")
    assert inventory.source.type == "demo"
    assert inventory.source.name == name
    assert set(inventory.entries) == set(RESOURCES)
    unread = [name for name, entry in inventory.entries.items() if entry.missing or entry.gaps]
    assert unread == [name for name, row in RESOURCES.items() if row.how == "ask"]
    assert len(inventory.get("nodes").objects) == 3


def test_plain_demo_is_the_stuck_addon():
    assert read("demo").entries == read("demo:stuck-addon").entries
    assert "rancher-logging" in names(read("demo"), "addons.harvesterhci.io")


def test_an_unknown_scenario_lists_the_known_ones():
    with pytest.raises(UsageError, match="hung-upgrade, image-pull, leftovers, stuck-addon") as error:
        read("demo:nothing")
    assert error.value.exit_code == 2


def test_the_clock_can_be_set():
    assert read("demo", now=NOW).source.collected_at == NOW


@pytest.mark.parametrize("name", demo.names())
def test_a_scenario_is_a_valid_snapshot(name):
    text = (ROOT / "preflight" / "demo" / f"{name}.json").read_bytes()
    inventory = read_snapshot(ALL_NEEDS, text, name, None)
    assert inventory is not None
    assert inventory.entries == read(f"demo:{name}").entries
    assert json.loads(text)["kind"] == "PreflightSnapshot"


def test_the_files_are_what_the_script_writes():
    subprocess.run([sys.executable, ROOT / "ci" / "generate" / "demo_data", "--check"], check=True, cwd=ROOT)


def test_a_demo_needs_no_yaml_no_schema_and_no_kubernetes():
    code = (
        "import sys, io\n"
        "from preflight.check import need\n"
        "from preflight.sources import open_source\n"
        "inventory = open_source('demo', now=None, live=None, stdin=io.BytesIO())([need('nodes')])\n"
        "assert len(inventory.get('nodes').objects) == 3\n"
        "print(sorted({'yaml', 'jsonschema', 'kubernetes', 'tempfile', 'zipfile'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_only_the_fields_asked_for_are_kept():
    (node, *_) = read("demo", [need("nodes", "spec.unschedulable")]).get("nodes").objects
    assert "status" not in node
