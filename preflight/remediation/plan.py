"""A repair as data: ordered steps that say what would be written, to which object, why, and how to undo it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from preflight.commandline import shell_line
from preflight.inventory import JsonObject
from preflight.model import Finding, ResourceRef, Severity, SourceInfo, UpgradePair
from preflight.wording import kubectl


class Action(StrEnum):
    """What a step does to its object."""

    DELETE = "delete"
    CREATE = "create"
    UPDATE = "update"
    """A merge patch of the object itself; admission webhooks see it."""
    UPDATE_STATUS = "update-status"
    """A merge patch of the status subresource; the addon webhook does not see it."""


class Until(StrEnum):
    """What a step waits for after its write."""

    NOTHING = "nothing"
    JOB_RECREATED = "job-recreated"
    """A Job of the same name with another uid exists, and the Addon has settled."""
    ADDON_STATUS = "addon-status"
    TAKEN_UP = "taken-up"
    """The Addon's controller has begun to act on what its spec says now, however it will end."""
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Target:
    """One object, and the state of it that the plan was made for."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""
    """Empty where it is not known yet: an object that an earlier step creates or changes."""
    resource_version: str = ""

    @property
    def words(self) -> str:
        """Name the object for people."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def ref(self) -> ResourceRef:
        """Name the object as findings do."""
        return ResourceRef(self.api_version, self.kind, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Goal:
    """The state a step waits for."""

    until: Until = Until.NOTHING
    words: str = ""
    objects: tuple[Target, ...] = ()
    """JOB_RECREATED: the Addon, then the Job that was deleted. ADDON_STATUS, TAKEN_UP: the Addon. GONE: what must be
    absent."""
    statuses: tuple[str, ...] = ()
    """The values of status.status that count as settled, or as taken up."""
    stale: str = ""
    """When the failure was recorded that the repair starts from: one of this time is the old one, not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One write."""

    action: Action
    target: Target
    check: str
    cause: str
    finding: ResourceRef
    """The object the finding is about, which need not be the one that is written."""
    strategy: str
    reason: str
    risk: str
    undo: str
    loses: str = ""
    """What is lost for good; empty for a step that is not destructive."""
    automatic: bool = False
    commands: tuple[str, ...] = ()
    """What to type to do the same by hand: a line each, which begins with `kubectl` or `#`."""
    body: JsonObject | None = field(default=None, repr=False)
    """What is merged over the object (updates) or over its saved original (create). Never shown."""
    base: JsonObject | None = field(default=None, repr=False)
    """Create: the object to create it from; None means the one that an earlier step of the repair deleted."""
    also: tuple[Target, ...] = ()
    """What goes or changes along with the object, and is saved besides it."""
    goal: Goal = Goal()
    number: int = 0
    repair: int = 0
    """Steps of one finding share this number; when one fails, the rest of them are left out."""

    @property
    def destructive(self) -> bool:
        """Say whether something is lost that no undo brings back."""
        return bool(self.loses)


@dataclass(frozen=True, slots=True)
class OpenCause:
    """A finding that others follow from, and that is still so."""

    check: str
    finding: Finding

    @property
    def words(self) -> str:
        """Name it for people."""
        ref = self.finding.resource
        place = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
        return f"{self.check}: {self.finding.cause} of {ref.kind} {place}"


@dataclass(frozen=True, slots=True)
class First:
    """What to cure before some steps of a plan."""

    cause: OpenCause
    steps: tuple[int, ...]
    """The numbers of the steps that come after it."""
    needed: bool
    """Whether the repair does not hold without it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A finding that is not repaired, and why."""

    check: str
    cause: str
    resource: ResourceRef
    reason: str
    severity: Severity = Severity.FAIL


@dataclass(frozen=True, slots=True)
class During:
    """The Upgrade that runs beside a repair."""

    kind: str
    """Upgrade or UpgradePlan."""
    upgrade: str
    state: str
    then: str
    """What it does once the repair has reached its goal."""

    @property
    def words(self) -> str:
        """Its kind and name."""
        return f"{self.kind} {self.upgrade}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a repair would do, and all that it leaves alone."""

    source: SourceInfo
    upgrade: UpgradePair
    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...]
    undetermined: tuple[str, ...] = ()
    """Checks that could not say whether there is anything to repair, `id: reason`."""
    cleared: tuple[Refusal, ...] = ()
    """Of a rollback: what needs no putting back, and why."""
    during: During | None = None
    """With --during-upgrade: the Upgrade that runs; None where none does, or none may."""
    first: tuple[First, ...] = ()
    """What the findings follow from, and so is to be cured before."""


def by_hand(words: str, *values: object) -> str:
    """Write a kubectl command as one line, each `{}` filled in by one word whatever stands in it."""
    return shell_line(kubectl(words, *values).argv)


class Refused(Exception):
    """A strategy does not apply to a finding; the text says why, to the user."""


def target_of(obj: JsonObject) -> Target:
    """Name an object and the state it is in."""
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    texts = (str(metadata.get(key) or "") for key in ("namespace", "name", "uid", "resourceVersion"))
    return Target(str(obj.get("apiVersion") or ""), str(obj.get("kind") or ""), *texts)


def refusal(check: str, finding: Finding, reason: str) -> Refusal:
    """Say why a finding is left alone."""
    return Refusal(check, finding.cause, finding.resource, reason, finding.severity)
