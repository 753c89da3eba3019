"""The nouns of a report: what a check finds and what the tool makes of it. Plain frozen data, no behaviour.

Rule for every name here: the JSON report (schemas/report.schema.json) uses the same word in camelCase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from preflight.releases import NOTHING, Knowledge
from preflight.terms import (
    Certainty as Certainty,
)
from preflight.terms import (
    Code as Code,
)
from preflight.terms import (
    Command as Command,
)
from preflight.terms import (
    Consequence as Consequence,
)
from preflight.terms import (
    Effect as Effect,
)
from preflight.terms import (
    Phase as Phase,
)
from preflight.terms import (
    Reason as Reason,
)
from preflight.terms import (
    Where as Where,
)
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
    """recreate-job, toggle, settle-status, rebuild, clean-leftovers, unpause or delete-leftover."""
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


class Via(StrEnum):
    """What one creates to upgrade."""

    UPGRADE = "upgrade"
    """The Upgrade that is built into Harvester."""
    UPGRADE_PLAN = "upgrade-plan"
    """The UpgradePlan of the experimental Addon harvester-upgrade-manager."""


@dataclass(frozen=True, slots=True)
class UpgradePair:
    """From which version to which, and by which way. None: not known."""

    from_version: HarvesterVersion | None
    to_version: HarvesterVersion | None
    via: Via = Via.UPGRADE
    version_expected: bool = False
    """Whether the target's Version object is to be made once this says ready, and so cannot be there yet."""


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
    context: str = ""
    """The context of the kubeconfig that was used; empty where there is none."""
    connection: tuple[str, ...] = ()
    """The connection flags of the run, as kubectl takes them, without tokens: for the commands a report prints."""
    cluster_uid: str = ""
    """The uid of namespace kube-system, which tells this cluster from all others; empty where it was not read."""
    unread: Reason | None = None
    """Why nothing at all was read; None: something was."""


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
    required: bool = False
    waived_by: str = ""
    """The annotation by which the server itself would let it pass."""
    left_out: str = ""
    """The flag that left it out, `--select` or `--skip`, so that it was not asked."""
    reasons: tuple[Reason, ...] = ()
    """What could not be determined, as values; `reason` is the same in words."""


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
    by: tuple[str, ...] = ()
    """The flags that left them out: `--select`, `--skip`."""


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
    knowledge: Knowledge = NOTHING
    """What was known of releases and of their faults."""
