"""What the API server itself does to Jobs: it gives each a selector of its own, and then keeps it."""

from __future__ import annotations

from . import errors
from .resources import Kind
from .store import Obj

UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
HERALDS = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}
"""The condition that has to be there before a Job may be finished."""
FIXED = ("selector", "template", "completions", "completionMode")


def is_job(kind: Kind) -> bool:
    """Whether a kind is that of Jobs."""
    return (kind.group, kind.plural) == ("batch", "jobs")


def prepare(kind: Kind, job: Obj) -> None:
    """Fill in selector and labels of a new Job; refuse those of another life of it, which a saved copy brings along."""
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    spec = job.setdefault("spec", {})
    if spec.get("manualSelector"):
        return
    template = spec.setdefault("template", {})
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    match = spec.setdefault("selector", {}).setdefault("matchLabels", {})
    for label in UID_LABELS:
        if labels.setdefault(label, uid) != uid:
            why = f"Invalid value: {labels}: must be '{uid}'"
            raise errors.invalid(kind, name, f"spec.template.metadata.labels[{label}]", why)
    for label in NAME_LABELS:
        labels.setdefault(label, name)
    if match.setdefault(UID_LABELS[0], uid) != uid:
        raise errors.invalid(kind, name, "spec.selector", f"Invalid value: {match}: `selector` not auto-generated")


def check_update(kind: Kind, old: Obj, new: Obj) -> None:
    """Refuse a change of what cannot change in a Job."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for field in FIXED:
        if before.get(field) != after.get(field):
            raise errors.invalid(kind, new["metadata"]["name"], f"spec.{field}", "Invalid value: field is immutable")


def acceptable(status: Obj, *, heralded: bool) -> Obj:
    """Return a status as a real API server takes it: a Job that has ended says so in full, and nothing runs any more.

    From 1.32 on the server holds even the Job controller to these rules; `heralded`, whether it knows all conditions.
    """
    status = dict(status)
    conditions = list(status.pop("conditions", None) or [])
    true = {entry["type"]: entry for entry in conditions if entry.get("status") == "True"}
    if status.get("completionTime") and not true.keys() & HERALDS.keys():
        true["Complete"] = _condition("Complete", status["completionTime"])
        conditions.append(true["Complete"])
    end = true.get("Complete") or true.get("Failed")
    if end is not None:
        herald = HERALDS[end["type"]]
        if herald not in true:
            conditions.insert(0, {**end, "type": herald})
        when = end.get("lastTransitionTime") or status.get("completionTime") or status.get("startTime")
        for field in ("active", "ready", "terminating", "uncountedTerminatedPods", "completionTime"):
            before = status.pop(field, None)
            if field == "completionTime" and end["type"] == "Complete":
                status[field] = before or when
        status.setdefault("startTime", when)
    if not heralded:
        conditions = [entry for entry in conditions if entry["type"] not in HERALDS.values()]
    return {**status, "conditions": conditions} if conditions else status


def _condition(name: str, when: str) -> Obj:
    times = {"lastProbeTime": when, "lastTransitionTime": when}
    return {"type": name, "status": "True", "reason": "CompletionsReached", **times}
