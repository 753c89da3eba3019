"""`manifests`: finished, valid, with the computed role; accepted by an API server, and honest about what it leaves open."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from preflight import __version__
from preflight.cli import cli
from preflight.cli.manifests import ABOUT
from tests.command import ROOT, preflight
from tests.kube import rules_of
from tests.kube.fixtures import any_server, kube_server, real_server  # noqa: F401
from tests.kube.planting import definition
from tests.kube.resources import DEFAULT_RESOURCES, Kind

IMAGE = f"registry.example:5000/tools/harvester-preflight@sha256:{'0' * 64}"
TASK = Kind("tekton.dev", "v1", "tasks", "Task", status=False)
BUNDLE = next(kind for kind in DEFAULT_RESOURCES if kind.resource == "bundles.fleet.cattle.io")
APPLIED = [kind for kind in ABOUT if kind not in ("helm-values", "addon")]
READS = ("--with-kubelet", "--with-plans", "--with-releases", "--with-probe-nodes")
OPTIONS = [(), *((flag,) for flag in (*READS, "--with-vcluster")), (*READS, "--with-vcluster")]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FLAGS = {"argocd": ["--expect-version"], "fleet": ["--expect-version"]}


def printed(kind: str, *more: str, image: str = IMAGE, to: str = "v1.4.1") -> list[dict[str, Any]]:
    text = in_process("manifests", kind, "--image", image, "--to", to, *more)
    return [entry for entry in yaml.load_all(text, LOADER) if entry]


@functools.cache
def in_process(*arguments: str) -> str:
    """Run a command without a process of its own, of which the combinations below would take hundreds."""
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    return done.stdout


def unpacked(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects that reach the checked cluster: a Bundle brings them as text."""
    if found[0]["kind"] != "Bundle":
        return found
    (resource,) = found[0]["spec"]["resources"]
    return [entry for entry in yaml.load_all(resource["content"], LOADER) if entry]


