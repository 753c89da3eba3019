"""The values a report is made of besides its nouns: why something is not known, what happens, what to type.

Rule: structure is a value. Nothing here is ever read back out of a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


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
