"""What lies under ci/pipelines/ for other people: valid by the schemas of those who read it, safe, and executed here."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from preflight.flow import all_needs, registered_checks
from preflight.rbac import Subject, manifests, read_permissions
from preflight.settings import Settings
from preflight.sources.text.yaml_reading import load_documents
from tests.command import ROOT, environment, package_index, preflight
from tests.kube import KubeServer, rules_of

CI = ROOT / "ci"
PIPELINES = CI / "pipelines"
SHELL = (
    ".ci/run", "ci/binary", "ci/demo", "ci/test", "ci/lock", "ci/zipapp", "ci/generate/sbom", "ci/pipelines/krew/pack",
    "ci/pipelines/github/check",
)  # fmt: skip
CODES = {"demo": 3, "demo:healthy": 0, "demo:image-pull": 3}
FLATTENED = ("fleet/gate/gate.yaml", "fleet/watch/watch.yaml")


def documents(path: str) -> list[dict[str, Any]]:
    return [entry for entry in yaml.safe_load_all((PIPELINES / path).read_text(encoding="utf-8")) if entry]


def ran(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 300, **options}
    return subprocess.run([str(word) for word in command], **options)


def tool(name: str) -> str:
    """Find a program of the test extras."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not found and platform.machine() != "x86_64":
        pytest.skip(f"no {name} for this machine")
    assert found, f"{name} is in the test extras"
    return found