def pods(found: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each container with the pod that it is in."""
    for entry in found:
        if entry["kind"] in ("Job", "CronJob"):
            spec = entry["spec"]["jobTemplate"]["spec"] if entry["kind"] == "CronJob" else entry["spec"]
            pod = spec["template"]["spec"]
            yield from ((container, pod) for container in pod["containers"])
        elif entry["kind"] == "Task":
            yield from ((step, entry["spec"]) for step in entry["spec"]["steps"])


@pytest.mark.parametrize("kind", APPLIED)
@pytest.mark.parametrize("flags", OPTIONS, ids=lambda flags: "+".join(flags) or "plain")
def test_each_set_is_valid_and_has_the_role_that_rbac_prints(kind: str, flags: tuple[str, ...]) -> None:
    import kubernetes_validate

    found = unpacked(printed(kind, *flags))
    for entry in found:
        if entry["kind"] != "Task":  # no schema of Tekton's is at hand
            kubernetes_validate.validate(entry, "1.27", strict=True)
    asked = (flag for flag in flags if flag != "--with-vcluster")
    wanted = rules_of(yaml.load_all(in_process("rbac", *asked), LOADER))
    optional = {rule for rule in wanted if rule[3:4] == ("rancher-vcluster",)}
    assert optional
    assert rules_of(found) == (wanted if "--with-vcluster" in flags else wanted - optional)
    accounts = {(e["metadata"]["name"], e["metadata"]["namespace"]) for e in found if e["kind"] == "ServiceAccount"}
    bound = [subject for entry in found for subject in entry.get("subjects", ())]
    assert {(subject["name"], subject["namespace"]) for subject in bound} == accounts
    assert len(accounts) == 1


@pytest.mark.parametrize("kind", APPLIED)
def test_image_target_and_configuration_are_filled_in(kind: str, tmp_path: Path) -> None:
    config = tmp_path / "waivers.yaml"
    config.write_text("thresholds: {clock-skew: {}}\n")
    found = unpacked(printed(kind, "--config", str(config), "-n", "gates", "--name", "gate", "--with-probe-nodes"))
    ((container, pod),) = pods(found)
    (config_map,) = [entry for entry in found if entry["kind"] == "ConfigMap"]
    (account,) = [entry["metadata"] for entry in found if entry["kind"] == "ServiceAccount"]
    assert config_map["data"] == {".harvester-preflight.yaml": config.read_text()}
    assert {volume["configMap"]["name"] for volume in pod["volumes"]} == {config_map["metadata"]["name"]}
    assert account["namespace"] == config_map["metadata"]["namespace"] == "gates"
    assert account["name"].startswith("gate")
    if kind == "tekton":
        defaults = {param["name"]: param["default"] for param in pod["params"]}
        assert (defaults["image"], defaults["target"], defaults["flags"]) == (IMAGE, "v1.4.1", "--probe-nodes")
        return
    assert container["image"] == IMAGE
    assert container["args"][:3] == ["check", "--to", "v1.4.1"]
    assert container["args"][-1] == "--probe-nodes"
    assert [flag for flag in container["args"] if flag == "--expect-version"] == FLAGS.get(kind, [])
    assert pod["serviceAccountName"] == account["name"]


def test_each_target_has_a_job_of_its_own() -> None:
    """The template of a Job cannot be changed: under one name the second target would be refused."""
    names = {entry["metadata"]["name"] for to in ("v1.4.1", "v1.5.0") for entry in printed("job", to=to)[-1:]}
    assert names == {"harvester-preflight-v1-4-1", "harvester-preflight-v1-5-0"}


def test_only_what_runs_by_the_clock_may_choose_its_target_and_publish() -> None:
    for kind in ABOUT:
        for more in ((), ("--to", "v1.4.1", "--with-publish")):
            done = preflight("manifests", kind, "--image", IMAGE, *more)
            assert done.returncode == (0 if kind in ("cronjob", "addon", "helm-values") else 2), kind
    ((container, _),) = pods(printed("cronjob", "--with-publish"))
    assert "--publish" in container["args"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("registry.example/x", "give registry.example/x@sha256:DIGEST or registry.example/x:TAG"),
        ("registry.example:5000/x", "says not which one"),
        ("Registry/X:1", "not an image"),
        ("x@sha256:0", "not an image"),
        ("x:1\n  evil: true", "not an image"),
        ("", "not an image"),
    ],
)
def test_an_image_that_is_none_or_any_is_refused(image: str, words: str) -> None:
    done = preflight("manifests", "job", "--image", image, "--to", "v1.4.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_tag_is_taken_and_a_digest_advised() -> None:
    done = preflight("manifests", "job", "--image", "registry.example/x:v1", "--to", "v1.4.1")
    assert done.returncode == 0
    assert "pin it with @sha256:DIGEST" in done.stderr


@pytest.mark.parametrize("target", ["1.4.1; rm -rf /", "latest"])
def test_a_target_that_is_none_is_refused(target: str) -> None:
    done = preflight("manifests", "job", "--image", IMAGE, "--to", target)
    assert (done.returncode, done.stdout) == (2, "")


def test_nothing_that_is_applied_names_a_placeholder() -> None:
    """Every image under ci/pipelines is the one that the release workflow pushes, by this version's tag."""
    released = f"ghcr.io/harvester/harvester-preflight:v{__version__}"
    named: list[str] = []
    for path in sorted((ROOT / "ci" / "pipelines").rglob("*.y*ml")):
        text = path.read_text(encoding="utf-8")
        assert ":latest" not in text, path
        named += re.findall(r"(?:image|default|IMAGE): (\S*harvester-preflight[:@]\S+)", text)
        for name, tag in re.findall(r"- name: (\S*/harvester-preflight)\b.*\n\s+newTag: (\S+)", text):
            named.append(f"{name}:{tag}")
    assert len(named) > 5
    assert set(named) == {released}


# -- applied ---------------------------------------------------------------------------------------------------------


def kubectl(config: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    if not shutil.which("kubectl"):
        pytest.skip("no kubectl here: ci/kubectl-helm fetches one")
    command = ["kubectl", "--kubeconfig", str(config), *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("kind", [*APPLIED, "addon"])
def test_an_api_server_accepts_each_set(kind: str, any_server: Any, tmp_path: Path) -> None:  # noqa: F811
    """A dry run on the server, and then in earnest, by the kubectl that a reader has."""
    flags = [*READS, "--with-vcluster", *(["--with-publish"] if kind == "cronjob" else [])]
    text = preflight("manifests", kind, "--image", IMAGE, "--to", "v1.4.1", *flags).stdout
    objects = [entry for entry in yaml.safe_load_all(text) if entry]
    fake = {"resources": (*DEFAULT_RESOURCES, TASK), "tls": True} if _is_fake(any_server) else {}
    wanted = {name for entry in (*objects, *unpacked(objects)) if (name := entry["metadata"].get("namespace"))}
    there = [] if fake else ["default", "kube-system"]
    spaces = [namespace(name) for name in sorted(wanted) if name not in there]
    server = any_server(spaces, **fake)
    config = server.kubeconfig(tmp_path)
    if not fake:
        _serve(config, {"fleet": BUNDLE, "tekton": TASK}.get(kind))
    checked = () if not fake else ("--validate=false",)  # the stand-in publishes no OpenAPI document
    try:
        for more in (["--dry-run=server"], []):
            done = kubectl(config, "apply", *checked, *more, "-f", "-", stdin=text)
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.splitlines()) == len(objects)
            assert _roles(server) == (set() if more or kind in ("fleet", "addon") else {_name(objects)})
    finally:  # a real server goes on; a namespace cannot be deleted there
        left = [entry for entry in objects if entry["kind"] != "Namespace"]
        kubectl(config, "delete", "--wait=false", "--ignore-not-found", "-f", "-", stdin=yaml.safe_dump_all(left))


def _roles(server: Any) -> set[str]:
    stored = server.objects("clusterroles", "rbac.authorization.k8s.io")
    return {name for role in stored if (name := role["metadata"]["name"]).startswith("harvester-preflight")}


def _name(objects: list[dict[str, Any]]) -> str:
    (name,) = [entry["metadata"]["name"] for entry in objects if entry["kind"] == "ServiceAccount"]
    return str(name)


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _is_fake(start: Any) -> bool:
    return bool(start.__qualname__.startswith("kube_server"))


def _serve(config: Path, kind: Kind | None) -> None:
    if kind is None:
        return
    done = kubectl(config, "apply", "-f", "-", stdin=yaml.safe_dump(definition(kind)))
    assert done.returncode == 0, done.stderr
    done = kubectl(config, "wait", "--for=condition=Established", f"crd/{kind.resource}", "--timeout=60s")
    assert done.returncode == 0, done.stderr
    served = ("get", "--raw", f"/apis/{kind.api_version}")
    assert any(kind.plural in kubectl(config, *served).stdout for _ in range(60)), f"{kind.resource} is not served"
