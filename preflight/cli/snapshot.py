"""`snapshot`: save what the checks read, scrubbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from preflight.cli import say
from preflight.cli.grouped import Grouped
from preflight.cli.options import (
    config_option,
    connection_options,
    option,
    plugin_option,
    quiet_option,
    selection_options,
    source_options,
    verbose_option,
)
from preflight.cli.progress import Progress
from preflight.cli.reading import reader_for
from preflight.cli.request import request_from
from preflight.errors import ExitCode, PreflightError, UsageError
from preflight.flow import all_needs, registered_checks
from preflight.pair import no_version, version_pair
from preflight.values.foreign_text import visible
from preflight.values.secrets import without_secrets


@click.command(cls=Grouped)
@option(
    "--output",
    "-o",
    "target",
    required=True,
    envvar=None,  # in the environment and the configuration file, `output` is the format of a report
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where.",
)
@source_options
@selection_options
@config_option
@plugin_option
@connection_options
@quiet_option
@verbose_option
@click.pass_context
def snapshot(ctx: click.Context, /, target: Path, **params: Any) -> None:
    """Save what the checks read, scrubbed of secrets, for `check --source FILE` on another machine.

    The file is JSON, readable by its owner only. Exit 4 when something could not be read that a check cannot do without
    (the file says what).
    """
    from preflight.remediation.needs import with_repairs
    from preflight.sources.saved.snapshot import write

    request = request_from(params)
    settings = request.settings
    progress = Progress(quiet=request.output.quiet, doing=f"reading {settings.source}")
    needs = with_repairs(all_needs(registered_checks(settings), settings))
    try:
        inventory = reader_for(request, progress)(needs)
    finally:
        progress.done()
    if wrong := no_version(inventory, settings.from_version, settings.to_version):
        raise UsageError(wrong)
    try:
        write(inventory, needs, target)
    except OSError as error:
        raise PreflightError(f"could not write {target}: {error.strerror or error}") from None
    pair, _ = version_pair(inventory, settings.from_version, settings.to_version)
    objects = sum(len(entry.objects) for entry in inventory.entries.values())
    whys = {name: filter(None, (entry.missing, *entry.gaps)) for name, entry in inventory.entries.items()}
    unread = {name: why for name, reasons in whys.items() if (why := "; ".join(map(str, reasons)))}
    say(f"{visible(str(target))}: {objects} objects, running version {pair.from_version or 'not known'}")
    for name, why in sorted(unread.items()):
        say(f"  not read: {name}: {visible(without_secrets(why))}")
    needed = {need.resource.name for need in needs if not need.optional}
    ctx.exit(ExitCode.UNDECIDED if needed & unread.keys() else ExitCode.READY)
