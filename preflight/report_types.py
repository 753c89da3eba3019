"""The report as a JSON document, field by field: what is built once and then rendered, compared and combined.

The shapes are those of schemas/report.schema.json, and a test compares the two. `NotRequired` is a field that the
schema does not require: an older report has none, so a reader of saved reports asks with `.get`. Fields are only ever
added. Times are RFC 3339 in UTC, as text.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, final

SummaryDocument: TypeAlias = dict[str, int]
"""Checks by status (pass, warn, fail, unknown, skipped), and findings that are waived."""


class ToolDocument(TypedDict):
    """Which program wrote the report."""

    name: str
    version: str


class ReasonDocument(TypedDict):
    """Why something could not be determined; null where it is of no node, of no namespace, or nothing settles it."""

    code: str
    text: str
    node: str | None
    namespace: str | None
    cure: str | None
    """The command, or the permission, that would settle it."""


class SourceDocument(TypedDict):
    """What was read."""

    type: str
    """live, support-bundle, snapshot, objects, demo."""
    name: str
    """The server's address, the file's name or the demo's name."""
    collectedAt: str
    """The decision clock; never that of the machine the tool ran on."""
    clock: NotRequired[str]
    """Whose clock that is, in words; empty: that of the source itself."""
    notes: NotRequired[list[str]]
    context: NotRequired[str | None]
    """The context of the kubeconfig that was used."""
    connection: NotRequired[list[str]]
    """The connection flags of the run, without tokens: they belong to every command that a report prints."""
    clusterUid: NotRequired[str | None]
    """The uid of namespace kube-system; null where the source does not hold it."""
    unread: NotRequired[ReasonDocument | None]
    """Why nothing at all was read; null: something was."""


UpgradeDocument = TypedDict("UpgradeDocument", {"from": str | None, "to": str | None, "via": NotRequired[str]})
"""From which version to which, null: not known; via: what is to be created, `upgrade` or `upgrade-plan`."""


class ScopeDocument(TypedDict):
    """How much of what applies was asked, in checks."""

    partial: bool
    asked: int
    applicable: int
    """Those that were asked, and the ones that were left out."""
    leftOut: list[str]
    """Ids of the checks left out by --select or --skip."""
    by: NotRequired[list[str]]
    """The flags that left them out."""


class KnowledgeDocument(TypedDict):
    """What was known of releases and of their faults."""

    date: str | None
    """The newest date of its sources, YYYY-MM-DD."""
    sources: list[str]


class ResourceDocument(TypedDict):
    """An object of the cluster; all empty where a finding is about none, namespace empty where it has none."""

    apiVersion: str
    kind: str
    namespace: str
    name: str


class ConsequenceDocument(TypedDict):
    """What happens if one goes on, apart from who stops for it."""

    effect: str
    """refused, hangs, fails, data-loss, stops-workload, delays, degrades, none."""
    phase: str
    certainty: str
    """certain, likely, possible."""
    text: str
    """One sentence."""


class CommandDocument(TypedDict):
    """One command to type; the words |, > and && of its argv stand for themselves."""

    argv: list[str]
    where: str
    """cluster, node, tool."""
    why: str


class RemediationDocument(TypedDict):
    """The repair of a finding: by which strategy, and whether `fix` does it."""

    strategy: str
    automatic: bool


class WaivedDocument(TypedDict):
    """The waiver that covers a finding, until the end of the day `expires`, YYYY-MM-DD."""

    reason: str
    expires: str


class FindingDocument(TypedDict):
    """One fault of one object."""

    id: NotRequired[str]
    """A stable fingerprint of check, cause and object."""
    severity: str
    """fail, warn, info."""
    cause: str
    """Permanent; unique within its check."""
    message: str
    hint: str
    """First line: what to do. Each following line: one command."""
    resource: ResourceDocument
    evidence: dict[str, Any]
    """What was measured and compared, by check and cause."""
    transient: bool
    """Expected to go away by itself."""
    enforcedBy: list[str]
    consequence: NotRequired[ConsequenceDocument | None]
    """null: not known."""
    commands: NotRequired[list[CommandDocument]]
    touches: NotRequired[dict[str, list[str]]]
    """What it is about beside its object, by kind of tie: node, pod, pvc, chart, volume, vm."""
    causedBy: NotRequired[list[str]]
    """Ids of the findings it follows from."""
    folded: NotRequired[bool]
    """Whether one of those is the same fault of the same object: shown there only."""
    remediation: RemediationDocument | None
    waived: WaivedDocument | None


class CheckDocument(TypedDict):
    """What one check came to."""

    id: str
    """Permanent."""
    title: str
    """The healthy condition."""
    category: str
    status: str
    """The worst of its unwaived findings; unknown: could not be determined; skipped: does not apply."""
    reason: str
    """Why it is unknown or skipped; with fail: what besides could not be determined; empty otherwise."""
    reasons: NotRequired[list[ReasonDocument]]
    """The same as values."""
    docs: str
    durationMs: float
    worst: NotRequired[str]
    """The worst severity this check can yield."""
    required: NotRequired[bool]
    """Named by --require."""
    waivedBy: NotRequired[str | None]
    """The annotation that would make the server let it pass."""
    findings: list[FindingDocument]


@final
class ReportDocument(TypedDict):
    """A PreflightReport: one cluster."""

    apiVersion: str
    kind: Literal["PreflightReport"]
    context: NotRequired[str]
    """Which cluster, inside a PreflightReportList."""
    tool: ToolDocument
    source: SourceDocument
    upgrade: UpgradeDocument
    verdict: str
    """ready, blocked, undecided."""
    exitCode: int
    failOn: NotRequired[str]
    """From which severity on a finding blocks: fail, warn; never: the verdict of fail, exit code 0."""
    summary: SummaryDocument
    scope: NotRequired[ScopeDocument]
    knowledge: NotRequired[KnowledgeDocument]
    checks: list[CheckDocument]
    """Every registered check, also those that did not apply or could not be determined."""


@final
class ReportListDocument(TypedDict):
    """A PreflightReportList: several clusters, each report with its `context`."""

    apiVersion: str
    kind: Literal["PreflightReportList"]
    verdict: str
    """The worst one of its reports."""
    exitCode: int
    reports: list[ReportDocument]


Document: TypeAlias = ReportDocument | ReportListDocument
"""What is printed, and what every format takes; `kind` tells which."""
