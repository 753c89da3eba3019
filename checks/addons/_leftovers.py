"""Which objects an Addon can leave behind, found in one pass over everything that was read.

What belongs to an Addon NAME in NAMESPACE: the HelmChart NAME; the Jobs helm-install-NAME and helm-delete-NAME with
their pods; what helm-controller makes for them (chart-content-NAME, helm-NAME, helm-NAMESPACE-NAME); the Helm releases
of that name; workloads and claims labelled app.kubernetes.io/instance=NAME or NAME-root; the namespace itself when it
does not finish terminating.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from preflight.api import (
    JsonObject,
    Unreadable,
    View,
    condition,
    human_duration,
    labels_of,
    parse_time,
    ref_of,
    text_at,
)

from ._facts import CHARTS, JOBS, PODS, RELEASES
from ._gather import revision, unsound

Key = tuple[str, str]
"""(namespace, name) of an Addon."""
WORKLOADS = ("deployments.apps", "daemonsets.apps", "statefulsets.apps")
CONTENTS, ACCOUNTS = "configmaps/chart-content", "serviceaccounts"
BINDINGS, CLAIMS = "clusterrolebindings.rbac.authorization.k8s.io", "persistentvolumeclaims"
NAMESPACES = "namespaces"
EVERYTHING = (CHARTS, JOBS, PODS, *WORKLOADS, CONTENTS, ACCOUNTS, BINDINGS, RELEASES, CLAIMS, NAMESPACES)
LITTER = (CONTENTS, ACCOUNTS, BINDINGS)
"""What helm-controller applies again whatever is there: enabling works all the same (tried with a ClusterRoleBinding)."""
GOING = timedelta(minutes=10)
"""How long a deletion may take before what it is about counts as left behind."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """One object that is still there."""

    need: str
    obj: JsonObject
    note: str = ""
    """What else there is to say of it, such as the status of a release."""

    def words(self) -> str:
        """Name it for a sentence."""
        ref = ref_of(self.obj)
        return f"{ref.kind} {ref.name}" + (f" ({self.note})" if self.note else "")

    def facts(self) -> dict[str, Any]:
        """Name it for the evidence; `data` marks what is never proposed for deletion."""
        ref = ref_of(self.obj)
        found: dict[str, Any] = {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": str(self.obj["metadata"].get("uid") or ""),
        }
        return found | ({"note": self.note} if self.note else {}) | ({"data": True} if self.need == CLAIMS else {})


@dataclass(frozen=True, slots=True)
class Remains:
    """Everything that could be left, by where it would be looked for."""

    named: Mapping[tuple[str, str, str], JsonObject]
    """By (need, namespace, name)."""
    grouped: Mapping[tuple[str, str, str], list[JsonObject]]
    """By (need, namespace, the label's value that joins it to an Addon)."""
    view: View

    def of(self, key: Key) -> list[Leftover]:
        """List what is left of one Addon, in the order in which it would be deleted; data and namespace last."""
        return list(self._of(*key))

    def _of(self, namespace: str, name: str) -> Iterator[Leftover]:
        for need, where, what in (
            (CHARTS, namespace, name),
            (JOBS, namespace, f"helm-install-{name}"),
            (JOBS, namespace, f"helm-delete-{name}"),
        ):
            yield from self._one(need, where, what)
        for pod in self.grouped.get((PODS, namespace, name), ()):
            yield Leftover(PODS, pod, _phase(pod))
        for need in WORKLOADS:
            yield from self._instances(need, namespace, name)
        yield from self._one(CONTENTS, namespace, f"chart-content-{name}")
        yield from self._one(ACCOUNTS, namespace, f"helm-{name}")
        yield from self._one(BINDINGS, "", f"helm-{namespace}-{name}")
        for secret in sorted(self.grouped.get((RELEASES, namespace, name), ()), key=revision):
            yield Leftover(RELEASES, secret, str(labels_of(secret).get("status") or ""))
        yield from self._instances(CLAIMS, namespace, name)
        yield from self._terminating(namespace)

    def _one(self, need: str, namespace: str, name: str) -> Iterator[Leftover]:
        obj = self.named.get((need, namespace, name))
        if obj is not None:
            yield Leftover(need, obj)

    def _instances(self, need: str, namespace: str, name: str) -> Iterator[Leftover]:
        for instance in (name, f"{name}-root"):
            yield from (Leftover(need, obj) for obj in self.grouped.get((need, namespace, instance), ()))

    def _terminating(self, namespace: str) -> Iterator[Leftover]:
        obj = self.named.get((NAMESPACES, "", namespace))
        since = parse_time(str(obj["metadata"].get("deletionTimestamp") or "")) if obj else None
        if obj is not None and since is not None:
            yield Leftover(NAMESPACES, obj, f"terminating for {human_duration(self.view.now - since)}{_held(obj)}")


def read_remains(view: View) -> Remains:
    """Index everything that was read; what is only just being deleted is left out."""
    named: dict[tuple[str, str, str], JsonObject] = {}
    grouped: dict[tuple[str, str, str], list[JsonObject]] = {}
    for need in EVERYTHING:
        for obj in () if view.missing(need) else view.objects(need):
            if unsound(obj) or _just_going(view, obj):
                continue
            ref = ref_of(obj)
            named[need, ref.namespace, ref.name] = obj
            if group := _group(need, labels_of(obj)):
                grouped.setdefault((need, ref.namespace, group), []).append(obj)
    return Remains(named, grouped, view)


def _group(need: str, labels: Mapping[str, Any]) -> str:
    key = {PODS: "helmcharts.helm.cattle.io/chart", RELEASES: "name"}.get(need, "app.kubernetes.io/instance")
    return str(labels.get(key) or "")


def _just_going(view: View, obj: JsonObject) -> bool:
    since = parse_time(str(obj["metadata"].get("deletionTimestamp") or ""))
    return since is not None and view.now - since < GOING


def _phase(pod: JsonObject) -> str:
    status = pod.get("status")
    phase = status.get("phase") if isinstance(status, dict) else None
    return phase if isinstance(phase, str) else ""


def _held(namespace: JsonObject) -> str:
    try:
        for kind in ("NamespaceFinalizersRemaining", "NamespaceContentRemaining"):
            found = condition(namespace, kind)
            if found and text_at(found, "status") == "True":
                return f": {text_at(found, 'message')}"
    except Unreadable:  # only the explanation is lost, not that it hangs
        pass
    return ""
