"""Walk a document: what every renderer asks of it, said once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.render.shorten import stands_for
from preflight.report_types import CheckDocument, Document, FindingDocument, ReportDocument, WaivedDocument

_ENFORCERS = {
    "webhook": "the server's webhook refuses the Upgrade when it is created",
    "upgrade-scripts": "the upgrade itself fails or hangs half-way",
    "check.sh": "Harvester's own check.sh reports it before the upgrade",
    "docs": "the upgrade documentation asks for it to be put right first",
}
_NOBODY = "nobody but this tool stops for it: the upgrade starts all the same"
_NOBODY_WARNS = "nothing stops for it: the upgrade starts all the same"
SKIP_WEBHOOK = "harvesterhci.io/skipWebhook"
_NAME = re.compile(r"\S*([0-9/_]|[a-z][A-Z]|\.\S)")
"""At the start of a text: a first word that is written as it is."""


@dataclass(frozen=True, slots=True)
class Item:
    """One finding and the check it belongs to."""

    check: CheckDocument
    finding: FindingDocument

    @property
    def waived(self) -> WaivedDocument | None:
        """Return the waiver, if there is one."""
        return self.finding["waived"]

    @property
    def waiver(self) -> WaivedDocument:
        """Return the waiver of one that is known to be waived."""
        return self.finding["waived"] or {"reason": "", "expires": ""}


def amount(items: list[Item]) -> int:
    """Count findings, those included that one stands for (preflight.render.shorten)."""
    return sum(stands_for(item.finding) for item in items)


def amount_of(entries: Iterable[Any]) -> int:
    """Count the findings of entries (preflight.render.entries)."""
    return sum(entry.amount for entry in entries)


def reports(document: Document) -> list[tuple[str, ReportDocument]]:
    """Return the reports with the context each is of; the context of a single report is empty."""
    if "reports" in document:
        return [(str(report.get("context") or ""), report) for report in document["reports"]]
    return [("", document)]


def items(report: ReportDocument) -> Iterator[Item]:
    """Yield every finding, in the report's order."""
    for check in report["checks"]:
        for finding in check["findings"]:
            yield Item(check, finding)


def counts_warnings(report: ReportDocument) -> bool:
    """Say whether a warning blocks in this report."""
    return bool(report.get("failOn") == "warn")


@dataclass(frozen=True, slots=True)
class Sections:
    """A report in the order a reader needs it."""

    blockers: list[Item]
    warnings: list[Item]
    waived: list[Item]
    infos: list[Item]
    unknown: list[CheckDocument]
    """Checks that could not be determined, also those that besides found something."""


def sections(report: ReportDocument) -> Sections:
    """Sort the findings of a report; each is in exactly one section."""
    blocking = {"fail", "warn"} if counts_warnings(report) else {"fail"}
    found = Sections([], [], [], [], [check for check in report["checks"] if undetermined(check)])
    for item in items(report):
        severity = item.finding["severity"]
        if item.waived:
            found.waived.append(item)
        elif severity in blocking:
            found.blockers.append(item)
        elif severity == "warn":
            found.warnings.append(item)
        else:
            found.infos.append(item)
    return found


def undetermined(check: CheckDocument) -> bool:
    """Say whether something about this check could not be determined; a failed one says so in its reason.

    One that --require names and that did not run leaves its question open, too.
    """
    left_open = check["status"] == "unknown" or (check["status"] == "skipped" and check.get("required"))
    return bool(left_open or (check["status"] == "fail" and check["reason"]))


def decides(report: ReportDocument, check: CheckDocument) -> bool:
    """Say whether this check, being unknown, keeps the verdict from being ready."""
    worst = {"fail", "warn"} if counts_warnings(report) else {"fail"}
    return bool(check["worst"] in worst or check["required"])


def by_category(report: ReportDocument) -> dict[str, list[CheckDocument]]:
    """Group the checks by category, in the report's order."""
    groups: dict[str, list[CheckDocument]] = {}
    for check in report["checks"]:
        groups.setdefault(check["category"], []).append(check)
    return groups


def object_of(finding: FindingDocument) -> str:
    """Name the object of a finding as `Kind namespace/name`; a finding about no object gives `the cluster`."""
    ref = finding["resource"]
    return named(ref["kind"], ref["namespace"], ref["name"])


def named(kind: str, namespace: str, name: str) -> str:
    """Name an object as `Kind namespace/name`, without what is empty."""
    place = "/".join(part for part in (namespace, name) if part)
    return " ".join(part for part in (kind, place) if part) or "the cluster"


def versions(report: ReportDocument, arrow: str) -> str:
    """Write `from → to`, with the way where it is not the built-in one."""
    upgrade = report["upgrade"]
    way = " by UpgradePlan" if upgrade.get("via") == "upgrade-plan" else ""
    return f"{upgrade['from'] or 'unknown version'} {arrow} {upgrade['to'] or 'unknown version'}{way}"


