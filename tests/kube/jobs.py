"""What the API server itself does to Jobs: it gives each a selector of its own, and then keeps it."""

from __future__ import annotations

from . import errors
from .resources import Kind
from .store import Obj

UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
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
