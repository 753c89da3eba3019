"""`manifests`: finished manifests for the ways to run the check in or beside a cluster."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from preflight import permissions
from preflight.check import Need
from preflight.cli import say
from preflight.cli.options import config_option, option, plugin_option
from preflight.cli.output import print_text
from preflight.cli.rbac import NOTES
from preflight.cli.request import Request, request_from
from preflight.errors import UsageError
from preflight.flow import all_needs, knowledge_in_use, registered_checks
from preflight.manifests import gates, pods
from preflight.manifests.pods import JsonObject
from preflight.manifests.setup import DEFAULT_CONFIG, OPTIONAL_NAMESPACES, Setup, image_of, release_of
from preflight.manifests.tekton import tekton
from preflight.manifests.undecided import left_undecided, possible_pairs
from preflight.manifests.values import CHART, addon, helm_values
from preflight.rbac import Permission, Subject, read_permissions

PARTS = {
    "kubelet": "with_kubelet",
    "plans": "with_plans",
    "releases": "with_releases",
    "probeNodes": "with_probe_nodes",
    "vcluster": "with_vcluster",
}
"""The chart's word for each opt-in."""
VERDICTS = "Exit codes: 0 ready, 1 the tool failed, 2 usage or configuration, 3 blocked, 4 undecided."
ABOUT = {
    "job": "One check. The Job completes when the cluster is ready and fails at once otherwise; its log is the report. To "
    "ask again, delete it first.",
    "cronjob": "A check every hour. A verdict is no failure (--fail-on never): it is in the log, and in the published "
    "reports with --with-publish.",
    "argocd": "A PreSync hook: put it into the Application whose commit brings the Version or the Upgrade. The sync stops "
    "unless the cluster is ready; the namespace must exist (syncOptions: [CreateNamespace=true]).",
    "fleet": "A Bundle for the management cluster: it is Ready once the cluster is. Let the bundle with the Version or the "
    "Upgrade depend on it: dependsOn: [{name: %(name)s}]. To ask again, delete the Job.",
    "tekton": "A Task and its account: name the account as serviceAccountName of the TaskRun. Results are written before "
    "the step fails.",
    "addon": "An Addon of Harvester that installs the chart; enable it in the UI, or set spec.enabled. The check runs "
    "by the clock; read its last log: kubectl -n %(namespace)s logs -l app.kubernetes.io/name=harvester-preflight",
    "helm-values": "Values for the chart: helm install %(name)s CHART -n %(namespace)s --create-namespace -f FILE",
}
SUFFIX = {"argocd": "-presync", "fleet": "-gate"}
"""Accounts of their own: hooks and releases are deleted and made anew, and nothing else may lose its role by that."""
CHOOSES = ("cronjob", "addon", "helm-values")
"""What may leave the target to each run."""
UNDECIDED = {
    "--with-kubelet": "--with-kubelet",
    "--with-plans": "--with-plans",
    "--with-probe-nodes": "--with-probe-nodes, or an attestation in --config",
}


@click.command()
@click.argument("kind", type=click.Choice(list(ABOUT)))
@option("--image", required=True, metavar="IMAGE", help="The image to run: REGISTRY/NAME@sha256:DIGEST, or with a tag.")
@option("--to", "to_version", metavar="VERSION", help="Target version; cronjob, addon and helm-values can go without.")
@option("--with-kubelet", is_flag=True, help="Add nodes/proxy, to read disk space and kubelet settings.")
@option("--with-plans", is_flag=True, help="Add listing the Secrets of fleet-local alone (plans of machines).")
@option("--with-releases", is_flag=True, help="Add listing Secrets everywhere (metadata is all we ask for).")
@option("--with-probe-nodes", is_flag=True, help="Look at what only a node shows, by short-lived pods.")
@option("--with-publish", is_flag=True, help="Publish OpenReports (cronjob, addon and helm-values).")
@option("--with-vcluster", is_flag=True, help="Add the role in namespace rancher-vcluster, which must be there.")
@option("--chart", metavar="ADDRESS", default=CHART, show_default=True, help="Where an addon takes the chart from.")
@option("--schedule", metavar="CRON", default="17 * * * *", show_default=True, help="When the cronjob runs.")
@option("--namespace", "-n", default="harvester-preflight", show_default=True, help="Where it runs.")
@option("--name", default="harvester-preflight", show_default=True, help="Name of the account, the roles and the job.")
@config_option
@plugin_option
def manifests(kind: str, **params: Any) -> None:
    """Print finished manifests: a job, a cronjob, a gate for argocd, fleet or tekton, an addon, chart values.

    Image and target are filled in, the role is computed from the checks as `rbac` does, and the file given with --config
    goes along: harvester-preflight manifests job --image REGISTRY/NAME@sha256:DIGEST --to v1.4.1 | kubectl apply -f -
    """
    request = request_from(params)
    image = image_of(params["image"])
    target = release_of(request.settings.to_version) if request.settings.to_version else ""
    if not target and kind not in CHOOSES:
        raise UsageError(f"manifests {kind} holds up an upgrade to one version: give --to, such as --to v1.4.1")
    wanted = OptIns({word: bool(params[name]) for word, name in PARTS.items()}, bool(params["with_publish"]))
    if wanted.publish and kind not in CHOOSES:
        raise UsageError(f"--with-publish: a gate publishes nothing; leave it out, or print a cronjob besides {kind}")
    checks = registered_checks(request.settings)
    setup = Setup(
        image=str(image),
        to=target,
        permissions=_permissions(all_needs(checks, request.settings), wanted),
        flags=("--probe-nodes",) * wanted.parts["probeNodes"],
        config=_config_text(request),
        subject=Subject(params["name"] + SUFFIX.get(kind, ""), params["namespace"]),
        schedule=params["schedule"],
        publish=wanted.publish,
    )
    pairs = possible_pairs(knowledge_in_use(request.settings), target)
    if not image.digest:
        say(f"{image}: a tag can be moved to another image; pin it with @sha256:DIGEST")
    lines = [*_about(kind, setup), *wanted.notes(), *_undecided(left_undecided(checks, pairs, wanted.flags()))]
    values = helm_values(setup, image, dict(wanted.parts))
    match kind:
        case "helm-values":
            documents: Sequence[Any] = [values]
        case "addon":
            documents = addon(setup, _chart(params["chart"]), as_yaml([values]).removeprefix("---\n"))
        case _:
            documents = _objects(kind, setup)
    print_text("".join(f"# {line}\n" for line in lines) + as_yaml(documents))