def source_of(report: ReportDocument) -> str:
    """Say in a sentence what was read and at which time, by whose clock."""
    source = report["source"]
    clock = f" ({source['clock']})" if source["clock"] else ""
    return f"Read from {source['type']} {source['name']}, as of {source['collectedAt']}{clock}"


def counts(report: ReportDocument) -> list[tuple[str, str]]:
    """Return (sign, words) for what the first line counts: findings that matter, then checks; zeros left out."""
    found, summary = sections(report), report["summary"]
    amounts = (
        ("fail", amount(found.blockers), "blocker", "blockers"),
        ("warn", amount(found.warnings), "warning", "warnings"),
        ("unknown", summary["unknown"], "undecided", "undecided"),
        ("pass", summary["pass"], "passed", "passed"),
        ("skipped", summary["skipped"], "skipped", "skipped"),
        ("waived", summary["waived"], "waived", "waived"),
    )
    return [(sign, f"{amount} {one if amount == 1 else many}") for sign, amount, one, many in amounts if amount]


def enforcement(finding: FindingDocument) -> str:
    """Say what happens if the finding is ignored: what the check itself says, else who stops for it or that nobody does.

    Empty for a finding that is not about the cluster.
    """
    if finding["resource"]["apiVersion"].startswith("harvester-preflight/"):
        return ""  # about our own configuration, of which no upgrade knows
    if told := finding.get("consequence"):
        return sentence(told["text"])
    if consequence := _consequence(finding):
        return sentence(consequence)
    enforcers = [_ENFORCERS.get(enforcer, enforcer) for enforcer in finding["enforcedBy"] if enforcer != "none"]
    return sentence("; ".join(enforcers) or (_NOBODY if finding["severity"] == "fail" else _NOBODY_WARNS))


def server_waiver(item: Item) -> str:
    """Name, for a waived finding, the annotation that the server would want for the same; empty when it stops for none.

    A waiver of ours changes nothing on the server, and this tool never sets the annotation.
    """
    annotation = item.check.get("waivedBy")
    enforcers = set(item.finding["enforcedBy"])
    stops = "webhook" in enforcers or ("upgrade-scripts" in enforcers and annotation != SKIP_WEBHOOK)
    if not (item.waived and annotation and stops):
        return ""
    return f"The server stops for it all the same, unless annotation {annotation} is set, which this tool never does."


def message_of(finding: FindingDocument) -> str:
    """Return the message as a sentence, without the consequence that `enforcement` tells."""
    consequence = _consequence(finding)
    return sentence(finding["message"].removesuffix(consequence).rstrip() if consequence else finding["message"])


def _consequence(finding: FindingDocument) -> str:
    """Return `evidence.consequence` where the message ends with it and says something before it."""
    told = finding["evidence"].get("consequence")
    message = finding["message"]
    return told if isinstance(told, str) and told and message.endswith(told) and message != told else ""


def sentence(text: str) -> str:
    """Begin with a capital, unless the first word is a name such as v1.4.1, and end with a full stop."""
    if not _NAME.match(text):
        text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?:" else text + "."


def hint_of(finding: FindingDocument) -> tuple[str, list[str]]:
    """Split a hint into its sentence and its commands."""
    first, *rest = finding["hint"].split("\n")
    return first, [line for line in rest if line.strip()]


def evidence_of(finding: FindingDocument) -> list[tuple[str, str]]:
    """Return the measured values as (words, text), without the timeline and what is empty."""
    from preflight.render.timeline import timeline

    skip = ({"timeline"} if timeline(finding) else set()) | ({"consequence"} if _consequence(finding) else set())
    pairs = ((key, value) for key, value in finding["evidence"].items() if key not in skip)
    return [(words(key), plain(value)) for key, value in pairs if value not in (None, "", [], {})]


def words(key: str) -> str:
    """Write a camelCase or kebab-case name as words; an abbreviation such as the IP of `internalIP` keeps its capitals."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z_\-\s]+", key)
    return " ".join(part if len(part) > 1 and part.isupper() else part.lower() for part in parts) or key


def plain(value: Any) -> str:
    """Write a JSON value for people: lists with commas, objects of the cluster by their names, maps of plain values as
    `name value`, the rest as JSON without quotes around a plain text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, list) and value and all(isinstance(item, dict) and _is_reference(item) for item in value):
        return ", ".join(map(_reference, value))
    if isinstance(value, dict) and all(isinstance(item, str | int | float) for item in value.values()):
        return ", ".join(f"{words(key) if key.isalpha() else key} {plain(item)}" for key, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def _reference(value: Mapping[str, Any]) -> str:
    note = value.get("note")
    return named(value["kind"], value["namespace"], value["name"]) + (
        f" ({note})" if isinstance(note, str) and note else ""
    )


def _is_reference(value: Mapping[str, Any]) -> bool:
    return all(isinstance(value.get(key), str) for key in ("kind", "namespace", "name"))
