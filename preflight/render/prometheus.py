"""Metrics for the textfile collector of node-exporter. No object names: a label value per object would never end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from preflight.render import document as doc
from preflight.render.places import cluster_of
from preflight.report_types import Document, ReportDocument
from preflight.values.times import parse_time

if TYPE_CHECKING:
    from preflight.render import Style

METRICS = {
    "harvester_preflight_upgrade_info": "1, with the cluster, from and to which version, and the verdict as labels.",
    "harvester_preflight_ready": "1 when the cluster can be upgraded, 0 when it is blocked or undecided.",
    "harvester_preflight_findings": "Findings by severity; waived ones apart.",
    "harvester_preflight_check_status": "1 for the status that each check came to.",
    "harvester_preflight_last_run_timestamp_seconds": "When the cluster was read, by the decision clock.",
    "harvester_preflight_duration_seconds": "Time that the checks took, without reading the cluster.",
}
Sample = tuple[str, dict[str, str], float]


def render(document: Document, style: Style) -> str:
    """Write every metric with all its samples together, as the format wants it."""
    samples = [sample for context, report in doc.reports(document) for sample in _samples(context, report)]
    lines = []
    for name, help_text in METRICS.items():
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(labels)} {value:.15g}" for metric, labels, value in samples if metric == name]
    return "\n".join(lines) + "\n"


def _samples(context: str, report: ReportDocument) -> Iterator[Sample]:
    place = {"context": context} if context else {}
    pair = {word: str(report["upgrade"][word] or "") for word in ("from", "to")}
    named = place | {"cluster": cluster_of(context, report), **pair, "verdict": report["verdict"]}
    yield "harvester_preflight_upgrade_info", named, 1.0
    yield "harvester_preflight_ready", place, float(report["verdict"] == "ready")
    amounts = Counter((item.finding["severity"], item.waived is not None) for item in doc.items(report))
    for severity in ("fail", "warn", "info"):
        for waived in (False, True):
            labels = place | {"severity": severity, "waived": str(waived).lower()}
            yield "harvester_preflight_findings", labels, float(amounts[severity, waived])
    for check in report["checks"]:
        labels = place | {"check": check["id"], "status": check["status"]}
        yield "harvester_preflight_check_status", labels, 1.0
    moment = parse_time(report["source"]["collectedAt"])
    if moment:
        yield "harvester_preflight_last_run_timestamp_seconds", place, moment.timestamp()
    yield "harvester_preflight_duration_seconds", place, sum(check["durationMs"] for check in report["checks"]) / 1000


def _labels(labels: dict[str, str]) -> str:
    pairs = [f'{key}="{_escaped(value)}"' for key, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
