"""--knowledge: what is refused, in one line with file, place and what to do; what is added; and that nothing weakens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight.check import Check
from preflight.errors import ConfigError
from preflight.flow import knowledge_in_use, registered_checks
from preflight.knowledge.given import MAX_FILES
from preflight.model import Status, UpgradePair
from preflight.runner import run_checks
from preflight.settings import Settings
from preflight.values.versions import parse_version
from tests.cases import inventory_for
from tests.knowledge.files import advisory, releases, write

SECRETS = {"secrets.example.com": {"version": "v1", "kind": "Secret"}}
HARMLESS = {"effect": "degrades", "phase": "after", "certainty": "likely", "text": "It is slower"}


def use(path: str) -> None:
    registered_checks(Settings(knowledge=(path,)))
    knowledge_in_use(Settings(knowledge=(path,)))


def checks_with(*paths: str) -> dict[str, Check]:
    return {check.id: check for check in registered_checks(Settings(knowledge=paths))}


def consequence(**more: str) -> dict[str, str]:
    return {"effect": "hangs", "phase": "node-drain", "certainty": "certain", "text": "It waits"} | more


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (advisory({"severity": "warn"}), "findings.0.severity: warn is too low for effect hangs"),
        (advisory({"severity": "info", "consequence": consequence(effect="refused", certainty="likely")}), "too low"),
        (advisory({"severity": "warn", "consequence": consequence(effect="fails")}), "too low"),
        (advisory({"severity": "warn", "consequence": consequence(effect="data-loss")}), "too low"),
        (advisory({"severity": "warn", "consequence": {**HARMLESS, "text": "It hangs"}}), "may not say 'hangs'"),
        (advisory({"severity": "warn", "consequence": HARMLESS, "message": "It hangs"}), "may not say 'hangs'"),
        (advisory({"when": "object.status.size >"}), "findings.0.when: 'object.status.size >' is no expression"),
        (advisory({"when": "objct.status.size > 3"}), "objct"),
        (advisory({"when": "object.status.size + 1"}), "neither true nor false|is no expression|cannot"),
        (advisory({"when": "size(object.status.size)"}), "neither true nor false"),
        (advisory({"when": "object == 1"}), "as a whole"),
        (advisory({"message": "{nothing.there}"}), "findings.0.message"),
        (advisory({"commands": ["kubectl get 'node"]}), "findings.0.commands.0: .*quote"),
        (advisory({"evidence": {"x": "1 +"}}), "findings.0.evidence.x"),
        (advisory({"objects": "nodez"}), "findings.0.objects: nodez is no resource"),
        (advisory({"objects": "upgrades.harvesterhci.io/dry-run"}), "no advisory may ask"),
        (advisory({"objects": "nodes/files", "when": "object.facts.efi"}), "findings.0.onNode"),
        (advisory({"objects": "secrets.example.com"}, resources=SECRETS), "never read"),
        (advisory({"from": "1.8"}), "findings.0.from: '1.8' is no range"),
        (advisory(to="from 1.8 on"), "to: 'from 1.8 on' is no range"),
        (advisory(lists={"nodes": "nodez"}), "lists.nodes: nodez"),
        (advisory(lists={"n": {"objects": "nodes", "when": "1 + 1"}}), "lists.n.when"),
        (advisory(lists={"n": {"objects": "nodes", "when": "n == 1"}}), "lists.n.when"),
        (advisory(lists={"nodes": "nodes"}, let={"nodes": "size(nodes)"}), "let.nodes: nodes is a variable already"),
        (advisory(skip=[{"when": "size(nodes) == 1", "because": "x"}]), "skip.0.when"),
        (advisory(values={"pods": ["a"]}), "values.pods: no condition reads pods"),
        (advisory({"severity": "fatal"}), "findings.0.severity"),
        (advisory({"hint": None}), "hint"),
        (advisory(extra=1), "extra"),
        (advisory(id="Node Size"), "id"),
        (advisory(id="node-ready"), "id: node-ready is the name of a check"),
        (advisory(aliases=["node-ready"]), "aliases: node-ready is the name of a check"),
        (advisory(kind="Waiver"), "kind: 'Waiver' is no knowledge"),
        ("- 1\n", "is no knowledge"),
        ("kind: [\n", "not YAML"),
        ("a: 1\na: 2\n", "twice"),
        (releases(v1_8_2={"minimum": "v1.6.0"}), "releases.v1.8.2.minimum: v1.6.0 is older than v1.7.0"),
        (releases(v1_8_2={"minimum": "v1.8.2"}), "is not older than v1.8.2"),
        (releases(v1_8_2={"minimum": "v1.7.0", "documented": ">=1.6.0"}), "releases.v1.8.2.documented"),
        (releases(v1_8_2={"minimum": "v1.7.0", "rancher": "v2.15.0"}), "releases.v1.8.2.rancher: v2.15.0 contradicts"),
        (releases(v1_8_2={"like": "v1.8.1"}), "releases.v1.8.2.like"),
        (releases(v1_10_0={"like": "v1.11.0"}), "v1.11.0 is no release"),
        (releases(v1_10_0={"documented": "x"}), "v1.10.0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path, content: Any, words: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ConfigError, match=words) as caught:
        use(path)
    assert caught.value.message.startswith(f"{path}:")
    assert "\n" not in caught.value.message


def test_files_are_read_bounded(tmp_path: Path) -> None:
    for given, words in (
        (write(tmp_path, "#" * (1 << 20) + "\n"), "larger than 1 MiB"),
        (str(tmp_path / "none.yaml"), "no such file"),
    ):
        with pytest.raises(ConfigError, match=words):
            checks_with(given)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="holds no file"):
        checks_with(str(empty))
    for number in range(MAX_FILES + 1):
        (empty / f"{number}.yaml").touch()
    with pytest.raises(ConfigError, match="more than"):
        checks_with(str(empty))


def test_a_folder_is_read_without_what_is_no_knowledge(tmp_path: Path) -> None:
    write(tmp_path, advisory(), "a.yaml")
    write(tmp_path, advisory(id="other-size"), "b.yml")
    write(tmp_path, "not knowledge", "README.md")
    assert {"node-size", "other-size"} <= set(checks_with(str(tmp_path)))


def test_two_files_of_one_id_are_refused(tmp_path: Path) -> None:
    first, second = write(tmp_path, advisory(), "a.yaml"), write(tmp_path, advisory(), "b.yaml")
    with pytest.raises(ConfigError, match=r"b\.yaml.*node-size is the name of a check"):
        checks_with(first, second)


def test_a_list_with_a_condition_has_no_limit(tmp_path: Path) -> None:
    finding = {"when": "size(big) > 1", "message": "{string(size(big))} are big"}
    lists = {"big": {"objects": "addons.harvesterhci.io", "when": "has(object.spec.enabled) && object.spec.enabled"}}
    check = checks_with(write(tmp_path, advisory(finding, lists=lists)))["node-size"]
    many = [addon(f"a{number}", "vms", number < 3) for number in range(12_000)]
    content = {"cluster": {"addons.harvesterhci.io": many, "nodes": [{"metadata": {"name": "n1"}}]}}
    pair = UpgradePair(parse_version("v1.8.1"), parse_version("v1.8.2"))
    (result,) = run_checks([check], inventory_for(check, content), pair, left_out={}, options={})
    assert [finding.message for finding in result.findings] == ["3 are big"]


SHIPPED = "kubeovn-operator-1-7-0"
CAUSE = "kubeovn-operator-enabled"


def tightened(finding: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    told = {"cause": CAUSE, "objects": "addons.harvesterhci.io", "when": "object.spec.enabled", "message": "{name}"}
    return advisory(told | (finding or {}), id=SHIPPED, **{"from": ">=1.6.0 <1.7.0", "to": "=1.7.0", **more})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tightened({"severity": "warn", "consequence": HARMLESS}), "ships as fail: it may only be raised"),
        (tightened(to="=1.7.1"), "ships for to =1.7.0: that range may only be widened"),
        (tightened(**{"from": "=1.6.0"}), "ships for from"),
        (tightened({"to": "=1.7.1"}), "ships for to"),
    ],
)
def test_a_shipped_cause_cannot_be_weakened(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        checks_with(write(tmp_path, content))


def run(check: Check, running: str, target: str, *addons: dict[str, Any]) -> Any:
    pair = UpgradePair(parse_version(running), parse_version(target))
    inventory = inventory_for(check, {"cluster": {"addons.harvesterhci.io": list(addons)}})
    return run_checks([check], inventory, pair, left_out={}, options={})[0]


def addon(name: str, namespace: str, enabled: bool) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"enabled": enabled}}


def test_a_file_of_a_shipped_id_finds_more_and_never_less(tmp_path: Path) -> None:
    content = tightened({"when": "object.metadata.name == 'descheduler'", "cause": "also-this"}, to=">=1.7.0 <1.8.0")
    check = checks_with(write(tmp_path, content))[SHIPPED]
    ours = addon("kubeovn-operator", "kube-system", True)
    theirs = addon("descheduler", "kube-system", True)
    assert {finding.cause for finding in run(check, "v1.6.1", "v1.7.0", ours, theirs).findings} == {CAUSE, "also-this"}
    assert {finding.cause for finding in run(check, "v1.6.1", "v1.7.3", ours, theirs).findings} == {"also-this"}
    assert run(check, "v1.7.0", "v1.7.3", ours, theirs).status is Status.SKIPPED
    assert run(check, "v1.6.1", "v1.7.0").status is Status.PASS


def test_a_condition_that_is_never_true_takes_no_shipped_finding_away(tmp_path: Path) -> None:
    check = checks_with(write(tmp_path, tightened({"when": "false && object.spec.enabled"})))[SHIPPED]
    (finding,) = run(check, "v1.6.1", "v1.7.0", addon("kubeovn-operator", "kube-system", True)).findings
    assert finding.cause == CAUSE


def test_of_one_finding_of_both_one_is_shown(tmp_path: Path) -> None:
    check = checks_with(write(tmp_path, tightened()))[SHIPPED]
    assert len(run(check, "v1.6.1", "v1.7.0", addon("kubeovn-operator", "kube-system", True)).findings) == 1


def test_a_given_skip_counts_for_its_own_findings_only(tmp_path: Path) -> None:
    skip = [{"when": "size(classes) == 0", "because": "no class"}]
    content = tightened(lists={"classes": "storageclasses.storage.k8s.io"}, skip=skip)
    check = checks_with(write(tmp_path, content))[SHIPPED]
    assert run(check, "v1.6.1", "v1.7.0", addon("kubeovn-operator", "kube-system", True)).status is Status.FAIL


def test_releases_are_added_and_tightened(tmp_path: Path) -> None:
    content = releases(
        v1_10_0={"like": "v1.9.0", "minimum": "v1.9.0"},
        v1_8_2={"minimum": "v1.8.0", "imageGiB": 12, "better": "v1.8.3"},
        v1_8_3={"minimum": "v1.7.0"},
    )
    path = write(tmp_path, content)
    known = knowledge_in_use(Settings(knowledge=(path,)))
    assert known.date == "2027-03-01"
    assert known.sources[1:] == (f"{path} 2027-03-01",)
    new, tight, own = (known.release(parse_version(name)) for name in ("v1.10.0", "v1.8.2", "v1.8.3"))
    assert new is not None
    assert tight is not None
    assert own is not None
    assert (new.minimum, new.inherited, new.longhorn) == ("v1.9.0", "v1.9.0", "v1.12.1")
    assert (tight.minimum, tight.image_gib, tight.better, tight.inherited) == ("v1.8.0", 12, "v1.8.3", "")
    assert (own.minimum, own.inherited) == ("v1.7.0", "")


def test_a_given_file_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    path = write(tmp_path, advisory())
    assert "node-size" in checks_with(path)
    write(tmp_path, advisory(id="node-size-again"))
    assert "node-size" not in checks_with(path)
