"""The nouns of a report: what a check finds and what the tool makes of it. Plain frozen data, no behaviour.

Rule for every name here: the JSON report (schemas/report.schema.json) uses the same word in camelCase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from preflight.values.versions import HarvesterVersion


class Severity(StrEnum):
    """How bad one finding is."""

    FAIL = "fail"
    WARN = "warn"
    INFO = "info"


class Status(StrEnum):
    """What one check came to."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """What the whole report came to."""

    READY = "ready"
    BLOCKED = "blocked"
    UNDECIDED = "undecided"


class Enforcer(StrEnum):
    """Who would stop the upgrade for a finding."""

    WEBHOOK = "webhook"
    """The validating webhook of the running version, when the Upgrade is created."""
    SCRIPTS = "upgrade-scripts"
    """The upgrade controller or a script of the target version, later and half-way."""
    CHECK_SH = "check.sh"
    """harvester/upgrade-helpers pre-check/v1.x/check.sh."""
    DOCS = "docs"
    """The upgrade pages of docs.harvesterhci.io."""
    NONE = "none"
    """Nobody but this tool."""


class Code(StrEnum):
    """Why something could not be determined."""

    FORBIDDEN = "forbidden"
    NOT_SERVED = "not-served"
    NOT_IN_SOURCE = "not-in-source"
    NODE_ONLY = "node-only"
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"
    CRASHED = "crashed"
    UNPARSABLE = "unparsable"
    INCOMPLETE = "incomplete"
    """The input says of itself that it is not the whole, or something it must hold is not there."""
    CONFLICTING = "conflicting"
    """The input says two things that cannot both be so, such as two objects of one name."""
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something could not be determined: a value from where it happened to the report. `str` gives `code: text`."""

    code: Code
    text: str
    node: str = ""
    """The node it is about, where it is about one."""
    namespace: str = ""
    """The namespace it is about, where it is about one only."""
    cure: str = ""
    """The command, or the permission, that would settle it."""

    def __str__(self) -> str:
        """Write it as the report's `reason` does."""
        return f"{self.code}: {self.text}"

    def noting(self, note: str) -> Reason:
        """Return the same with a note behind it: for what the check wanted it."""
        return replace(self, text=f"{self.text} ({note})")


class Effect(StrEnum):
    """What happens to an upgrade that is started all the same."""

    REFUSED = "refused"
    """The server will not create the Upgrade."""
    HANGS = "hangs"
    """It starts and waits without end."""
    FAILS = "fails"
    """It ends Failed half-way."""
    DATA_LOSS = "data-loss"
    STOPS_WORKLOAD = "stops-workload"
    """A machine or a service is stopped unannounced."""
    DELAYS = "delays"
    DEGRADES = "degrades"
    NONE = "none"


class Phase(StrEnum):
    """In which part of an upgrade it happens, in their order."""

    ADMISSION = "admission"
    IMAGE = "image"
    PRELOAD = "preload"
    SYSTEM_SERVICES = "system-services"
    NODE_DRAIN = "node-drain"
    NODE_UPGRADE = "node-upgrade"
    AFTER = "after"


class Certainty(StrEnum):
    """How sure a consequence is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    """The rule was inferred; the text says what was not proven."""
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What happens if one goes on, apart from who stops for it.

    Rule: refused, hangs, fails or data-loss that is certain or likely belongs to a finding of severity fail, so that
    READY never stands above a sentence that says the upgrade hangs.
    """

    effect: Effect
    phase: Phase
    certainty: Certainty
    text: str
    """One sentence."""

    @property
    def stops(self) -> bool:
        """Say whether the upgrade, as far as anybody can tell, does not get through."""
        ends = (Effect.REFUSED, Effect.HANGS, Effect.FAILS, Effect.DATA_LOSS)
        return self.effect in ends and self.certainty is not Certainty.POSSIBLE


class Where(StrEnum):
    """Where a command is typed."""

    CLUSTER = "cluster"
    """Anywhere with kubectl or helm: the connection flags of the run belong to it."""
    NODE = "node"
    """On the node itself."""
    TOOL = "tool"
    """This tool's own command line."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command to type. The words `|`, `>` and `&&` stand for themselves; all others are taken to the letter."""

    argv: tuple[str, ...]
    where: Where = Where.CLUSTER
    why: str = ""


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """The object a finding is about."""

    api_version: str
    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str


