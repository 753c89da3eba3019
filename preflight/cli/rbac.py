"""`rbac`: the least-privilege manifest."""

from __future__ import annotations

from typing import Any

import click

from preflight import permissions
from preflight.cli.options import config_option, option, plugin_option, selection_options
from preflight.cli.output import print_text
from preflight.cli.request import request_from
from preflight.flow import all_needs, registered_checks
from preflight.rbac import Subject, manifests, read_permissions

ABSENT = "# A Role in a namespace that your cluster does not have is refused by kubectl; the rest is applied.\n"
NOTES = {
    "with_releases": "# Lists Secrets in every namespace: RBAC cannot grant their metadata alone. The tool asks for\n"
    "# metadata only, but whoever holds this account's token can read every Secret.\n",
    "with_plans": "# Lists Secrets in fleet-local, to see what a drain left on the plans of machines: metadata only, but\n"
    "# whoever holds this account's token can read what those plans say, join tokens included.\n",
    "with_kubelet": "# nodes/proxy grants more than reading: through it, commands can be run in any pod of the node.\n",
    "with_fix": "# Writes: what `fix --apply` and `rollback` may need. Bind it only while you repair.\n",
}
WRITES = {
    "with_fix": permissions.FIX,
    "with_ask_server": permissions.ASK_SERVER,
    "with_probe_nodes": permissions.PROBE_NODES,
    "with_publish": permissions.PUBLISH,
    "with_logs": permissions.LOGS,
}


@click.command()
@option("--fix", "with_fix", is_flag=True, help="Add what `fix --apply` writes.")
@option("--with-releases", is_flag=True, help="Add listing Secrets (metadata is all we ask for).")
@option("--with-plans", is_flag=True, help="Add listing the Secrets of fleet-local alone (plans of machines).")
@option("--with-kubelet", is_flag=True, help="Add nodes/proxy, to read disk space and kubelet settings.")
@option("--with-ask-server", is_flag=True, help="Add creating Upgrades, for --ask-server (a dry run).")
@option("--with-probe-nodes", is_flag=True, help="Add creating pods, for --probe-nodes.")
@option("--with-publish", is_flag=True, help="Add writing OpenReports, for --publish.")
@option("--with-logs", is_flag=True, help="Add reading the logs of pods, for `why --logs`.")
@option("--namespace", "-n", default="harvester-preflight", show_default=True, help="Where the service account lives.")
@option("--name", default="harvester-preflight", show_default=True, help="Name of the account and the roles.")
@selection_options
@config_option
@plugin_option
def rbac(**params: Any) -> None:
    """Print the least-privilege manifest, computed from what the registered checks declare.

    Read-only unless a flag adds more: harvester-preflight rbac | kubectl apply -f -
    """
    import yaml

    settings = request_from(params).settings
    needs = all_needs(registered_checks(settings), settings)
    reads = {name: bool(params[name]) for name in ("with_releases", "with_kubelet", "with_plans")}
    rows = [
        *read_permissions(needs, **reads),
        *(row for flag, granted in WRITES.items() if params[flag] for row in granted),
    ]
    documents = manifests(rows, Subject(params["name"], params["namespace"]))
    notes = "".join(text for flag, text in NOTES.items() if params[flag])
    print_text(ABSENT + notes + yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True))
