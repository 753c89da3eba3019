"""What a repair did, step by step, on disk before and after every write: readable even when the run was killed."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from preflight import __version__
from preflight.documents import API_VERSION
from preflight.errors import RemediationError, UsageError
from preflight.files import replace_file
from preflight.inventory import JsonObject
from preflight.remediation.plan import Action, Goal, Plan, Step, Target
from preflight.remediation.seal import seal
from preflight.remediation.trust import must_be_own_folder
from preflight.values.times import format_time

KIND = "PreflightJournal"

PLANNED = "planned"
STARTED = "started"
"""The request was about to be sent. A journal that ends here does not know whether the server carried it out."""
WRITTEN = "written"
"""The server accepted it; its goal was not reached yet."""
DONE = "done"
NOT_CONVERGED = "not-converged"
"""Written, but its goal was not reached."""
FAILED = "failed"
"""The server refused it: this step changed nothing."""
LEFT = "left"
"""Not tried, because something before it did not work out."""
UNDER_WAY = (STARTED, WRITTEN, NOT_CONVERGED)
CHANGED = (*UNDER_WAY, DONE)
"""States of a step that may have changed something."""


class Journal:
    """The journal of one run, and the folder with the saved objects."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self.path = folder / "journal.json"
        self.document: dict[str, Any] = {}

    def open(self, plan: Plan, *, command: str, cluster: str) -> None:
        """Create the folder and write the plan down. Raises RemediationError: nothing was changed yet."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.exists():
                raise UsageError(f"{self.path} is the journal of an earlier run: give another --backup-dir")
        except OSError as error:
            raise RemediationError(f"cannot use {self._folder} for the saved objects: {_why(error)}") from None
        must_be_own_folder(self._folder)
        self.document = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "id": uuid.uuid4().hex,
            "host": socket.gethostname(),
            "tool": {"name": "harvester-preflight", "version": __version__},
            "command": command,
            "server": plan.source.name,
            "cluster": cluster,
            "upgrade": {
                "from": str(plan.upgrade.from_version) if plan.upgrade.from_version else None,
                "to": str(plan.upgrade.to_version) if plan.upgrade.to_version else None,
            },
            "startedAt": format_time(self._now()),
            "finishedAt": None,
            "outcome": "running",
            "message": "",
            "remaining": [],
            "steps": [journal_entry(step) for step in plan.steps],
        }
        self.write()

    def reopen(self, document: dict[str, Any], command: str) -> None:
        """Go on with the journal of a run that was cut off."""
        self.document = document
        document.update(command=command, outcome="running", message="", finishedAt=None)

    def write(self) -> None:
        """Replace the file as a whole. Raises RemediationError."""
        self.document["seal"] = seal(self.document)
        text = json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"
        try:
            _replace(self.path, text)
        except OSError as error:
            raise RemediationError(f"cannot write the journal {self.path}: {_why(error)}") from None

    def save(self, obj: JsonObject, number: int) -> dict[str, str]:
        """Save an object as the server gave it. Return its file's name and digest. Raises RemediationError."""
        metadata = obj["metadata"]
        parts = (f"{number:02d}", str(obj["kind"]).lower(), metadata.get("namespace") or "", metadata["name"])
        name = "_".join(part for part in parts if part) + ".json"
        text = json.dumps(obj, indent=2, ensure_ascii=False) + "\n"
        try:
            _replace(self._folder / name, text)
        except OSError as error:
            raise RemediationError(
                f"cannot save {obj['kind']} {metadata['name']} to {self._folder}: {_why(error)}"
            ) from None
        return {"backup": name, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()}

    def entry(self, step: Step) -> dict[str, Any]:
        """Return the entry of a step, to be changed and written."""
        found: dict[str, Any] = self.document["steps"][step.number - 1]
        return found

    def note(self, step: Step, state: str, **more: Any) -> None:
        """Write down the new state of a step. Raises RemediationError."""
        entry = self.entry(step)
        entry.update(state=state, **more)
        entry["startedAt" if state == STARTED else "finishedAt"] = format_time(self._now())
        self.write()

    def close(self, outcome: str, message: str, remaining: list[dict[str, Any]]) -> None:
        """Write down how it ended; steps that were not reached are named as left. Raises RemediationError."""
        for entry in self.document["steps"]:
            if entry["state"] == PLANNED:
                entry["state"] = LEFT
        self.document.update(outcome=outcome, message=message, remaining=remaining)
        self.document["finishedAt"] = format_time(self._now())
        self.write()


def half_done(document: dict[str, Any]) -> bool:
    """Say whether something was taken away or switched off that the rest of its repair was to bring back."""
    begun: set[int] = set()
    for entry in document["steps"]:
        if entry["state"] in CHANGED:
            begun.add(entry["repair"])
        elif entry["repair"] in begun and entry["action"] != Action.DELETE.value:
            return True
    return False


def state_of(obj: JsonObject) -> dict[str, Any]:
    """Return what tells two states of one object apart."""
    metadata = obj.get("metadata") or {}
    return {
        "uid": metadata.get("uid"),
        "resourceVersion": metadata.get("resourceVersion"),
        "generation": metadata.get("generation"),
    }


def target_dict(target: Target) -> dict[str, Any]:
    """Name an object for a journal or a printed plan."""
    return {
        "apiVersion": target.api_version,
        "kind": target.kind,
        "namespace": target.namespace,
        "name": target.name,
        "uid": target.uid or None,
        "resourceVersion": target.resource_version or None,
    }


def step_dict(step: Step) -> dict[str, Any]:
    """Write a step as the schema describes it; the body of an object is never part of it."""
    finding = step.finding
    return {
        "number": step.number,
        "repair": step.repair,
        "action": step.action.value,
        "object": target_dict(step.target),
        "check": step.check,
        "cause": step.cause,
        "finding": {
            "apiVersion": finding.api_version,
            "kind": finding.kind,
            "namespace": finding.namespace,
            "name": finding.name,
        },
        "strategy": step.strategy,
        "reason": step.reason,
        "risk": step.risk,
        "undo": step.undo,
        "loses": step.loses,
        "destructive": step.destructive,
        "automatic": step.automatic,
        "commands": list(step.commands),
        "waitsFor": step.goal.words,
    }


def journal_entry(step: Step) -> dict[str, Any]:
    """Write a step down as one that has not begun."""
    return {
        **step_dict(step),
        "state": PLANNED,
        "startedAt": None,
        "finishedAt": None,
        "backup": None,
        "sha256": None,
        "also": [],
        # what is sent for a create is its backup; changes are small and hold no values of the object
        "change": step.body if step.action in (Action.UPDATE, Action.UPDATE_STATUS) else None,
        "goal": _goal_dict(step.goal),
        "before": None,
        "after": None,
        "settled": None,
        "message": "",
    }


def _goal_dict(goal: Goal) -> dict[str, Any]:
    return {
        "until": goal.until.value,
        "objects": [target_dict(target) for target in goal.objects],
        "statuses": list(goal.statuses),
        "stale": goal.stale,
    }


def _replace(path: Path, text: str) -> None:
    replace_file(path, [text])
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _why(error: OSError) -> str:
    return error.strerror or str(error)
