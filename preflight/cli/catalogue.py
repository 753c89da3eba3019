"""`list` and `explain`: what checks there are and what they know."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import click

from preflight.check import Check
from preflight.cli import completing
from preflight.cli.options import config_option, option, output_option, plugin_option
from preflight.cli.output import print_text
from preflight.cli.request import request_from
from preflight.cli.terminal import is_terminal, style_for
from preflight.errors import UsageError
from preflight.flow import registered_checks
from preflight.resources import How
from preflight.selection import SEE, is_named, names_of
from preflight.values.docs_links import docs_of
from preflight.values.names import is_meant, perhaps, split_names
from preflight.values.versions import HarvesterVersion, parse_version

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
    return f"{table}\n\n{len(checks)} checks. More on one: harvester-preflight explain ID"


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


@click.command()
@click.argument("names", metavar="CHECK...", nargs=-1, required=True, shell_complete=completing.check_names)
@option("--to", "to_version", metavar="VERSION", help="The target version, whose documentation is linked to.")
@config_option
@plugin_option
def explain(names: tuple[str, ...], **params: Any) -> None:
    """Say why CHECK (or CHECK/CAUSE) blocks an upgrade, how it comes about, how to fix it, and what it reads.

    Several are taken, also as a,b or as a pattern such as 'longhorn-*'.
    """
    settings = request_from(params).settings
    checks = registered_checks(settings)
    target = parse_version(settings.to_version) if settings.to_version.strip() else None
    width = min(style_for(sys.stdout, "never", verbose=0, quiet=False).width, 110)
    meant = {(check.id, cause): check for name in split_names(names) for check, cause in _meant(name, checks)}
    texts = ("\n".join(_explanation(check, cause, width, target)) for (_, cause), check in meant.items())
    print_text("\n\n\n".join(texts))


def _meant(name: str, checks: Sequence[Check]) -> Iterator[tuple[Check, str]]:
    """Yield the checks that CHECK or CHECK/CAUSE means, each with the cause. Raises UsageError when there is none."""
    wanted, _, cause = name.partition("/")
    found = [check for check in checks if is_named(check, wanted)]
    if not found:
        raise UsageError(f"no check is called {wanted!r}{perhaps(wanted, names_of(checks), SEE)}")
    if not cause:
        yield from ((check, "") for check in found)
        return
    causes = [(check, one) for check in found for one in check.causes if is_meant(one, cause)]
    if not causes:
        known = [one for check in found for one in check.causes]
        names = ", ".join(check.id for check in found)
        raise UsageError(
            f"{names} has no cause {cause!r}{perhaps(cause, known)} (it has: {', '.join(known) or 'none'})"
        )
    yield from causes


def _explanation(check: Check, cause: str, width: int, target: HarvesterVersion | None) -> Iterator[str]:
    yield f"{check.id}: {check.title}"
    yield ""
    yield from _facts(check, width)
    for heading, text in (("WHY IT MATTERS", check.why), ("HOW IT COMES ABOUT", check.how), ("HOW TO FIX", check.fix)):
        yield ""
        yield heading
        yield from _filled(text, width)
    causes = {cause: check.causes[cause]} if cause else check.causes
    if causes:
        yield ""
        yield "CAUSES"
        for name, text in causes.items():
            yield f"  {name}"
            yield from _filled(text, width, "      ")
    if check.options:
        yield ""
        yield "OPTIONS (configuration file, under thresholds." + check.id + ")"
        for name, option in check.options.items():
            yield from _filled(f"{name} = {option.default!r}: {option.description}", width)
    yield ""
    yield "READS"
    for need in check.needs:
        optional = ", optional" if need.optional else ""
        yield f"  {need.resource.name} ({need.resource.api_version}, {VIA[need.resource.how]}{optional})"
    yield ""
    yield "MORE"
    for link in (check.docs, *check.links):
        if link:
            yield f"  {docs_of(link, target)}"


def _facts(check: Check, width: int) -> Iterator[str]:
    facts = [
        ("Category", check.category),
        ("Applies to", versions_of(check)),
        ("Worst finding", check.worst.value),
        ("Enforced by", ", ".join(enforcer.value for enforcer in check.enforced_by)),
        ("Other names", ", ".join(check.aliases)),
        ("Server's waiver", check.waived_by and f"annotation {check.waived_by} (named here, never set by this tool)"),
        ("Package", check.origin),
    ]
    for word, text in facts:
        if text:
            yield from _filled(f"{word + ':':17}{text}", width, "  ", " " * 19)


def _filled(text: str, width: int, indent: str = "  ", rest: str = "") -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(
            paragraph,
            width,
            initial_indent=indent,
            subsequent_indent=rest or indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return lines
