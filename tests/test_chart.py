"""The Helm chart under ci/pipelines/helm, rendered by the real helm for every combination that is documented."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight import __version__
from tests.command import ROOT
from tests.kube import rules_of
from tests.test_manifests import IMAGE, LOADER, in_process, pods, printed

CHART = ROOT / "ci" / "pipelines" / "helm"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
OPT_INS = {
    "kubelet": "--with-kubelet",
    "plans": "--with-plans",
    "releases": "--with-releases",
    "probeNodes": "--with-probe-nodes",
}
"""The chart's word for each opt-in, and that of `rbac`."""


def helm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("helm"):
        pytest.skip("no helm here: ci/kubectl-helm fetches one")
    return subprocess.run(["helm", *map(str, words)], capture_output=True, text=True, timeout=120, check=False)


def rendered(*words: str | Path) -> list[dict[str, Any]]:
    done = helm("template", "harvester-preflight", CHART, "--namespace", "harvester-preflight", *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "helm warns of something"
    return [entry for entry in yaml.load_all(done.stdout, LOADER) if entry]


def of_kind(found: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [entry for entry in found if entry["kind"] in kinds]


def validate(found: list[dict[str, Any]]) -> None:
    import kubernetes_validate

    for entry in found:
        for version in ("1.27", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(entry, version, strict=True)


def test_helm_finds_nothing_to_complain_of() -> None:
    done = helm("lint", "--strict", CHART, *itertools.chain(*(("-f", path) for path in VALUES[:1])))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_each_documented_set_of_values_gives_valid_objects_that_belong_together(path: Path) -> None:
    done = helm("lint", "--strict", CHART, "-f", path)
    assert done.returncode == 0, done.stdout
    found = rendered("-f", path)
    validate(found)
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    accounts = {entry["metadata"]["name"] for entry in of_kind(found, "ServiceAccount")}
    wanted = values.get("serviceAccount", {}).get("name") or "harvester-preflight"
    assert accounts == (set() if "serviceAccount" in values else {wanted})
    containers = list(pods(found))
    assert len(containers) == (
        values.get("job", {}).get("enabled", False) + values.get("cronJob", {}).get("enabled", True)
    )
    (config,) = of_kind(found, "ConfigMap")
    for _, pod in containers:
        assert pod["serviceAccountName"] == wanted
        assert [volume["configMap"]["name"] for volume in pod["volumes"]] == [config["metadata"]["name"]]
    bound = {subject["name"] for entry in found for subject in entry.get("subjects", ())}
    assert bound <= {wanted}
    assert bool(bound) == values.get("rbac", {}).get("create", True)
    names = [(entry["kind"], entry["metadata"].get("namespace"), entry["metadata"]["name"]) for entry in found]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "parts", [*itertools.combinations(OPT_INS, 0), *itertools.combinations(OPT_INS, 1), tuple(OPT_INS)]
)
def test_the_role_is_what_rbac_prints(parts: tuple[str, ...]) -> None:
    words = itertools.chain(*(("--set", f"rbac.{part}=true") for part in parts))
    found = rules_of(rendered("--set", "rbac.vcluster=true", *words))
    assert found == rules_of(yaml.load_all(in_process("rbac", *(OPT_INS[part] for part in parts)), LOADER))


def test_publishing_adds_what_rbac_adds_for_it_and_only_with_the_cronjob() -> None:
    plain, publish = rules_of(rendered()), ("--set", "openReports.publish=true")
    granted = rules_of(yaml.load_all(in_process("rbac", "--with-publish"), LOADER))
    asked = rules_of(yaml.load_all(in_process("rbac"), LOADER))
    assert rules_of(rendered(*publish)) - plain == granted - asked
    job = ("--set", "job.enabled=true,to=v1.4.1,cronJob.enabled=false")
    assert rules_of(rendered(*publish, *job)) == plain


def test_a_role_in_a_namespace_that_may_be_absent_is_an_opt_in() -> None:
    spaces = {entry["metadata"]["namespace"] for entry in of_kind(rendered(), "Role")}
    assert spaces
    assert "rancher-vcluster" not in spaces


@pytest.mark.parametrize("flags", [(), ("--with-kubelet", "--with-plans", "--with-probe-nodes", "--with-publish")])
def test_the_chart_runs_what_manifests_prints(flags: tuple[str, ...], tmp_path: Path) -> None:
    """The values that `manifests helm-values` prints give the pod and the rules that `manifests cronjob` prints."""
    path = tmp_path / "values.yaml"
    path.write_text(in_process("manifests", "helm-values", "--image", IMAGE, "--to", "v1.4.1", *flags))
    found, plain = rendered("-f", path), printed("cronjob", *flags)
    assert rules_of(found) == rules_of(plain)
    ((mine, my_pod),), ((theirs, their_pod),) = pods(found), pods(plain)
    assert {key: value for key, value in mine.items() if key != "imagePullPolicy"} == theirs
    for key in ("serviceAccountName", "restartPolicy", "securityContext", "volumes"):
        assert my_pod[key] == their_pod[key]
    assert of_kind(found, "ConfigMap")[0]["data"] == of_kind(plain, "ConfigMap")[0]["data"]
    (chart,), (printed_one,) = of_kind(found, "CronJob"), of_kind(plain, "CronJob")
    for key in ("schedule", "concurrencyPolicy", "startingDeadlineSeconds"):
        assert chart["spec"][key] == printed_one["spec"][key]


def test_the_configuration_may_be_a_text_or_a_map(tmp_path: Path) -> None:
    given = {
        "attestations": [
            {"check": "nic-rename", "nodes": ["*"], "who": "k", "when": "2025-02-01", "expires": "2025-03-01"}
        ]
    }
    for config in (given, yaml.safe_dump(given)):
        path = tmp_path / "values.yaml"
        path.write_text(yaml.safe_dump({"config": config}))
        (config_map,) = of_kind(rendered("-f", path), "ConfigMap")
        assert yaml.safe_load(config_map["data"][".harvester-preflight.yaml"]) == given


@pytest.mark.parametrize(
    "values",
    [
        "job.enabled=true",
        "expectVersion=true",
        "image.digest=latest",
        "image.repository=Not An Image",
        "rbac.kubelets=true",
        "to=v1.4.1; rm",
        "cronJob.schedule=",
    ],
)
def test_values_that_would_not_do_are_refused(values: str) -> None:
    done = helm("template", "x", CHART, "--set", values)
    assert done.returncode != 0
    assert "schema" in done.stderr


def test_the_image_is_that_of_this_version_unless_one_is_given() -> None:
    digest = f"sha256:{'1' * 64}"
    for words, wanted in (
        ((), f"ghcr.io/harvester/harvester-preflight:v{__version__}"),
        (("--set", "image.tag=v9"), "ghcr.io/harvester/harvester-preflight:v9"),
        (("--set", f"image.digest={digest}"), f"ghcr.io/harvester/harvester-preflight@{digest}"),
    ):
        ((container, _),) = pods(rendered(*words))
        assert container["image"] == wanted
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, f"v{__version__}")


def test_ranchers_form_asks_for_values_that_there_are() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    questions = yaml.safe_load((CHART / "questions.yaml").read_text(encoding="utf-8"))["questions"]
    asked = [*questions, *(sub for question in questions for sub in question.get("subquestions", ()))]
    assert len(asked) > 10
    for question in asked:
        value: Any = values
        for key in question["variable"].split("."):
            assert key in value, question["variable"]
            value = value[key]
        assert value == question["default"], question["variable"]
        assert {"boolean": bool, "string": str}[question["type"]] is type(value), question["variable"]


def test_rancher_is_told_what_its_catalogue_wants_to_know() -> None:
    notes = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["annotations"]
    assert notes["catalog.cattle.io/namespace"] == notes["catalog.cattle.io/release-name"] == "harvester-preflight"
    assert all(isinstance(value, str) for value in notes.values())
    json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert (CHART / "app-readme.md").is_file()


def test_the_table_of_values_is_that_of_the_chart() -> None:
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-zA-Z]+[a-zA-Z.]*`(?:, `[a-zA-Z.]+`)*) \| ", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    grouped = {"image", "cronJob", "job", "openReports", "rbac", "serviceAccount"}
    leaves = {f"{key}.{below}" for key in grouped for below in values[key]} | (set(values) - grouped) | {"config"}
    assert named == leaves
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    assert {name.partition(".")[0] for name in leaves} | {"global"} == set(schema)


def test_the_addon_installs_the_chart_with_values_that_do(tmp_path: Path) -> None:
    """What the file under ci/pipelines holds, and what `manifests addon` prints for an image and a registry of one's own."""
    static = list(yaml.safe_load_all((CHART.parent / "addon/harvester-preflight.yaml").read_text(encoding="utf-8")))
    own = ("--chart", "oci://registry.internal/charts/harvester-preflight", "--with-kubelet")
    for found in (static, printed("addon", *own)):
        (namespace, addon) = found
        spec = addon["spec"]
        assert namespace["metadata"]["name"] == addon["metadata"]["namespace"]
        assert (spec["enabled"], spec["repo"], spec["version"]) == (False, "", __version__)
        assert spec["chart"].startswith("oci://")
        path = tmp_path / "values.yaml"
        path.write_text(spec["valuesContent"])
        objects = rendered("-f", path)
        validate(objects)
        assert ("get", "", "nodes/proxy", None, None) in rules_of(objects)
    release = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    assert "/charts" in release
    assert static[1]["spec"]["chart"].endswith("/charts/harvester-preflight")
