"""Read back what a run wrote down: the journal and the saved objects, each bound to what it was saved for.

Rule: a saved object is used only where its digest, its kind, its name and (of an object that was there) its uid are
those of the journal, and the journal only where it is this user's own (preflight.remediation.seal) or was accepted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from preflight.documents import worst_problem
from preflight.errors import RemediationError, UsageError
from preflight.inventory import JsonObject
from preflight.model import ResourceRef
from preflight.remediation.permitted import must_be_permitted
from preflight.remediation.plan import Action, Goal, Step, Target, Until
from preflight.remediation.seal import why_unsealed
from preflight.remediation.trust import is_link, must_be_own_folder, read_own


def read_journal(path: Path, *, accept: bool = False) -> dict[str, Any]:
    """Read a journal and check it against its schema; with `accept` also one that is not this user's own.

    Raises UsageError for what is no journal, RemediationError for one that is not to be trusted.
    """
    try:
        document = json.loads(read_own(path, "the journal").decode("utf-8"))
    except OSError as error:
        if is_link(error):
            raise RemediationError(f"the journal {path} is a link, so it is not used: name the file itself") from None
        raise UsageError(f"cannot read the journal {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no journal: {error}") from None
    _must_fit_schema(path, document)
    must_be_own_folder(path.parent)
    why = "" if accept else why_unsealed(document)
    if why:
        raise RemediationError(
            f"the journal {path} may not be what this tool wrote: {why}. Read it and the saved objects beside it; "
            "when all is as it should be, give --accept-journal"
        )
    if document["command"] != "rollback":  # what a rollback did is planned from the journal of the fix
        for entry in document["steps"]:
            must_be_permitted(entry)
    return dict(document)


def _must_fit_schema(path: Path, document: Any) -> None:
    if problem := worst_problem(document, "journal"):
        raise UsageError(f"{path} is no journal: {problem}")


def read_saved(folder: Path, entry: Mapping[str, Any]) -> JsonObject:
    """Read the object that was saved for a step. Raises RemediationError for one that is not what was saved."""
    name = entry["backup"]
    if name in ("", "..") or Path(name).name != name:
        raise RemediationError(f"the journal names a saved object outside its folder: {name!r}")
    path = folder / name
    try:
        content = read_own(path, "the saved object")
        found = json.loads(content.decode("utf-8"))
    except OSError as error:
        why = "it is a link" if is_link(error) else error.strerror or str(error)
        raise RemediationError(f"cannot read the saved object {path}: {why}") from None
    except (ValueError, RecursionError) as error:
        raise RemediationError(f"cannot read the saved object {path}: {error}") from None
    if hashlib.sha256(content).hexdigest() != entry.get("sha256"):
        raise RemediationError(f"the saved object {path} is not what was saved: its SHA-256 differs from the journal's")
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise RemediationError(f"{path} holds no object")
    if differing := _differing(found, entry):
        raise RemediationError(f"the saved object {path} is not the one of step {entry['number']}: another {differing}")
    return found


def _differing(found: JsonObject, entry: Mapping[str, Any]) -> str:
    named, metadata = entry["object"], found["metadata"]
    told = {"apiVersion": named["apiVersion"], "kind": named["kind"]}
    seen = {"apiVersion": found.get("apiVersion"), "kind": found.get("kind")}
    told |= {"namespace": named["namespace"], "name": named["name"]}
    seen |= {"namespace": metadata.get("namespace") or "", "name": metadata.get("name")}
    if entry["before"]:
        told["uid"], seen["uid"] = entry["before"]["uid"], metadata.get("uid")
    return next((key for key, value in told.items() if seen[key] != value), "")


def target_from(named: Mapping[str, Any]) -> Target:
    """Return the object that an entry of a journal names, in the state the plan was made for."""
    identity = (named["apiVersion"], named["kind"], named["namespace"], named["name"])
    return Target(*identity, named["uid"] or "", named["resourceVersion"] or "")


def goal_from(entry: Mapping[str, Any]) -> Goal:
    """Return what a step waits for."""
    told = entry["goal"]
    objects = tuple(target_from(named) for named in told["objects"])
    return Goal(Until(told["until"]), entry["waitsFor"], objects, tuple(told["statuses"]), told["stale"])


def step_from(entry: Mapping[str, Any], *, sent: bool) -> Step:
    """Return a step as the journal describes it; only the uid of its object is still true."""
    target = replace(target_from(entry["object"]), resource_version="")
    finding = entry["finding"]
    return Step(
        action=Action(entry["action"]),
        target=target,
        check=entry["check"],
        cause=entry["cause"],
        finding=ResourceRef(finding["apiVersion"], finding["kind"], finding["namespace"], finding["name"]),
        strategy=entry["strategy"],
        reason=("was sent already, and is only waited for" if sent else "goes on: " + entry["reason"]),
        risk=entry["risk"],
        undo=entry["undo"],
        loses=entry["loses"],
        automatic=entry["automatic"],
        commands=tuple(entry["commands"]),
        body=entry["change"],
        goal=goal_from(entry),
        number=entry["number"],
        repair=entry["repair"],
    )