@dataclass(frozen=True, slots=True)
class Remediation:
    """How `fix` would cure a finding."""

    strategy: str
    """recreate-job, toggle, settle-status, rebuild or clean-leftovers."""
    automatic: bool
    """Whether `check --remediate` may apply it without being asked about this finding."""


@dataclass(frozen=True, slots=True)
class Waived:
    """The waiver of the configuration file that covers a finding."""

    reason: str
    expires: str
    """RFC 3339 date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with one object."""

    severity: Severity
    cause: str
    """A stable identifier, unique within its check."""
    message: str
    """One sentence with the measured value and the limit; for people under pressure."""
    hint: str
    """What to do, in one sentence; what to type is in `commands`."""
    resource: ResourceRef
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON values: what was measured and compared. Times are RFC 3339 in UTC."""
    transient: bool = False
    """Whether it is expected to go away by itself: `--wait` waits for these only."""
    enforced_by: tuple[Enforcer, ...] | None = None
    """Who stops for it here. None: whoever the check names; the runner fills that in."""
    consequence: Consequence | None = None
    """What happens if one goes on. None: what the check says for all its findings; the runner fills that in."""
    commands: tuple[Command, ...] = ()
    """What to type next, ready to paste, in order."""
    touches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What it is about beside its object, by kind of tie (node, pod, pvc, chart, volume, vm): for links between findings."""
    remediation: Remediation | None = None
    waived: Waived | None = None
    id: str = ""
    """A stable fingerprint of check, cause and object; the report fills it in."""
    caused_by: tuple[str, ...] = ()
    """The ids of the findings it follows from; the report fills them in."""
    folded: bool = False
    """Whether one of those is the same fault of the same object, so that it is shown there only."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something a check could not determine. It never improves the verdict."""

    reason: Reason

    @property
    def node(self) -> str:
        """Return the node it is about: an attestation of the configuration may answer for that node."""
        return self.reason.node


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A check's word that it has nothing to say about this cluster."""

    reason: str


Outcome = Finding | Unknown | NotApplicable


@dataclass(frozen=True, slots=True)
class UpgradePair:
    """From which version to which. None: not known."""

    from_version: HarvesterVersion | None
    to_version: HarvesterVersion | None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Where the objects came from."""

    type: str
    """live, support-bundle, snapshot, objects or demo."""
    name: str
    """The server's address, the file's name or the demo's name."""
    collected_at: datetime
    """The decision clock: never the clock of the machine the tool runs on."""
    clock: str = ""
    """Whose clock that is, in words."""
    notes: tuple[str, ...] = ()
    """What the reader should know about the reading, such as which namespaces a bundle holds."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one registered check came to. Every registered check has one in every report."""

    id: str
    title: str
    category: str
    status: Status
    reason: str
    docs: str
    duration_ms: float
    findings: tuple[Finding, ...]
    worst: Severity = Severity.FAIL
    """The worst severity this check can yield: an advisory check that is unknown does not decide."""
    reasons: tuple[Reason, ...] = ()
    """What could not be determined, as values; `reason` is the same in words."""
    required: bool = False
    left_out: bool = False
    """Whether --select or --skip left it out, so that it was not asked."""
    waived_by: str = ""
    """The annotation by which the server itself would let it pass."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of what applies was asked: a partial run says so."""

    partial: bool
    asked: int
    """Checks that apply to this pair of versions and were run."""
    applicable: int
    """Checks that apply, those included that were left out."""
    left_out: tuple[str, ...] = ()
    """The ids of those that were left out."""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer."""

    tool_version: str
    source: SourceInfo
    upgrade: UpgradePair
    verdict: Verdict
    exit_code: int
    summary: Mapping[str, int]
    checks: tuple[CheckResult, ...]
    scope: Scope
    fail_on: str = "fail"
    """From which severity on a finding blocks, as asked for: fail, warn or never."""
