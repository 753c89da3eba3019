"""The border between checks and the report: what a check yields is examined, and standard output stays ours.

Rule: a check may come from anybody. One outcome that is not what it should be is that check's `crashed`, with its name,
and costs neither the other outcomes nor the run.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TextIO

from preflight.check import Check, Explains, Need, Option
from preflight.model import (
    Certainty,
    Code,
    Command,
    Consequence,
    Effect,
    Enforcer,
    Finding,
    NotApplicable,
    Outcome,
    Phase,
    Reason,
    Remediation,
    ResourceRef,
    Severity,
    Unknown,
    Where,
)
from preflight.values.paths import split_path
from preflight.values.secrets import cleaned_value, cleaned_words, without_secrets
from preflight.values.versions import check_range

_FINDING = {
    "severity": Severity,
    "cause": str,
    "message": str,
    "hint": str,
    "resource": ResourceRef,
    "evidence": Mapping,
    "transient": bool,
    "enforced_by": tuple | None,
    "consequence": Consequence | None,
    "commands": tuple,
    "touches": Mapping,
    "remediation": Remediation | None,
}
_PARTS: Mapping[type, Mapping[str, Any]] = {
    ResourceRef: {"api_version": str, "kind": str, "namespace": str, "name": str},
    Consequence: {"effect": Effect, "phase": Phase, "certainty": Certainty, "text": str},
    Command: {"argv": tuple, "where": Where, "why": str},
    Remediation: {"strategy": str, "automatic": bool},
    Reason: {"code": Code, "text": str, "node": str, "namespace": str, "cure": str},
}


_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CHECK = {
    **dict.fromkeys(("id", "title", "category", "from_versions", "to_versions", "docs", "why", "how", "fix"), str),
    **dict.fromkeys(("needs", "enforced_by", "links", "tags", "aliases", "explains", "explained_by"), tuple),
    **dict.fromkeys(("causes", "options"), Mapping),
    "waived_by": str,
    "worst": Severity,
    "consequence": Consequence | None,
}
_ITEMS = {
    "needs": Need,
    "enforced_by": Enforcer,
    "links": str,
    "tags": str,
    "aliases": str,
    "explains": Explains,
    "explained_by": Explains,
}


def problem_of(loaded: object) -> str:
    """Say what is wrong with the declaration of a check; empty when nothing is."""
    if not isinstance(loaded, Check):
        return f"it is a {type(loaded).__name__}, not a function decorated with @check"
    problems = [
        f"its {problem}" for name, kind in _CHECK.items() if (problem := _wrong(name, getattr(loaded, name), kind))
    ]
    if problems:
        return problems[0]
    items = [(name, item, kind) for name, kind in _ITEMS.items() for item in getattr(loaded, name)]
    items += [(f"option {name!r}", option, Option) for name, option in loaded.options.items()]
    items += [("causes", text, str) for cause in loaded.causes.items() for text in cause]
    items += [("option", name, str) for name in loaded.options]
    for item in items:
        if problem := _wrong(*item):
            return f"its {problem}"
    if not _ID.fullmatch(loaded.id):
        return "its id is not kebab-case"
    if not loaded.title or not loaded.category:
        return "it has no title or category"
    return _bad_value(loaded) or ("" if callable(loaded.run) else "it has nothing to call")


def _bad_value(loaded: Check) -> str:
    try:
        check_range(loaded.from_versions)
        check_range(loaded.to_versions)
        for need in loaded.needs:
            for path in need.fields:
                split_path(path)
    except ValueError as error:
        return str(error)
    return ""


def examined(outcome: object) -> Outcome | Reason:
    """Return the outcome as the report may take it, or the reason why it is none.

    Evidence becomes plain JSON values of its own, secrets go (preflight.values.secrets), and what only the engine fills
    in is taken off a finding: no check waives itself.
    """
    match outcome:
        case Finding():
            return _finding(outcome)
        case Unknown():
            if not (problem := _wrong_parts(outcome.reason, Reason, "reason")):
                return Unknown(clean_reason(outcome.reason))
        case NotApplicable():
            if not (problem := _wrong("reason", outcome.reason, str)):
                return NotApplicable(without_secrets(outcome.reason))
        case _:
            return _crashed(f"a {type(outcome).__name__}, which is no outcome")
    return _crashed(f"an {type(outcome).__name__} whose {problem}")


def clean_reason(reason: Reason) -> Reason:
    """Return a reason without secrets."""
    return replace(reason, text=without_secrets(reason.text), cure=without_secrets(reason.cure))


def _finding(finding: Finding) -> Finding | Reason:
    problem = _problem_of(finding)
    evidence: Any = {}
    if not problem:
        try:
            evidence = json.loads(json.dumps(dict(finding.evidence), allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            problem = f"evidence is not JSON: {error}"
    if problem:
        return _crashed(f"a Finding whose {problem}")
    told = finding.consequence
    return replace(
        finding,
        message=without_secrets(finding.message),
        hint=without_secrets(finding.hint),
        evidence=cleaned_value(evidence),
        consequence=replace(told, text=without_secrets(told.text)) if told else None,
        commands=tuple(map(_clean_command, finding.commands)),
        waived=None,
        id="",
        caused_by=(),
        folded=False,
    )


def _clean_command(command: Command) -> Command:
    words = cleaned_words([without_secrets(word) for word in command.argv])
    return replace(command, argv=tuple(words), why=without_secrets(command.why))


def _problem_of(finding: Finding) -> str:
    """Name the first field that is not what a Finding holds; empty when all are."""
    for name, kind in _FINDING.items():
        if problem := _wrong(name, getattr(finding, name), kind):
            return problem
    parts: list[tuple[Any, type, str]] = [
        (finding.resource, ResourceRef, "resource"),
        *((command, Command, "command") for command in finding.commands),
    ]
    if finding.consequence is not None:
        parts.append((finding.consequence, Consequence, "consequence"))
    if finding.remediation is not None:
        parts.append((finding.remediation, Remediation, "remediation"))
    words: list[tuple[str, Any, Any]] = [
        *(("enforced_by", one, Enforcer) for one in finding.enforced_by or ()),
        *(("touches", tie, str) for tie in finding.touches),
        *(("touches", names, tuple) for names in finding.touches.values()),
    ]
    found = [_wrong_parts(*part) for part in parts] + [_wrong(*word) for word in words]
    if not any(found):
        texts = [("argv", word) for command in finding.commands for word in command.argv]
        texts += [("touches", name) for names in finding.touches.values() for name in names]
        found = [_wrong(name, text, str) for name, text in texts]
    return next(filter(None, found), "")


def _wrong_parts(value: object, kind: type, name: str) -> str:
    if problem := _wrong(name, value, kind):
        return problem
    problems = (_wrong(f"{name}.{part}", getattr(value, part), wanted) for part, wanted in _PARTS[kind].items())
    return next(filter(None, problems), "")


def _wrong(name: str, value: object, kind: Any) -> str:
    if isinstance(value, kind):
        return ""
    return f"{name} is {_shown(value)}, not {getattr(kind, '__name__', kind)}"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # a foreign repr
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _crashed(what: str) -> Reason:
    return Reason(Code.CRASHED, f"the check yielded {what}")


class _Diversion:
    """Standard output led to standard error, for as long as anybody in any thread wants it so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = 0
        self._stream: TextIO | None = None
        self._saved: int | None = None

    def begin(self) -> None:
        with self._lock:
            self._wanted += 1
            if self._wanted > 1:
                return
            self._stream = sys.stdout
            sys.stdout = sys.stderr
            with suppress(OSError, ValueError, AttributeError):
                if self._stream is not None:
                    self._stream.flush()
            with suppress(OSError):  # what a C library or a child of the check writes
                self._saved = os.dup(1)
                os.dup2(2, 1)

    def end(self) -> None:
        with self._lock:
            self._wanted -= 1
            if self._wanted:
                return
            if self._saved is not None:
                os.dup2(self._saved, 1)
                os.close(self._saved)
            if self._stream is not None:
                sys.stdout = self._stream
            self._stream = self._saved = None


_diversion = _Diversion()


@contextmanager
def ours_alone(*, foreign: bool = True) -> Iterator[None]:
    """Keep standard output ours while somebody else's code runs: what it prints goes to standard error."""
    if not foreign:
        yield
        return
    _diversion.begin()
    try:
        yield
    finally:
        _diversion.end()
