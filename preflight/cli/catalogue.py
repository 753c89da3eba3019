"""`list`: what checks there are."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from preflight.check import Check
from preflight.cli.naming import called_as
from preflight.cli.options import config_option, output_option, plugin_option
from preflight.cli.output import print_text
from preflight.cli.request import request_from
from preflight.cli.terminal import is_terminal, style_for
from preflight.flow import registered_checks
from preflight.resources import How

EVERY_UPGRADE = "every upgrade"
VIA = {
    How.LIST: "API",
    How.KUBELET: "kubelet",
    How.TLS: "TLS handshake",
    How.NODE: "node",
    How.ASK: "dry run",
}


@click.command("list")
@output_option("table", "json", "yaml", "name")
@config_option
@plugin_option
def list_checks(**params: Any) -> None:
    """List the registered checks: id, title, versions, who enforces them, what they read."""
    request = request_from(params)
    checks = registered_checks(request.settings)
    match request.output.format:
        case "json":
            print_text(json.dumps({"checks": [check_dict(check) for check in checks]}, indent=2))
        case "yaml":
            import yaml

            print_text(yaml.safe_dump({"checks": [check_dict(check) for check in checks]}, sort_keys=False))
        case "name":
            print_text("\n".join(name for check in checks for name in (check.id, *check.aliases)))
        case _:
            fits = is_terminal(sys.stdout) or "COLUMNS" in os.environ
            print_text(_table(checks, style_for(sys.stdout, "never", verbose=0, quiet=False).width if fits else 0))


def check_dict(check: Check) -> dict[str, Any]:
    """Describe a check as data, for `list -o json` and the generated tables."""
    return {
        "id": check.id,
        "aliases": list(check.aliases),
        "title": check.title,
        "category": check.category,
        "worst": check.worst.value,
        "from": check.from_versions or None,
        "to": check.to_versions or None,
        "enforcedBy": [enforcer.value for enforcer in check.enforced_by],
        "reads": [
            {
                "resource": need.resource.name,
                "apiVersion": need.resource.api_version,
                "via": VIA[need.resource.how],
                "optional": need.optional,
            }
            for need in check.needs
        ],
        "options": {
            name: {"default": option.default, "description": option.description}
            for name, option in check.options.items()
        },
        "causes": dict(check.causes),
        "waivedBy": check.waived_by or None,
        "tags": list(check.tags),
        "docs": check.docs,
        "links": list(check.links),
        "package": check.origin,
        "broken": check.broken or None,
    }


def _table(checks: tuple[Check, ...], width: int = 0) -> str:
    """Write a row for each check. Where that is wider than `width` (0: as wide as it gets), the versions follow the title,
    which is wrapped, and the categories are headings."""
    from tabulate import tabulate

    rows = []
    for check in checks:
        names = check.id + "".join(f"\n  = {alias}" for alias in check.aliases)
        title = check.title if not check.broken else f"CANNOT BE LOADED: {check.broken}"
        rows.append([names, check.category, check.worst.value, versions_of(check), title])
    headers = ["ID", "CATEGORY", "WORST", "APPLIES TO", "TITLE (the healthy state)"]
    table = tabulate(rows, headers=headers, tablefmt="plain")
    if width and max(map(len, table.splitlines())) > width:
        table = tabulate(_narrow(rows, width), headers=[headers[0], headers[2], headers[4]], tablefmt="plain")
    return f"{table}\n\n{len(checks)} checks. More on one: {called_as()} explain ID"


def _narrow(rows: list[list[str]], width: int) -> Iterator[list[str]]:
    room = max(20, width - max(len(line) for row in rows for line in row[0].split("\n")) - 13)
    category = ""
    for names, group, worst, versions, title in rows:
        if group != category:
            yield [f"[{group}]", "", ""]
            category = group
        limited = title + (f" ({versions})" if versions != EVERY_UPGRADE else "")
        yield [names, worst, "\n".join(textwrap.wrap(limited, room))]


def versions_of(check: Check) -> str:
    """Say in one phrase to which upgrades a check applies."""
    parts = [
        f"{word} {ranges}" for word, ranges in (("from", check.from_versions), ("to", check.to_versions)) if ranges
    ]
    return ", ".join(parts) or EVERY_UPGRADE