@pytest.fixture(scope="module")
def on_path(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Put `harvester-preflight` on the PATH, as the image does."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "harvester-preflight"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m preflight "$@"\n')
    program.chmod(0o755)
    (folder / "python3").symlink_to(sys.executable)
    return environment(PATH=f"{folder}:/usr/bin:/bin")


@pytest.fixture(scope="module")
def kustomized() -> dict[str, list[dict[str, Any]]]:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl here")
    found = {}
    for name in ("kubernetes/job", "kubernetes/cronjob", "argocd"):
        done = ran("kubectl", "kustomize", PIPELINES / name)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", "kustomize warns of something that it will not take for ever"
        found[name] = [entry for entry in yaml.safe_load_all(done.stdout) if entry]
    return found


# -- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-actions", "ci/pipelines/github/action.yml"),
        ("vendor.github-workflows", "ci/pipelines/github/example.yml"),
        ("vendor.gitlab-ci", "ci/pipelines/gitlab/harvester-preflight.gitlab-ci.yml"),
    ],
)
def test_the_schema_of_the_reader_accepts_it(schema: str, path: str) -> None:
    transform = ("--data-transform", "gitlab-ci") if "gitlab" in schema else ()
    done = ran(tool("check-jsonschema"), "--builtin-schema", schema, *transform, path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_accepts_its_hook(tmp_path: Path) -> None:
    done = ran(
        tool("pre-commit"), "validate-manifest", ".pre-commit-hooks.yaml", env={**os.environ, "HOME": str(tmp_path)}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FLATTENED)
def test_kubernetes_accepts_the_bundles_of_fleet(path: str) -> None:
    _valid(documents(path))


def test_kubernetes_accepts_what_kustomize_makes(kustomized: dict[str, list[dict[str, Any]]]) -> None:
    for found in kustomized.values():
        _valid(found)


def _valid(found: list[dict[str, Any]]) -> None:
    import kubernetes_validate

    for entry in found:
        for version in ("1.27", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(entry, version, strict=True)


def test_the_shell_scripts_are_clean() -> None:
    done = ran(tool("shellcheck"), "-x", *SHELL)
    assert done.returncode == 0, done.stdout
    assert all(os.access(ROOT / name, os.X_OK) for name in SHELL)


def test_the_dockerfile_is_clean_and_leaves_no_tools() -> None:
    done = ran(tool("hadolint"), "ci/Dockerfile")
    assert done.returncode == 0, done.stdout
    stages = re.split(r"^FROM ", (CI / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    last = stages[-1]
    assert len(stages) == 3
    assert "--require-hashes" in stages[1]
    assert "USER 65532:65532" in last
    assert not re.search(r"pip install|apt-get|curl|wget", last)
    assert 'ENTRYPOINT ["harvester-preflight"]' in last


# -- permissions -----------------------------------------------------------------------------------------------------


def _read_rules() -> set[Any]:
    settings = Settings(plugins=False)
    needs = all_needs(registered_checks(settings), settings)
    return rules_of(manifests(read_permissions(needs, with_releases=False, with_kubelet=False), Subject()))


def test_the_manifests_hold_the_computed_rules_and_no_others(kustomized: dict[str, list[dict[str, Any]]]) -> None:
    optional = rules_of(documents("kubernetes/with-vcluster/rbac.yaml"))
    publish = rules_of(documents("kubernetes/cronjob/rbac-publish.yaml"))
    wanted = _read_rules() - optional
    assert optional < _read_rules()
    assert rules_of(documents("kubernetes/base/rbac.yaml")) == wanted
    assert rules_of(kustomized["kubernetes/job"]) == rules_of(kustomized["argocd"]) == wanted
    assert rules_of(kustomized["kubernetes/cronjob"]) == wanted | publish
    assert [rules_of(documents(path)) for path in FLATTENED] == [wanted, wanted | publish]


@pytest.mark.parametrize("name", ["kubernetes/job", "kubernetes/cronjob", "argocd"])
def test_the_components_add_what_they_say(name: str, tmp_path: Path) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl here")
    for folder in ("kubernetes", "argocd"):
        shutil.copytree(PIPELINES / folder, tmp_path / folder)
    path = tmp_path / name / "kustomization.yaml"
    text = path.read_text()
    plain = rules_of(_kustomize(path.parent))
    path.write_text(text.replace("# components:", "components:"))
    assert path.read_text() != text
    found = _kustomize(path.parent)
    added = rules_of(documents("kubernetes/with-vcluster/rbac.yaml")) | {("get", "", "nodes/proxy", None, None)}
    assert rules_of(found) == plain | added
    accounts = {entry["metadata"]["name"] for entry in found if entry["kind"] == "ServiceAccount"}
    assert {subject["name"] for entry in found for subject in entry.get("subjects", ())} == accounts
    if name == "argocd":
        waves = [entry["metadata"]["annotations"].get("argocd.argoproj.io/sync-wave") for entry in found]
        assert waves.count("-1") == len(found) - 1


def test_the_gate_of_fleet_may_ask_kubelets_where_that_is_added() -> None:
    found = documents("fleet/gate-kubelet/rbac.yaml")
    assert rules_of(found) == {("get", "", "nodes/proxy", None, None)}
    (subject,) = [subject for entry in found for subject in entry.get("subjects", ())]
    accounts = [entry["metadata"] for entry in documents("fleet/gate/gate.yaml") if entry["kind"] == "ServiceAccount"]
    assert [(entry["name"], entry["namespace"]) for entry in accounts] == [(subject["name"], subject["namespace"])]


def _kustomize(folder: Path) -> list[dict[str, Any]]:
    done = ran("kubectl", "kustomize", folder)
    assert done.returncode == 0, done.stderr
    return [entry for entry in yaml.safe_load_all(done.stdout) if entry]


# -- known traps -----------------------------------------------------------------------------------------------------


def _job_specs(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in found:
        if entry["kind"] in ("Job", "CronJob"):
            yield entry["spec"]["jobTemplate"]["spec"] if entry["kind"] == "CronJob" else entry["spec"]


def test_every_job_ends_fails_once_and_has_no_rights_on_its_node(kustomized: dict[str, list[dict[str, Any]]]) -> None:
    sources = [*kustomized.values(), *(documents(path) for path in FLATTENED)]
    for found in sources:
        (spec,) = _job_specs(found)
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        assert spec["backoffLimit"] == 0
        assert 0 < spec["activeDeadlineSeconds"] <= 300
        assert (pod["restartPolicy"], pod["securityContext"]["runAsNonRoot"]) == ("Never", True)
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        accounts = {entry["metadata"]["name"] for entry in found if entry["kind"] == "ServiceAccount"}
        configs = {entry["metadata"]["name"] for entry in found if entry["kind"] == "ConfigMap"}
        assert pod["serviceAccountName"] in accounts
        assert {volume["configMap"]["name"] for volume in pod["volumes"]} == configs
        bound = [subject["name"] for entry in found for subject in entry.get("subjects", ())]
        assert set(bound) == accounts


def test_argo_has_the_account_before_the_job_and_never_deletes_the_namespace(
    kustomized: dict[str, list[dict[str, Any]]],
) -> None:
    found = kustomized["argocd"]
    assert "Namespace" not in {entry["kind"] for entry in found}
    for entry in found:
        notes = entry["metadata"]["annotations"]
        assert notes["argocd.argoproj.io/hook"] == "PreSync"
        assert notes["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
        assert int(notes.get("argocd.argoproj.io/sync-wave", 0)) == (0 if entry["kind"] == "Job" else -1)
    others = {entry["metadata"]["name"] for entry in kustomized["kubernetes/cronjob"]}
    assert not others & {entry["metadata"]["name"] for entry in found}, "a hook would delete what the CronJob uses"


def test_fleet_waits_for_the_job_longer_than_the_job_may_take() -> None:
    (gate,) = documents("fleet/gate/fleet.yaml")
    (spec,) = _job_specs(documents("fleet/gate/gate.yaml"))
    assert gate["helm"]["waitForJobs"] is True
    assert gate["helm"]["timeoutSeconds"] > spec["activeDeadlineSeconds"]
    names = [{entry["metadata"]["name"] for entry in documents(path)} for path in FLATTENED]
    assert not names[0] & names[1], "two Helm releases cannot own one object"


def test_each_pipeline_says_what_the_exit_codes_mean() -> None:
    files = [
        "github/action.yml", "gitlab/harvester-preflight.gitlab-ci.yml", "tekton/task.yaml", "argocd/kustomization.yaml",
        "fleet/gate/fleet.yaml", "kubernetes/job/job.yaml", "kubernetes/cronjob/cronjob.yaml", "../Dockerfile",
        "krew/harvester-preflight.yaml",
    ]  # fmt: skip
    for name in files:
        text = (PIPELINES / name).read_text(encoding="utf-8")
        assert re.search(r"^# .*[Ee]xit codes", text, re.MULTILINE), name
        if name != "kubernetes/cronjob/cronjob.yaml":  # there a verdict is no failure
            comments = " ".join(line.lstrip("# ") for line in text.splitlines())
            assert "3 blocked" in comments, name
            assert "4 undecided" in comments, name


# -- executed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "code"), CODES.items())
def test_the_github_action_keeps_outputs_and_exit_code(
    source: str, code: int, on_path: dict[str, str], tmp_path: Path
) -> None:
    done = _github(on_path, tmp_path, HARVESTER_PREFLIGHT_SOURCE=source)
    assert done.returncode == code, done.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert outputs == {"verdict": {0: "ready", 3: "blocked"}[code], "exit-code": str(code)}
    assert (tmp_path / "summary").read_text().strip()
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "junit.xml", "preflight.sarif", "report.html", "report.json", "report.md",
    ]  # fmt: skip


def test_the_github_action_has_outputs_also_when_there_is_no_verdict(on_path: dict[str, str], tmp_path: Path) -> None:
    done = _github(on_path, tmp_path, HARVESTER_PREFLIGHT_SOURCE="/nowhere.zip")
    assert done.returncode not in (0, 3)
    assert (tmp_path / "output").read_text() == f"verdict=\nexit-code={done.returncode}\n"


def test_the_github_action_hands_the_kubeconfig_over_in_a_private_file_that_goes_away(
    on_path: dict[str, str], tmp_path: Path
) -> None:
    objects = list(load_documents((ROOT / "tests/fixtures/job-predates.yaml").read_bytes()))
    with KubeServer(objects) as server:
        content = server.kubeconfig(tmp_path).read_text()
        done = _github(
            on_path, tmp_path, PREFLIGHT_KUBECONFIG=content, HARVESTER_PREFLIGHT_TO="v1.4.1", TMPDIR=str(tmp_path)
        )
    assert done.returncode == 3, done.stderr
    assert "test-token" not in done.stdout + done.stderr
    assert not list(tmp_path.glob("tmp.*"))


def test_the_example_workflow_asks_for_what_the_action_has_and_pins_what_it_uses() -> None:
    (action,), (workflow,) = documents("github/action.yml"), documents("github/example.yml")
    (job,) = workflow["jobs"].values()
    (ours,) = [step for step in job["steps"] if "/ci/pipelines/github@" in step.get("uses", "")]
    assert set(ours["with"]) <= set(action["inputs"])
    for step in (*job["steps"], *action["runs"]["steps"]):
        assert "uses" not in step or re.fullmatch(r"\S+@([0-9a-f]{40}|COMMIT)", step["uses"]), step
    text = (PIPELINES / "github/example.yml").read_text(encoding="utf-8")
    reports = set(re.findall(r"harvester-preflight/([a-z]+\.[a-z]+)", text))
    written = (PIPELINES / "github/check").read_text(encoding="utf-8")
    assert reports
    assert all(f"$reports/{name}" in written for name in reports)
    uploads = [
        step for step in job["steps"] if "github.event" in str(step.get("if")) or "upload" in step.get("uses", "")
    ]
    assert all("always()" in step["if"] for step in uploads), "a blocked cluster fails the step before"


def _github(env: dict[str, str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    (step,) = [step for step in documents("github/action.yml")[0]["runs"]["steps"] if step.get("id") == "check"]
    empty = {name: "" for name in step["env"]}
    env = {
        **env,
        **empty,
        "PREFLIGHT_COMMAND": "harvester-preflight",
        "PREFLIGHT_REPORTS": "reports",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_ACTION_PATH": str(PIPELINES / "github"),
        **more,
    }
    script = folder / "step.sh"
    script.write_text(step["run"])
    return ran("bash", "--noprofile", "--norc", "-eo", "pipefail", script, cwd=folder, env=env)


@pytest.mark.parametrize(("source", "code"), CODES.items())
def test_the_gitlab_job_ends_with_the_tools_exit_code(
    source: str, code: int, on_path: dict[str, str], tmp_path: Path
) -> None:
    job = documents("gitlab/harvester-preflight.gitlab-ci.yml")[0]["harvester-preflight"]
    script = "set -eo pipefail\n" + "\n".join(job["script"])
    done = ran("bash", "-c", script, cwd=tmp_path, env={**on_path, "HARVESTER_PREFLIGHT_SOURCE": source})
    assert done.returncode == code, done.stderr
    wanted = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert all((tmp_path / name).stat().st_size for name in wanted)
    assert job["artifacts"]["when"] == "always"


@pytest.mark.parametrize(
    ("source", "code", "verdict"), [("demo", 3, "blocked"), ("demo:healthy", 0, "ready"), ("nowhere", 2, "")]
)
def test_the_tekton_task_writes_its_results_before_it_fails(
    source: str, code: int, verdict: str, on_path: dict[str, str], tmp_path: Path
) -> None:
    (task,) = documents("tekton/task.yaml")
    (step,) = task["spec"]["steps"]
    values = {
        **{f"params.{entry['name']}": entry.get("default", "") for entry in task["spec"]["params"]},
        **{f"results.{entry['name']}.path": str(tmp_path / entry["name"]) for entry in task["spec"]["results"]},
        "params.source": source,
        "params.target": "v1.4.1",
        "workspaces.kubeconfig.path": "",
        "workspaces.reports.path": str(tmp_path / "reports"),
    }
    (tmp_path / "reports").mkdir()
    filled = {
        entry["name"]: re.sub(r"\$\(([^)]+)\)", lambda match: values[match[1]], entry["value"]) for entry in step["env"]
    }
    script = tmp_path / "script"
    script.write_text(step["script"])
    script.chmod(0o755)
    done = ran(script, env={**on_path, **filled}, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    results = {entry["name"]: (tmp_path / entry["name"]).read_text() for entry in task["spec"]["results"]}
    report = str(tmp_path / "reports" / "report.json") if verdict else ""
    blockers = {"blocked": "1", "ready": "0", "": ""}[verdict]
    assert results == {"verdict": verdict, "blockers": blockers, "exit-code": str(code), "report-path": report}


def test_kubectl_applies_the_job_and_its_account_can_run_it(tmp_path: Path) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl here")
    entries = json.loads((ROOT / "preflight/demo/healthy.json").read_text())["entries"]
    names = ("nodes", "addons.harvesterhci.io", "settings.harvesterhci.io", "versions.harvesterhci.io")
    with KubeServer([item for name in names for item in entries[name]["objects"]], tls=True) as server:
        config = server.kubeconfig(tmp_path)
        done = ran("kubectl", "--kubeconfig", config, "apply", "--validate=false", "-k", "ci/pipelines/kubernetes/job")
        assert done.returncode == 0, done.stderr
        groups = [(f"{kind}{part}", "rbac.authorization.k8s.io")
                  for kind in ("role", "clusterrole") for part in ("s", "bindings")]  # fmt: skip
        stored = [entry for group in groups for entry in server.objects(*group)]
        assert rules_of(stored) == rules_of(documents("kubernetes/base/rbac.yaml"))
        (job,) = server.objects("jobs", "batch")
        server.allow = rules_of(stored)
        report = tmp_path / "report.json"
        (container,) = job["spec"]["template"]["spec"]["containers"]
        done = preflight(*container["args"], "--kubeconfig", config, "--report", f"json={report}")
    statuses = {entry["id"]: entry["status"] for entry in json.loads(report.read_text())["checks"]}
    assert {statuses[name] for name in ("node-ready", "upgrade-path", "upgrade-version-object")} == {"pass"}


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    service = (PIPELINES / "systemd/harvester-preflight.service").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=/usr/local/bin/harvester-preflight (.*)$", service, re.MULTILINE)
    metrics = tmp_path / "metrics.prom"
    words = [f"prometheus={metrics}" if word.startswith("prometheus=") else word for word in command.split()]
    with KubeServer() as server:
        done = preflight(*words, env={"HARVESTER_PREFLIGHT_KUBECONFIG": str(server.kubeconfig(tmp_path))})
    assert done.returncode == 0, done.stderr
    assert "harvester_preflight_ready{" in metrics.read_text()
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here: the command was run, the units were not read")
    for name in ("service", "timer"):
        unit = tmp_path / f"harvester-preflight.{name}"
        text = (PIPELINES / f"systemd/harvester-preflight.{name}").read_text(encoding="utf-8")
        unit.write_text(text.replace("/usr/local/bin/harvester-preflight", "/bin/true"))
    done = ran("systemd-analyze", "verify", *tmp_path.glob("harvester-preflight.*"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FLATTENED)
def test_what_the_pod_runs_gets_by_with_its_role(path: str, tmp_path: Path) -> None:
    found = documents(path)
    (spec,) = _job_specs(found)
    (container,) = spec["template"]["spec"]["containers"]
    (config,) = [entry for entry in found if entry["kind"] == "ConfigMap"]
    (tmp_path / "config.yaml").write_text(config["data"][".harvester-preflight.yaml"])
    healthy = json.loads((ROOT / "preflight/demo/healthy.json").read_text())["entries"]
    objects = [item for name in ("nodes", "addons.harvesterhci.io", "settings.harvesterhci.io", "versions.harvesterhci.io")
               for item in healthy[name]["objects"]]  # fmt: skip
    with KubeServer(objects) as server:
        server.allow = rules_of(found)
        env = {
            "HARVESTER_PREFLIGHT_KUBECONFIG": str(server.kubeconfig(tmp_path)),
            "HARVESTER_PREFLIGHT_CONFIG": str(tmp_path / "config.yaml"),
        }
        done = preflight(*container["args"], env=env)
        published = server.objects("clusterreports", "openreports.io")
    if "watch" in path:
        assert done.returncode == 0, done.stderr
        assert published
    else:
        assert done.returncode in (3, 4), done.stderr
        assert not published
    denied = set(re.findall(r"forbidden: cannot \w+ ([\w/.-]+)", done.stdout))
    opt_in = {"secrets/helm-releases", "secrets/machine-plans", "nodes/proxy"}
    sometimes = {"configmaps/chart-content"}  # in a namespace that only some clusters have: with-vcluster
    assert denied <= opt_in | sometimes, denied


def test_the_alerts_ask_for_metrics_and_labels_that_are_written() -> None:
    (content,) = documents("prometheus/rules.yaml")
    written = preflight("check", "--source", "demo", "-o", "prometheus").stdout
    known = {line.split()[2] for line in written.splitlines() if line.startswith("# TYPE ")}
    labels = set(re.findall(r'[{,]([a-z_]+)="', written))
    rules = [rule for group in content["groups"] for rule in group["rules"]]
    assert len(rules) == 4
    for rule in rules:
        named = set(re.findall(r"harvester_preflight_\w+", rule["expr"]))
        assert named
        assert named <= known
        assert set(re.findall(r'([a-z_]+)="', rule["expr"])) <= labels
        assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= labels
        assert {"summary", "description"} <= set(rule["annotations"])


def test_the_hook_checks_the_configuration_that_comes_with_the_manifests(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    words = hook["entry"].split()
    assert words[0] == "harvester-preflight"
    assert preflight(*words[1:], PIPELINES / "kubernetes/base/config.yaml").returncode == 0
    (tmp_path / "wrong.yaml").write_text("waivers: [{check: addon-stuck}]\n")
    done = preflight(*words[1:], tmp_path / "wrong.yaml")
    assert done.returncode == 2
    assert "wrong.yaml:1" in done.stderr
    assert re.search(hook["files"], ".harvester-preflight.yaml")


# -- supply chain ----------------------------------------------------------------------------------------------------


def _pinned(name: str) -> set[tuple[str, str]]:
    """Read ci/requirements/NAME.txt: each line a version, for some platforms maybe, and the hashes of its archives."""
    found = set()
    text = (CI / "requirements" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        assert re.fullmatch(r"[a-z0-9.-]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", line), line[:80]
        key, _, version = line.split()[0].partition("==")
        found.add((key, version))
    return found


def _name(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def test_every_requirement_is_pinned_with_hashes_and_fits() -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = content["project"]
    wanted = {
        "build": content["build-system"]["requires"],
        "run": project["dependencies"],
        "test": [*project["dependencies"], *project["optional-dependencies"]["test"]],
        "tools": (CI / "requirements" / "tools.in").read_text(encoding="utf-8").splitlines()[1:],
    }
    for name, requirements in wanted.items():
        pinned = _pinned(name)
        for requirement in map(Requirement, requirements):
            versions = [version for key, version in pinned if key == _name(requirement)]
            assert versions, f"{requirement} is not in {name}.txt: run ci/lock"
            assert all(map(requirement.specifier.contains, versions)), f"{requirement}: not {versions}: run ci/lock"
    assert _pinned("run") <= _pinned("test"), "what users run is what the tests ran"


def test_majors_whose_internals_are_used_are_capped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = {_name(wanted): wanted.specifier for wanted in map(Requirement, project["dependencies"])}
    for name, version in _pinned("run"):
        if name in ("click", "kubernetes"):
            assert not found[name].contains(f"{int(version.partition('.')[0]) + 1}.0"), name


def test_the_archive_for_krew_runs_as_a_plugin_of_kubectl_and_the_sbom_names_what_is_in_it(tmp_path: Path) -> None:
    """One test, since the scripts share one folder of tools."""
    if not package_index():
        pytest.skip("no package index can be reached here")
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = ran(CI / "zipapp", tmp_path / "one-file", env=env)
    assert done.returncode == 0, done.stderr
    done = ran(PIPELINES / "krew" / "pack", tmp_path / "out", f"linux-amd64={tmp_path / 'one-file'}", env=env)
    assert done.returncode == 0, done.stderr
    (manifest,) = list(yaml.safe_load_all((tmp_path / "out" / "harvester-preflight.yaml").read_text()))
    (platform,) = manifest["spec"]["platforms"]
    archive = tmp_path / "out" / "harvester-preflight-linux-amd64.tar.gz"
    assert ran("sha256sum", archive).stdout.split()[0] == platform["sha256"]
    unpacked = tmp_path / "plugin"
    unpacked.mkdir()
    ran("tar", "xzf", archive, "-C", unpacked)
    assert {path.name for path in unpacked.iterdir()} == {entry["from"] for entry in platform["files"]}
    home = {
        **env,
        "SHIV_ROOT": str(tmp_path / "shiv"),
        "PATH": f"{unpacked}:{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    called = (kubectl, "harvester-preflight") if (kubectl := shutil.which("kubectl")) else (unpacked / platform["bin"],)
    answer = ran(*called, "check", "--source", "demo", "-o", "name", env=home, cwd=tmp_path)
    assert answer.returncode == 3, answer.stderr
    assert answer.stdout.startswith("addon.harvesterhci.io/")
    if kubectl:
        answer = ran(*called, "check", "--source", "demo", "--select", "addon-stuck", env=home, cwd=tmp_path)
        assert "kubectl harvester-preflight fix " in answer.stdout
        assert not re.search(r"^\s*harvester-preflight ", answer.stdout, re.MULTILINE), (
            "a name that krew does not install"
        )
    done = ran(CI / "generate" / "sbom", tmp_path / "sbom.json", env=env)
    assert done.returncode == 0, done.stderr
    sbom = json.loads((tmp_path / "sbom.json").read_text())
    assert sbom["bomFormat"] == "CycloneDX"
    text = (CI / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert {entry["name"] for entry in sbom["components"]} == set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
