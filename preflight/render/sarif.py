"""SARIF 2.1.0 for code-scanning pages: one run, a rule per check, a result per finding.

A live object has no file and no line, so each gets a pseudo path `clusters/NAME/KIND/NAMESPACE/NAME.yaml`, line 1. What
could not be determined is a notification of the run, which then did not execute successfully: an empty result list
must never read as a clean cluster.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NotRequired, cast
from urllib.parse import quote

from preflight.commandline import Caller
from preflight.render import document as doc
from preflight.render.places import cluster_of, fingerprint, path_of, place_of, segment
from preflight.render.typed import commands_of
from preflight.report_types import CheckDocument, Document, ReportDocument

if TYPE_CHECKING:
    from preflight.render import Style

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"fail": "error", "warn": "warning", "info": "note"}


class ExplainedCheck(CheckDocument):
    """A check with what `explain` says of it."""

    explain: NotRequired[dict[str, Any] | None]
    """{why, how, fix, causes, links}; null: it is not registered here."""


def render(document: Document, style: Style) -> str:
    """Write the log with its single run."""
    checks: dict[str, CheckDocument] = {}
    for _, report in doc.reports(document):
        for check in report["checks"]:
            checks.setdefault(check["id"], check)
    index = {id: place for place, id in enumerate(checks)}
    tools = [report["tool"]["version"] for _, report in doc.reports(document)]
    run = {
        "tool": {
            "driver": {
                "name": "harvester-preflight",
                **({"version": tools[0]} if tools else {}),
                "rules": [_rule(check) for check in checks.values()],
            }
        },
        "automationDetails": {"id": _automation(document)},
        "invocations": [_invocation(context, report, index) for context, report in doc.reports(document)],
        "results": _results(document, index, style.caller),
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": document["verdict"], "exitCode": document["exitCode"]},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True) + "\n"


def _rule(check: CheckDocument) -> dict[str, Any]:
    helps = {"helpUri": quote(check["docs"], safe=":/?#[]@!$&'()*+,;=%~")} if _is_url(check["docs"]) else {}
    told = cast(ExplainedCheck, check).get("explain") or {}
    why = str(told.get("why") or check["title"] or check["id"])
    return {
        "id": check["id"],
        "shortDescription": {"text": check["title"] or check["id"]},
        "fullDescription": {"text": why},
        "help": {"text": _help(check, told, mark=""), "markdown": _help(check, told, mark="**")},
        **helps,
        "defaultConfiguration": {"level": _LEVELS[check["worst"]]},
        "properties": {"tags": list(dict.fromkeys(("harvester", "upgrade", check["category"])))},
    }


def _help(check: CheckDocument, told: dict[str, Any], *, mark: str) -> str:
    """Write what `explain` says of a rule; with a mark as Markdown."""
    code = "`" if mark else ""
    parts = [f"{mark}{check['title'] or check['id']}{mark}"]
    for words, key in (("Why it matters", "why"), ("How it comes about", "how"), ("How to fix", "fix")):
        parts += [f"{mark}{words}:{mark} {told[key]}"] if told.get(key) else []
    causes = [f"- {code}{cause}{code}: {text}" for cause, text in (told.get("causes") or {}).items()]
    parts += ["\n".join([f"{mark}Causes:{mark}", "", *causes])] if causes else []
    links = [link for link in told.get("links") or [check["docs"]] if _is_url(link)]
    parts += ["\n".join(f"<{link}>" if mark else link for link in links)] if links else []
    return "\n\n".join([*parts, f"{code}harvester-preflight explain {check['id']}{code}"])


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://")) and text.isascii() and " " not in text


def _invocation(context: str, report: ReportDocument, index: dict[str, int]) -> dict[str, Any]:
    unknown = doc.sections(report).unknown
    ran = any(check["status"] in ("pass", "warn", "fail") for check in report["checks"])
    return {
        "executionSuccessful": ran and not unknown,
        "endTimeUtc": report["source"]["collectedAt"],
        "exitCode": report["exitCode"],
        "toolExecutionNotifications": [
            {
                "level": "error" if doc.decides(report, check) else "warning",
                "message": {"text": f"{check['id']} could not be determined: {check['reason'] or 'no reason given'}"},
                "descriptor": {"id": "could-not-be-determined"},
                "associatedRule": {"id": check["id"], "index": index[check["id"]]},
            }
            for check in unknown
        ],
        "properties": {
            "cluster": cluster_of(context, report),
            "verdict": report["verdict"],
            "upgrade": report["upgrade"],
            "source": doc.source_of(report),
        },
    }


def _results(document: Document, index: dict[str, int], caller: Caller) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for context, report in doc.reports(document):
        cluster = cluster_of(context, report)
        for item in doc.items(report):
            place = place_of(item.finding)
            # The server's address may change, the finding stays the same: only a named context tells clusters apart.
            print_of = fingerprint(context, item.check["id"], item.finding["cause"], *place)
            seen[print_of] += 1
            uri = path_of(cluster, *place)
            results.append(_result(report, item, uri, f"{print_of}:{seen[print_of]}", index, caller))
    return results


def _result(
    report: ReportDocument, item: doc.Item, uri: str, print_of: str, index: dict[str, int], caller: Caller
) -> dict[str, Any]:
    finding, waived = item.finding, item.waived
    first, commands = doc.hint_of(finding)[0], commands_of(report, finding, caller)
    text = "\n".join(
        [doc.sentence(finding["message"] or finding["cause"]), *([doc.sentence(first)] if first else []), *commands]
    )
    return {
        "ruleId": item.check["id"],
        "ruleIndex": index[item.check["id"]],
        "level": _LEVELS[finding["severity"]],
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": doc.object_of(finding), "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": print_of, "harvesterPreflight/v1": print_of},
        **({"suppressions": [{"kind": "external", "justification": waived["reason"]}]} if waived else {}),
        "properties": {
            "id": finding.get("id", ""),
            "cause": finding["cause"],
            "consequence": finding.get("consequence"),
            "enforcedBy": finding["enforcedBy"],
            "transient": finding["transient"],
            "resource": finding["resource"],
            "evidence": finding["evidence"],
        },
    }


def _automation(document: Document) -> str:
    """Tell the runs of several clusters apart: two uploads of one category would replace each other."""
    names = [cluster_of(context, report) for context, report in doc.reports(document)]
    return f"harvester-preflight/{','.join(map(segment, names))}/"
