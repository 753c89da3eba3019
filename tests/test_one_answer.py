"""The same cluster gives the same answer, whatever it is read from."""

import json
from pathlib import Path

import pytest

from preflight.sources.text.yaml_reading import load_documents
from tests.bundles import bundle_files, write_folder, write_zip
from tests.command import preflight

FIXTURES = Path(__file__).parent / "fixtures"
TO = ("--to", "v1.4.1", "-o", "json")
NOW = ("--now", "2026-11-23T18:42:58Z")
STUCK = [("job-predates-operation", "harvester-vm-dhcp-controller"), ("job-predates-operation", "rancher-logging")]


def report(*arguments: str | Path, stdin: bytes = b"", code: int = 3) -> dict:
    done = preflight("check", *arguments, *TO, stdin=stdin)
    assert done.returncode == code, done.stderr
    result: dict = json.loads(done.stdout)
    return result


def findings(answer: dict, check: str) -> list[tuple[str, str]]:
    (found,) = [entry for entry in answer["checks"] if entry["id"] == check]
    return sorted((finding["cause"], finding["resource"]["name"]) for finding in found["findings"])


@pytest.fixture(scope="module")
def direct() -> dict:
    return report("--source", FIXTURES / "job-predates.yaml", *NOW)


def test_a_file_of_objects(direct):
    assert findings(direct, "addon-stuck") == STUCK
    (skew,) = [entry for entry in direct["checks"] if entry["id"] == "clock-skew"]
    assert any(finding["resource"]["name"] == "harv-node-2" for finding in skew["findings"])
    assert direct["verdict"] == "blocked"


def test_standard_input_in_yaml_and_json(direct):
    data = (FIXTURES / "job-predates.yaml").read_bytes()
    as_json = "\n".join(json.dumps(document) for document in load_documents(data)).encode()
    for text in (data, as_json):
        assert _checks(report("--source", "-", *NOW, stdin=text)) == _checks(direct)


def test_a_snapshot(direct, tmp_path):
    path = tmp_path / "snapshot.json"
    done = preflight("snapshot", "-o", path, "--source", FIXTURES / "job-predates.yaml", *NOW)
    assert done.returncode in (0, 4), done.stderr
    again = report("--source", path)
    assert again["source"]["type"] == "snapshot"
    assert again["source"]["collectedAt"] == direct["source"]["collectedAt"]
    assert _checks(again) == _checks(direct)


def test_a_support_bundle(tmp_path):
    objects = [item for document in load_documents((FIXTURES / "job-predates.yaml").read_bytes())
               for item in document["items"]]  # fmt: skip
    files = bundle_files(objects, created="2026-11-23T18:42:58Z")
    for source in (write_zip(tmp_path, files), write_folder(tmp_path / "extracted", files)):
        answer = report("--source", source)
        assert answer["source"]["type"] == "support-bundle"
        assert findings(answer, "addon-stuck") == STUCK
        (skew,) = [entry for entry in answer["checks"] if entry["id"] == "clock-skew"]
        assert "kube-node-lease" in skew["reason"]


@pytest.mark.parametrize(
    ("name", "code", "check", "expected"),
    [
        ("healthy", 0, "addon-stuck", []),
        ("leftovers", 0, "addon-stuck", []),
        ("stuck-addon", 3, "addon-stuck", STUCK),
        ("stuck-addon", 3, "clock-skew", [("clock-behind", "harv-node-2")]),
        (
            "image-pull",
            3,
            "addon-stuck",
            [("job-image-pull", "nvidia-driver-toolkit"), ("job-retrying", "vm-import-controller")],
        ),
    ],
)
def test_the_demo_scenarios(name, code, check, expected):
    answer = report("--source", f"demo:{name}", code=code)
    assert findings(answer, check) == expected
    assert not [entry["id"] for entry in answer["checks"] if entry["status"] == "unknown"]


def test_the_leftovers_are_named():
    answer = report("--source", "demo:leftovers", code=0)
    left = {name for _, name in findings(answer, "addon-leftovers")}
    assert left >= {"rancher-logging", "harvester-csi-driver-lvm", "rancher-vcluster"}


def _checks(answer: dict) -> list:
    """Everything but durations and the words that name the source."""
    return [(entry["id"], entry["status"], json.dumps(entry["findings"], sort_keys=True)) for entry in answer["checks"]]
