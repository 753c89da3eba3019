"""`explain`: what one check knows, in the language that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from preflight.check import Check
from preflight.cli import completing
from preflight.cli.catalogue import VIA, versions_of
from preflight.cli.language import LANGUAGES, cells, filled, translator
from preflight.cli.options import config_option, option, plugin_option
from preflight.cli.output import print_text
from preflight.cli.request import request_from
from preflight.cli.terminal import style_for
from preflight.errors import UsageError
from preflight.flow import registered_checks
from preflight.selection import SEE, is_named, names_of
from preflight.values.docs_links import docs_of
from preflight.values.names import is_meant, perhaps, split_names
from preflight.values.versions import HarvesterVersion, parse_version


@click.command()
@click.argument("names", metavar="CHECK...", nargs=-1, required=True, shell_complete=completing.check_names)
@option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default=LANGUAGES[0],
    show_default=True,
    help="Language of the texts; what has no translation is in English.",
)
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
    words = translator(params["lang"])
    texts = ("\n".join(_explanation(check, cause, width, target, words)) for (_, cause), check in meant.items())
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


def _explanation(
    check: Check, cause: str, width: int, target: HarvesterVersion | None, words: Callable[[str], str]
) -> Iterator[str]:
    yield from filled(f"{check.id}: {words(check.title)}", width, "", "  ")
    yield ""
    yield from _facts(check, width, words)
    for heading, text in (("WHY IT MATTERS", check.why), ("HOW IT COMES ABOUT", check.how), ("HOW TO FIX", check.fix)):
        yield ""
        yield words(heading)
        yield from filled(words(text), width)
    causes = {cause: check.causes[cause]} if cause else check.causes
    if causes:
        yield ""
        yield words("CAUSES")
        for name, text in causes.items():
            yield f"  {name}"
            yield from filled(words(text), width, "      ")
    if check.options:
        yield ""
        yield "OPTIONS (configuration file, under thresholds." + check.id + ")"
        for name, option in check.options.items():
            yield from filled(f"{name} = {option.default!r}: {option.description}", width)
    yield ""
    yield words("READS")
    for need in check.needs:
        optional = ", optional" if need.optional else ""
        yield f"  {need.resource.name} ({need.resource.api_version}, {VIA[need.resource.how]}{optional})"
    yield ""
    yield words("MORE")
    for link in (check.docs, *check.links):
        if link:
            yield f"  {docs_of(link, target)}"


def _facts(check: Check, width: int, words: Callable[[str], str]) -> Iterator[str]:
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
            label = f"{words(word)}:"
            yield from filled(f"{label}{' ' * max(1, 17 - cells(label))}{text}", width, "  ", " " * 19)
