"""Checks in any language: programs called `harvester-preflight-check-NAME` on the PATH.

Protocol (schemas/exec_check.schema.json): called with `describe`, the program prints {apiVersion, kind: ExecCheck, id,
title, category, needs: [{resource, fields}], ...}; called with `run`, it reads {upgrade, now, objects, missing,
options} as JSON on standard input and prints {apiVersion, kind: ExecResult, outcomes: [...]}. Whatever else happens
(another exit code than 0, a time-out, other output) makes the check `unknown`: a program that broke has not said
`ready`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from preflight.border import problem_of
from preflight.check import Check, need
from preflight.documents import API_VERSION, schema_problems
from preflight.errors import Unreadable
from preflight.inventory import View
from preflight.model import Code, Enforcer, Finding, NotApplicable, Outcome, Reason, ResourceRef, Severity, Unknown
from preflight.registry import broken_check
from preflight.resources import RESOURCES
from preflight.values.times import format_time

PREFIX = "harvester-preflight-check-"
DESCRIBE_SECONDS = 5.0
RUN_SECONDS = 30.0
MAX_OUTPUT = 16 << 20


def find_programs(path: str | None = None) -> dict[str, str]:
    """Find the programs on the PATH, by the name after the prefix; the first on the PATH wins, as a shell's would."""
    found: dict[str, str] = {}
    for folder in (path if path is not None else os.environ.get("PATH", "")).split(os.pathsep):
        try:
            names = sorted(name for name in os.listdir(folder) if name.startswith(PREFIX)) if folder else []
        except OSError:
            continue
        for name in names:
            if name not in found and shutil.which(name, path=folder):
                found[name] = str(Path(folder) / name)
    return {name.removeprefix(PREFIX): program for name, program in sorted(found.items())}


def exec_check(name: str, program: str) -> Check:
    """Ask a program what it checks. One that does not answer properly becomes a check that is `unknown` by name."""
    try:
        content = _call(program, "describe", b"", DESCRIBE_SECONDS)
        _require(program, content, "ExecCheck")
        needs = tuple(
            need(entry["resource"], *entry.get("fields", ()), optional=entry.get("optional", False))
            for entry in content.get("needs", ())
            if _known(entry["resource"])
        )
    except Unreadable as error:
        return broken_check(name, program, str(error))

    def run(view: View) -> Iterator[Outcome]:
        return _run(program, view, [entry.resource.name for entry in needs])

    check = Check(
        id=content["id"],
        title=content["title"],
        category=content.get("category", "plugin"),
        needs=needs,
        run=run,
        worst=Severity(content.get("worst", "fail")),
        from_versions=content.get("from", ""),
        to_versions=content.get("to", ""),
        enforced_by=(Enforcer.NONE,),
        docs=content.get("docs", ""),
        why=content.get("why", ""),
        how=content.get("how", ""),
        fix=content.get("fix", ""),
        causes=content.get("causes", {}),
        origin=program,
    )
    problem = problem_of(check)
    return broken_check(name, program, problem) if problem else check


def _run(program: str, view: View, needs: list[str]) -> Iterator[Outcome]:
    pair = view.upgrade
    given = {
        "apiVersion": API_VERSION,
        "kind": "ExecInput",
        "upgrade": {
            "from": str(pair.from_version) if pair.from_version else None,
            "to": str(pair.to_version) if pair.to_version else None,
            "via": pair.via.value,
        },
        "now": format_time(view.now),
        "objects": {name: list(view.inventory.get(name).objects) for name in needs},
        "missing": {name: str(view.missing(name)) for name in needs if view.missing(name)},
        "options": dict(view.options),
    }
    try:
        content = _call(program, "run", json.dumps(given).encode(), RUN_SECONDS)
        _require(program, content, "ExecResult")
    except Unreadable as error:
        yield Unknown(Reason(Code.CRASHED, str(error)))
        return
    for outcome in content["outcomes"]:
        yield _outcome(outcome)


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    if "unknown" in entry:
        return Unknown(Reason(Code.ERROR, entry["unknown"]))
    if "notApplicable" in entry:
        return NotApplicable(entry["notApplicable"])
    ref = entry["resource"]
    return Finding(
        severity=Severity(entry["severity"]),
        cause=entry["cause"],
        message=entry["message"],
        hint=entry["hint"],
        resource=ResourceRef(ref.get("apiVersion", ""), ref["kind"], ref.get("namespace", ""), ref["name"]),
        evidence=entry.get("evidence", {}),
        transient=entry.get("transient", False),
    )


def _call(program: str, verb: str, given: bytes, seconds: float) -> Any:
    what = f"{program} {verb}"
    code, printed, complaints = _answer([program, verb], given, seconds, what)
    if len(printed) > MAX_OUTPUT:
        raise Unreadable(f"{what} printed more than {MAX_OUTPUT >> 20} MiB")
    if code != 0:
        last = complaints.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Unreadable(f"{what} ended with exit code {code}" + (f": {last[0][:200]}" if last else ""))
    try:
        return json.loads(printed)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{what} printed no JSON: {error}") from None


def _answer(command: list[str], given: bytes, seconds: float, what: str) -> tuple[int, bytes, bytes]:
    """Run a program to its end; return its exit code and the first MAX_OUTPUT + 1 bytes of each thing it prints.

    When it has printed too much or taken too long, it ends, with whatever it started.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise Unreadable(f"{what} cannot be started: {error.strerror or error}") from None
    ends, printed = time.monotonic() + seconds, (bytearray(), bytearray())
    try:
        readers = [
            threading.Thread(target=_collect, args=(process, pipe, kept), daemon=True)
            for pipe, kept in zip((process.stdout, process.stderr), printed, strict=True)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(max(0.0, ends - time.monotonic()))
        if any(reader.is_alive() for reader in readers):
            raise subprocess.TimeoutExpired(command, seconds)
        process.wait(max(0.0, ends - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Unreadable(f"{what} did not answer within {seconds:g} s") from None
    finally:
        _end_all(process)
        process.wait()
    return process.returncode, bytes(printed[0]), bytes(printed[1])


def _collect(process: subprocess.Popen[bytes], pipe: Any, kept: bytearray) -> None:
    """Keep what a program prints; one that prints too much is ended at once."""
    with pipe:
        while piece := pipe.read1(65536):
            kept += piece[: MAX_OUTPUT + 1 - len(kept)]
            if len(kept) > MAX_OUTPUT:
                _end_all(process)
                return


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End a program with all it started: both are in a group of their own, where the system has such groups."""
    if process.returncode is not None:  # waited for: its number may by now be another's
        return
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _require(program: str, content: Any, kind: str) -> None:
    problems = schema_problems(content, {}, "exec_check")
    if not problems and content["kind"] != kind:
        problems = [f"kind is {content['kind']}, not {kind}"]
    if problems:
        raise Unreadable(f"the answer of {program} does not fit the schema: {problems[0]}")


def _known(resource: str) -> bool:
    if resource not in RESOURCES:
        raise Unreadable(f"it needs {resource!r}, which this tool cannot read")
    return True
