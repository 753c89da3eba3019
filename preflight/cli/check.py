"""`check`: the main job."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from preflight.cli import completing, say
from preflight.cli.grouped import Grouped
from preflight.cli.options import (
    colour_option,
    config_option,
    connection_options,
    duration_value,
    option,
    plugin_option,
    quiet_option,
    selection_options,
    source_options,
    stacked,
    verbose_option,
)
from preflight.cli.output import deliver
from preflight.cli.progress import Progress, tell_elapsed
from preflight.cli.reading import later_for, reader_for
from preflight.cli.request import Request, request_from
from preflight.cli.unreadable import undecided, unread_source
from preflight.cli.watching import check_watch, substance_of, watch
from preflight.errors import ExitCode, SourceError, UsageError
from preflight.flow import Examination, examine, examine_unreadable, registered_checks
from preflight.model import Via
from preflight.render import RENDERERS
from preflight.report import FAIL_ON, report_dict
from preflight.report_types import Document, ReportDocument, ReportListDocument
from preflight.selection import by_id

output_options = stacked(
    option(
        "--output",
        "-o",
        type=click.Choice(list(RENDERERS)),
        default="table",
        show_default=True,
        metavar="FORMAT",
        help=f"One of {', '.join(RENDERERS)}.",
    ),
    option("--report", "reports", multiple=True, metavar="FORMAT=PATH", help="Also write this format; repeatable."),
    option(
        "--fail-on",
        type=click.Choice(FAIL_ON),
        default="fail",
        show_default=True,
        help="From which severity on a finding blocks; never: exit 0 whatever the verdict.",
    ),
    option(
        "--show",
        multiple=True,
        metavar="CHECK[:OBJECT]",
        shell_complete=completing.check_names,
        help="Write this entry of the table out: times, measurements, links; repeatable.",
    ),
    option(
        "--watch",
        type=duration_value,
        is_flag=False,
        flag_value="30s",
        default=None,
        metavar="[SECONDS]",
        help="Look again and again (every 30 s) until Ctrl-C: redraw the terminal; in a log, tell what changed.",
    ),
    option(
        "--baseline",
        metavar="FILE",
        shell_complete=completing.files,
        help="A saved JSON report: only what is new or worse than it decides.",
    ),
)

cluster_options = stacked(
    option(
        "--all-contexts",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[REGEX]",
        help="Every context of the kubeconfig (that matches), one combined report.",
    ),
)


@click.command(cls=Grouped)
@source_options
@output_options
@selection_options
@option(
    "--remediate",
    multiple=True,
    is_flag=False,
    flag_value="all",
    metavar="[CHECK]",
    shell_complete=completing.check_names,
    help="Repair what is safe to repair unasked (of this check; repeatable), check again, exit with that verdict.",
)
@option(
    "--backup-dir",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="With --remediate: folder for the saved objects and the journal (default: harvester-preflight-TIME here).",
)
@option(
    "--via",
    type=click.Choice([way.value for way in Via]),
    default=Via.UPGRADE.value,
    show_default=True,
    help="What is to be created: the built-in Upgrade, or an UpgradePlan of Addon harvester-upgrade-manager.",
)
@option(
    "--expect-version",
    is_flag=True,
    help="The Version object of the target arrives after this check, as in a GitOps commit: it need not be there yet.",
)
@option("--wait", type=duration_value, metavar="DURATION", help="Wait this long for transient findings to pass.")
@option("--ask-server", is_flag=True, help="Create the Upgrade as a dry run and report what the server's webhook says.")
@option("--probe-nodes", is_flag=True, help="Ask each node by a short-lived, read-only pod what the API does not show.")
@option("--probe-image", metavar="IMAGE", help="Image for the probes (default: one that is on the node already).")
@option("--publish", is_flag=True, help="Write the report into its cluster as OpenReports objects, replacing the last.")
@config_option
@plugin_option
@connection_options
@cluster_options
@colour_option
@quiet_option
@verbose_option
@click.pass_context
def check(ctx: click.Context, /, **params: Any) -> None:
    """Read the cluster or a file once, run the checks, print one report, exit with the verdict.

    Exit codes: 0 ready, 3 blocked, 4 undecided (something could not be determined), 2 usage, 1 the tool failed,
    5 --remediate did not work out.
    """
    began = time.monotonic()
    request = _shown(request_from(params))
    _publishable(request)
    check_watch(request)
    if request.settings.expect_version and request.settings.ask_server:
        raise UsageError("--ask-server asks about an Upgrade whose Version is there; leave out --expect-version")
    baseline = _baseline(request.baseline)
    give = partial(deliver, output=request.output, checks=partial(registered_checks, request.settings))
    if request.output.watch is not None:
        ctx.exit(watch(partial(look, request, baseline), give, request, substance=substance_of))
    document, code = look(request, baseline)
    give(document)
    if request.output.publish:
        _publish(document, request)
    tell_elapsed(time.monotonic() - began, verbose=request.output.verbose, quiet=request.output.quiet, say=say)
    ctx.exit(code)


def look(request: Request, baseline: ReportDocument | None) -> tuple[Document, int]:
    """Examine what was asked for, and return the report (or list of reports) with its exit code."""
    document, failed = (_many(request), False) if _several(request) else _one(request)
    return document, ExitCode.NOT_REPAIRED if failed else _code(document, baseline, request.settings.fail_on)


def _shown(request: Request) -> Request:
    """Write --show with the ids of checks. Raises UsageError for what no check is called."""
    output = request.output
    if not output.show:
        return request
    from preflight.parity import AGREEMENT_ID
    from preflight.waivers import WAIVERS_ID

    show = by_id(output.show, registered_checks(request.settings), "--show", (AGREEMENT_ID, WAIVERS_ID))
    return replace(request, output=replace(output, show=show))


def _publishable(request: Request) -> None:
    if request.output.publish and (request.settings.source != "live" or _several(request)):
        raise UsageError("--publish goes with --source live and one context: a report belongs into its own cluster")
    if request.output.publish and (request.settings.select or request.settings.skip):
        raise UsageError(
            "--publish is for the whole answer, and who reads it sees no flags: leave out --select, --skip"
        )


def _publish(document: Document, request: Request) -> None:
    from preflight.cluster.api import connect
    from preflight.cluster.publish import publish
    from preflight.render.openreports import KINDS, PLURALS, report_objects

    done = publish(connect(request.connection), PLURALS, partial(report_objects, document))
    if not request.output.quiet:
        say(f"published: {done.written} {KINDS[done.version]} objects; {done.deleted} of an earlier run deleted")


def run_once(request: Request, *, target_needed: bool = True) -> Examination:
    """Read and judge once, and say meanwhile what is going on."""
    progress = Progress(quiet=request.output.quiet, doing=f"reading {request.settings.source}")
    try:
        checks = registered_checks(request.settings)
        later = later_for(request, progress)
        read = reader_for(request, progress)
        return examine(checks, request.settings, read, target_needed=target_needed, later=later)
    finally:
        progress.done()


def _one(request: Request) -> tuple[ReportDocument, bool]:
    def once() -> Examination:
        try:
            return run_once(request)
        except SourceError as error:
            return undecided(registered_checks(request.settings), request, error)

    if not request.repair.remediate and not request.repair.wait:
        return report_dict(once().report), False
    from preflight.cli.remediate import settle

    found, failed = settle(request, once)
    document = report_dict(found.report)
    if failed:
        document["exitCode"] = int(ExitCode.NOT_REPAIRED)
    return document, failed


def _several(request: Request) -> bool:
    several = request.all_contexts is not None or "," in request.connection.context
    if several and request.settings.source != "live":
        raise UsageError("several contexts go with --source live only")
    if several and (request.repair.remediate or request.repair.wait):
        raise UsageError("--remediate and --wait are for one cluster; leave out the further contexts")
    if several and request.baseline:
        raise UsageError("--baseline compares one cluster; leave out the further contexts")
    return several


def _many(request: Request) -> ReportListDocument:
    from preflight.cli.fleet import choose_contexts, examine_all
    from preflight.cluster.kubeconfig import context_names

    known = context_names(request.connection)
    contexts = choose_contexts(known, request.connection.context, request.all_contexts)
    settings = request.settings
    checks = registered_checks(settings)
    progress = Progress(quiet=request.output.quiet)
    lock, waiting = threading.Lock(), set(contexts)

    def quiet(_text: str) -> None:
        """Several clusters at once share one progress line, which counts them."""

    def one(context: str) -> ReportDocument:
        mine = replace(request, connection=replace(request.connection, context=context))
        try:
            read, later = reader_for(mine, quiet), later_for(mine, quiet)
            found = examine(checks, settings, read, target_needed=False, later=later)
        except SourceError as error:
            found = examine_unreadable(checks, settings, unread_source(mine, error))
        with lock:
            waiting.discard(context)
            progress(f"waiting for {len(waiting)} of {len(contexts)} clusters: {', '.join(sorted(waiting))}")
        return report_dict(found.report)

    try:
        return examine_all(contexts, one)
    finally:
        progress.done()


def _baseline(path: str) -> ReportDocument | None:
    if not path:
        return None
    from preflight.cli.report import load_report

    document = load_report(Path(path))
    if document["kind"] != "PreflightReport":
        raise UsageError(f"--baseline {path}: holds several clusters; give the report of one")
    return document


def _code(document: Document, baseline: ReportDocument | None, fail_on: str) -> int:
    if baseline is None or document["kind"] != "PreflightReport" or fail_on == "never":
        return int(document["exitCode"])
    from preflight.diff import regressions

    blocks, undecided = regressions(baseline, document, fail_on)
    document["exitCode"] = int(ExitCode.BLOCKED if blocks else ExitCode.UNDECIDED if undecided else ExitCode.READY)
    if document["verdict"] != "ready" and not document["exitCode"]:
        say("exit 0: nothing is new or worse than in the report given with --baseline")
    return int(document["exitCode"])
