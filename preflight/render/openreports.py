"""OpenReports objects: what Rancher, Policy Reporter and Kubewarden show of a cluster.

Rule: openreports.io/v1alpha1 ClusterReport; wgpolicyk8s.io/v1alpha2 ClusterPolicyReport has no top-level `source` and
knows no `critical` and no `info`. Cluster-scoped on purpose: the question is one of the cluster, and one small role
may publish the answer. One object per category, continued in further ones, since etcd limits the size of an object.
Names depend on category and place only, so that a later run replaces an earlier one.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from preflight.render import document as doc
from preflight.render.text import sanitised
from preflight.render.yaml_ import dump
from preflight.report_types import CheckDocument, Document, ReportDocument
from preflight.values.times import parse_time

if TYPE_CHECKING:
    from preflight.render import Style

OPEN_REPORTS = "openreports.io/v1alpha1"
POLICY_REPORTS = "wgpolicyk8s.io/v1alpha2"
KINDS = {OPEN_REPORTS: "ClusterReport", POLICY_REPORTS: "ClusterPolicyReport"}
PLURALS = {OPEN_REPORTS: "clusterreports", POLICY_REPORTS: "clusterpolicyreports"}
MAX_RESULTS = 250
MAX_TEXT = 1024
"""Characters of one message or property, so that a full object stays below the 1.5 MiB that etcd takes."""
_RESULTS = {"fail": "fail", "warn": "warn", "info": "pass"}
_CHECKS = {"pass": "pass", "fail": "fail", "warn": "warn", "unknown": "error", "skipped": "skip"}
_SEVERITIES = {
    OPEN_REPORTS: {"fail": "high", "warn": "medium", "info": "info"},
    POLICY_REPORTS: {"fail": "high", "warn": "medium", "info": "low"},
}


def render(document: Document, style: Style) -> str:
    """Write the objects as YAML documents, ready for `kubectl apply -f -`."""
    return dump(*report_objects(document, OPEN_REPORTS))


def report_objects(document: Document, api_version: str, max_results: int = MAX_RESULTS) -> list[dict[str, Any]]:
    """Build the objects of a document, for printing or for applying; every text in them is made visible."""
    objects = []
    for context, report in doc.reports(sanitised(document)):
        for category, checks in doc.by_category(report).items():
            results = [result for check in checks for result in _results(report, check, api_version)]
            parts = range(0, len(results), max_results)
            for number, start in enumerate(parts, 1):
                chosen = results[start : start + max_results]
                objects.append(_object(api_version, context, category, number, report, chosen))
    return objects


def _object(
    api_version: str, context: str, category: str, number: int, report: ReportDocument, results: list[dict[str, Any]]
) -> dict[str, Any]:
    amounts = Counter(result["result"] for result in results)
    labels = {
        "app.kubernetes.io/managed-by": "harvester-preflight",
        "harvester-preflight/category": label_value(category),
    }
    annotations = {
        "harvester-preflight/verdict": report["verdict"],
        "harvester-preflight/from": report["upgrade"]["from"] or "",
        "harvester-preflight/to": report["upgrade"]["to"] or "",
        "harvester-preflight/collected-at": report["source"]["collectedAt"],
    }
    name = object_name("harvester-preflight", context, category, "" if number == 1 else str(number))
    return {
        "apiVersion": api_version,
        "kind": KINDS[api_version],
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        **({"source": "harvester-preflight"} if api_version == OPEN_REPORTS else {}),
        "summary": {key: amounts[key] for key in ("pass", "fail", "warn", "error", "skip")},
        "results": results,
    }


def object_name(*parts: str) -> str:
    """Join words into a DNS-1123 name; what cannot be part of one is replaced and told apart by a hash."""
    words = "-".join(part for part in parts if part)
    name = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    plain = name == words or name == words.replace("_", "-")
    return name if plain and len(name) <= 200 else f"{name[:200]}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"


def label_value(text: str) -> str:
    """Cut a text down to what a label may hold."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[:63].strip("-_.")


def _results(report: ReportDocument, check: CheckDocument, api_version: str) -> list[dict[str, Any]]:
    """One result per finding, and one for the check itself where no finding speaks for its status."""
    moment = parse_time(report["source"]["collectedAt"])
    common = {
        "source": "harvester-preflight",
        "policy": check["id"],
        "category": check["category"],
        "timestamp": {"seconds": int(moment.timestamp()) if moment else 0, "nanos": 0},
        "scored": True,
    }
    results = []
    status = check["status"]
    if status in ("pass", "unknown", "skipped") or doc.undetermined(check) or not check["findings"]:
        own = "error" if doc.undetermined(check) else _CHECKS[status]
        results.append({**common, "result": own, "message": _cut(check["reason"] or check["title"])})
    return results + [{**common, **_finding(doc.Item(check, finding), api_version)} for finding in check["findings"]]


def _finding(item: doc.Item, api_version: str) -> dict[str, Any]:
    finding, ref = item.finding, item.finding["resource"]
    subject = {key: ref[key] for key in ("apiVersion", "kind", "namespace", "name") if ref[key]}
    return {
        "rule": finding["cause"],
        "severity": _SEVERITIES[api_version][finding["severity"]],
        "result": "skip" if item.waived else _RESULTS[finding["severity"]],
        "message": _cut(finding["message"]),
        **({"resources": [subject]} if subject else {}),
        "properties": {key: _cut(value) for key, value in _properties(item).items() if value},
    }


def _properties(item: doc.Item) -> dict[str, str]:
    finding, waived, remediation = item.finding, item.waived, item.finding["remediation"]
    return {
        "hint": finding["hint"],
        "docs": item.check["docs"],
        "enforcedBy": ", ".join(finding["enforcedBy"]),
        "transient": "true" if finding["transient"] else "",
        "remediation": remediation["strategy"] if remediation else "",
        "waived": f"{waived['reason']} (until {waived['expires']})" if waived else "",
    }


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
