"""The error tree. Each error knows the exit code it ends the run with.

    PreflightError              1   the tool itself failed
    ├── UsageError              2   the command line, the environment or an argument is wrong
    │   └── ConfigError         2   the configuration file or a plugin registration is wrong
    ├── SourceError             4   the cluster or file could not be read at all: undecided, never ready
    │   ├── FlagError           2   nothing was asked: a connection flag names what is not there, or no cluster is configured
    │   └── NoSource            2   nothing was asked: what --source names is nothing that can be read
    └── RemediationError        5   a repair was refused, failed or did not converge

`Unreadable` and `NotCollected` are not in the tree: they travel from a check to the runner, which turns them into
`unknown` with their text as the reason; they never end the run.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preflight.terms import Reason


class ExitCode(IntEnum):
    """What a run ends with."""

    READY = 0
    """Also: planned, repaired, nothing to do."""
    TOOL_FAILED = 1
    USAGE = 2
    BLOCKED = 3
    UNDECIDED = 4
    NOT_REPAIRED = 5
    INTERRUPTED = 130


class PreflightError(Exception):
    """An expected failure: one line for the user, more with -v."""

    exit_code = ExitCode.TOOL_FAILED

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        """Further lines, printed with -v only."""


class UsageError(PreflightError):
    """The command line or an argument is wrong."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """The configuration file, or the registration of checks, is wrong."""


class SourceError(PreflightError):
    """The cluster or file could not be read at all."""

    exit_code = ExitCode.UNDECIDED
    code = "error"
    """A model.Code."""


class FlagError(SourceError):
    """A connection flag, or KUBECONFIG, names what is not there, or no cluster is configured at all."""

    exit_code = ExitCode.USAGE


class NoSource(SourceError):
    """What --source names is nothing that can be read: damaged, empty, or something else altogether."""

    exit_code = ExitCode.USAGE


class RemediationError(PreflightError):
    """A repair was refused, failed, or did not reach its goal."""

    exit_code = ExitCode.NOT_REPAIRED


class Unreadable(Exception):
    """A field of an object is there but is not what the API says it is."""


class NotCollected(Exception):
    """A check asked for a resource that the source could not give; `reason` (a model.Reason) says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason
