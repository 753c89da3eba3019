"""Waivers and attestations of the configuration file.

A waived finding stays in the report and is counted; it no longer decides. An expired waiver covers nothing and is
itself a failure, one that matched nothing a warning. What is `unknown` is never waived: only an attestation that names
the check and the node, with who looked and until when it holds, answers for a node, and it too stays visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from preflight.check import Check
from preflight.config_file import Config
from preflight.documents import API_VERSION
from preflight.errors import ConfigError
from preflight.model import CheckResult, Finding, ResourceRef, Severity, Status, Unknown, UpgradePair, Waived
from preflight.report import CONFIGURATION
from preflight.selection import names_of
from preflight.values.names import perhaps
from preflight.values.versions import check_range

WAIVERS_ID = "waivers"
DOCS = "https://github.com/harvester/harvester-preflight#waivers"


@dataclass(slots=True)
class Waivers:
    """The waivers of one run, and which of them were used."""

    config: Config
    pair: UpgradePair
    now: datetime
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other name of a check → its id."""
    used: set[int] = field(default_factory=set)
    attested: dict[int, set[str]] = field(default_factory=dict)

    def waive(self, check_id: str, finding: Finding) -> Finding:
        """Return the finding with the waiver that covers it, or as it was."""
        for index, waiver in enumerate(self.config.waivers):
            if self._check(waiver) != check_id or not _covers(waiver, finding):
                continue
            self.used.add(index)
            if self._expired(waiver) or not self._for_this_version(waiver):
                continue
            return replace(finding, waived=Waived(f"{waiver['reason']} ({waiver['owner']})", waiver["expires"]))
        return finding

    def attests(self, check_id: str, unknown: Unknown) -> bool:
        """Say whether somebody has looked at the node that this unknown is about."""
        if not unknown.node:
            return False
        for index, entry in enumerate(self.config.attestations):
            if self._check(entry) != check_id or not any(fnmatchcase(unknown.node, glob) for glob in entry["nodes"]):
                continue
            self.attested.setdefault(index, set()).add(unknown.node)
            if not self._expired(entry):
                return True
        return False

    def result(self, results: Sequence[CheckResult]) -> CheckResult | None:
        """Return the check result that speaks of the waivers themselves; None when there are none."""
        if not self.config.waivers and not self.config.attestations:
            return None
        findings = tuple(self._findings({result.id: result for result in results}))
        severities = {finding.severity for finding in findings}
        status = Status.PASS
        if Severity.WARN in severities:
            status = Status.WARN
        if Severity.FAIL in severities:
            status = Status.FAIL
        return CheckResult(
            id=WAIVERS_ID,
            title="Every waiver and attestation of the configuration still holds and is used",
            category=CONFIGURATION,
            status=status,
            reason="",
            docs=DOCS,
            duration_ms=0.0,
            findings=findings,
        )

    def _findings(self, results: Mapping[str, CheckResult]) -> Iterator[Finding]:
        for kind, entries, used in (
            ("waiver", self.config.waivers, self.used),
            ("attestation", self.config.attestations, set(self.attested)),
        ):
            for index, entry in enumerate(entries):
                yield from self._judge(kind, index, entry, index in used, results)
        for index, nodes in sorted(self.attested.items()):
            entry = self.config.attestations[index]
            if not self._expired(entry):
                yield self._finding(
                    Severity.INFO,
                    "attested",
                    f"{entry['who']} looked at {', '.join(sorted(nodes))} for {entry['check']} on {entry['when']}; "
                    f"this answers for what cannot be seen from here, until {entry['expires']}",
                    "Nothing to do",
                    f"attestation {index + 1}",
                )

    def _judge(
        self, kind: str, index: int, entry: Mapping[str, Any], used: bool, results: Mapping[str, CheckResult]
    ) -> Iterator[Finding]:
        name = f"{kind} {index + 1}"
        what = f"{entry['check']}, {entry['object'] if kind == 'waiver' else ', '.join(entry['nodes'])}"
        result = results.get(self._check(entry))
        if used and self._expired(entry):
            yield self._finding(
                Severity.FAIL,
                "expired",
                f"The {kind} for {what} expired at the end of {entry['expires']} and covers nothing any more",
                f"Repair what it covered, or have {entry.get('owner') or entry.get('who')} renew it",
                name,
            )
        elif not used and (result is None or result.status is not Status.SKIPPED):
            yield self._finding(
                Severity.WARN,
                "unused",
                f"The {kind} for {what} matched nothing",
                "Remove it, or correct its check id and glob, before it hides something later",
                name,
            )

    def _finding(self, severity: Severity, cause: str, message: str, hint: str, name: str) -> Finding:
        return Finding(
            severity=severity,
            cause=cause,
            message=message,
            hint=hint,
            resource=ResourceRef(API_VERSION, "Config", "", f"{self.config.path}: {name}"),
        )

    def _check(self, entry: Mapping[str, Any]) -> str:
        return self.aliases.get(entry["check"], str(entry["check"]))

    def _expired(self, entry: Mapping[str, Any]) -> bool:
        last = datetime.strptime(entry["expires"], "%Y-%m-%d").replace(tzinfo=UTC)
        return self.now >= last + timedelta(days=1)

    def _for_this_version(self, waiver: Mapping[str, Any]) -> bool:
        ranges = waiver.get("versions", "")
        target = self.pair.to_version
        return not ranges or (target is not None and target.within(ranges) is True)


def validate_waivers(config: Config, checks: Sequence[Check]) -> None:
    """Raise ConfigError for a waiver or attestation of an unknown check, a bad date or a bad version range."""
    names = set(names_of(checks))
    for key, entries in (("waivers", config.waivers), ("attestations", config.attestations)):
        for index, entry in enumerate(entries):
            where = config.where(key, index)
            if entry["check"] not in names:
                raise ConfigError(f"{where}: no check is called {entry['check']!r}{perhaps(entry['check'], names)}")
            try:
                last = datetime.strptime(entry["expires"], "%Y-%m-%d")
                if "when" in entry and datetime.strptime(entry["when"][:10], "%Y-%m-%d") > last:
                    raise ValueError(f"it expires ({entry['expires']}) before it was made ({entry['when']})")
                check_range(entry.get("versions", ""))
            except ValueError as error:
                raise ConfigError(f"{where}: {error}") from None


def _covers(waiver: Mapping[str, Any], finding: Finding) -> bool:
    ref = finding.resource
    name = "/".join(part for part in (ref.kind, ref.namespace, ref.name) if part)
    return fnmatchcase(name, waiver["object"]) and waiver.get("cause", finding.cause) == finding.cause
