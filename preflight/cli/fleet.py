"""Several clusters in one run: one report each, at the same time, and one combined answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from preflight.documents import API_VERSION
from preflight.errors import ExitCode, UsageError
from preflight.report_types import ReportDocument, ReportListDocument
from preflight.values.names import perhaps

AT_A_TIME = 4
"""Clusters read at once: each reader keeps several connections busy by itself."""
_WORST_FIRST = (
    ExitCode.TOOL_FAILED,
    ExitCode.USAGE,
    ExitCode.NOT_REPAIRED,
    ExitCode.BLOCKED,
    ExitCode.UNDECIDED,
    ExitCode.READY,
)
"""Exit codes by how much they ask for attention; blocked wins over undecided, as within one report."""


def choose_contexts(known: Sequence[str], named: str, pattern: str | None) -> list[str]:
    """Pick contexts by a comma-separated list or a regular expression (empty: all).

    Raises UsageError for a context that does not exist, a pattern that is none, or one that matches nothing.
    """
    if pattern is None:
        chosen = [name for name in dict.fromkeys(named.split(",")) if name]
        for name in chosen:
            if name not in known:
                there = f"{perhaps(name, known)} (it has: {', '.join(known)})"
                raise UsageError(f"--context {name}: the kubeconfig has no such context{there}")
        return chosen
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--all-contexts={pattern}: not a regular expression: {error}") from None
    chosen = [name for name in known if expression.search(name)]
    if not chosen:
        raise UsageError(f"--all-contexts={pattern}: matches none of the kubeconfig's contexts ({', '.join(known)})")
    return chosen


def examine_all(contexts: Sequence[str], one: Callable[[str], ReportDocument]) -> ReportListDocument:
    """Call `one` for each context, several at a time, and combine the reports in the order of the contexts.

    `one` returns a report and must not raise for a cluster it cannot read: that is a report too.
    """
    from preflight.cluster.jobs import run_jobs

    found: dict[int, ReportDocument] = {}
    for index, result in run_jobs([partial(one, name) for name in contexts], workers=AT_A_TIME, deadline=None):
        if isinstance(result, Exception):
            raise result
        found[index] = result
    reports = [found[index] for index in range(len(contexts))]
    verdicts = {report["verdict"] for report in reports}
    verdict = next(word for word in ("blocked", "undecided", "ready") if word in verdicts)
    codes = {report["exitCode"] for report in reports}
    return {
        "apiVersion": API_VERSION,
        "kind": "PreflightReportList",
        "verdict": verdict,
        "exitCode": next((int(code) for code in _WORST_FIRST if code in codes), max(codes)),
        "reports": [{"context": context, **report} for context, report in zip(contexts, reports, strict=True)],
    }