@dataclass(frozen=True, slots=True)
class OptIns:
    """What was opted in to."""

    parts: Mapping[str, bool]
    """By the chart's word."""
    publish: bool

    def flags(self) -> list[str]:
        """Return the flags that were given."""
        return [f"--{PARTS[word].replace('_', '-')}" for word, given in self.parts.items() if given]

    def notes(self) -> list[str]:
        """Say what an opt-in grants beyond what it is for, as `rbac` does."""
        texts = (NOTES.get(PARTS[word], "") for word, given in self.parts.items() if given)
        return [line.removeprefix("# ") for text in texts for line in text.splitlines()]


def _chart(address: str) -> str:
    if not re.fullmatch(r"oci://\S+", address):
        raise UsageError(f"--chart {address}: give its address in an OCI registry, such as {CHART}")
    return address


def _permissions(needs: Sequence[Need], wanted: OptIns) -> tuple[Permission, ...]:
    reads = read_permissions(
        needs,
        with_releases=wanted.parts["releases"],
        with_kubelet=wanted.parts["kubelet"],
        with_plans=wanted.parts["plans"],
    )
    left_out = () if wanted.parts["vcluster"] else OPTIONAL_NAMESPACES
    return (
        *(row for row in reads if row.namespace not in left_out),
        *(permissions.PROBE_NODES if wanted.parts["probeNodes"] else ()),
        *(permissions.PUBLISH if wanted.publish else ()),
    )


def _config_text(request: Request) -> str:
    """Return the text of the file that was named; one that was only found says nothing about a cluster's own runs."""
    config = request.settings.config
    if not config.path or config.found:
        return DEFAULT_CONFIG
    return Path(config.path).read_text(encoding="utf-8-sig")


def _objects(kind: str, setup: Setup) -> Sequence[JsonObject]:
    match kind:
        case "job":
            return [*pods.account(setup), pods.config_map(setup), pods.job(setup)]
        case "cronjob":
            return [*pods.account(setup), pods.config_map(setup), pods.cronjob(setup)]
        case "argocd":
            return gates.argocd(setup)
        case "fleet":
            return gates.fleet(setup, as_yaml(gates.fleet_objects(setup)))
        case _:
            return tekton(setup)


def _about(kind: str, setup: Setup) -> list[str]:
    place = {"name": setup.subject.name, "namespace": setup.subject.namespace}
    return [*textwrap.wrap(ABOUT[kind] % place, 118), VERDICTS]


def _undecided(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Name what keeps a healthy cluster from READY, with the flag that settles it."""
    if not found:
        return []
    rows = [f"  {', '.join(names)}: {UNDECIDED[flag]}" for flag, names in found.items()]
    wrapped = (line for row in rows for line in textwrap.wrap(row, 118, subsequent_indent="    "))
    return ["Undecided on some clusters or on all, so that a healthy one is not READY, without:", *wrapped]


def as_yaml(documents: Sequence[Any]) -> str:
    """Write documents without aliases, long texts as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    plain = json.loads(json.dumps(list(documents)))
    return yaml.dump_all(plain, Dumper=Dumper, sort_keys=False, explicit_start=True, width=120)
