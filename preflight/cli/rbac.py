"""`rbac`: the least-privilege manifest."""

from __future__ import annotations

from typing import Any

import click

from preflight.cli.options import config_option, option, plugin_option, selection_options, settings_from
from preflight.cli.output import print_text
from preflight.flow import all_needs, registered_checks
from preflight.rbac import Permission, Subject, manifests, read_permissions

ABSENT = "# A Role in a namespace that your cluster does not have is refused by kubectl; the rest is applied.\n"
NOTES = {
    "with_releases": "# Lists Secrets in every namespace: RBAC cannot grant their metadata alone. The tool asks for\n"
    "# metadata only, but whoever holds this account's token can read every Secret.\n",
    "with_kubelet": "# nodes/proxy grants more than reading: through it, commands can be run in any pod of the node.\n",
    "with_fix": "# Writes: what `fix --apply` and `rollback` may need. Bind it only while you repair.\n",
}


@click.command()
@option("--fix", "with_fix", is_flag=True, help="Add what `fix --apply` writes.")
@option("--with-releases", is_flag=True, help="Add listing Secrets, to see Helm releases (metadata is all we ask for).")
@option("--with-kubelet", is_flag=True, help="Add nodes/proxy, to read disk space and kubelet settings.")
@option("--with-ask-server", is_flag=True, help="Add creating Upgrades, for --ask-server (a dry run).")
@option("--with-probe-nodes", is_flag=True, help="Add creating pods, for --probe-nodes.")
@option("--with-publish", is_flag=True, help="Add writing OpenReports, for --publish.")
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

    settings = settings_from(params)
    needs = all_needs(registered_checks(settings), settings)
    permissions = [
        *read_permissions(needs, with_releases=params["with_releases"], with_kubelet=params["with_kubelet"]),
        *_writes(params),
    ]
    documents = manifests(permissions, Subject(params["name"], params["namespace"]))
    notes = "".join(text for flag, text in NOTES.items() if params[flag])
    print_text(ABSENT + notes + yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True))


def _writes(params: dict[str, Any]) -> list[Permission]:
    from preflight import permissions as optional

    return [
        *(optional.FIX if params["with_fix"] else ()),
        *(optional.ASK_SERVER if params["with_ask_server"] else ()),
        *(optional.PROBE_NODES if params["with_probe_nodes"] else ()),
        *(optional.PUBLISH if params["with_publish"] else ()),
    ]
