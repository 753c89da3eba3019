"""Link findings: which follows from which, as the checks declare it (`explains`, `explained_by`).

A root and what follows from it share something: a node, a pod, a claim, a chart, or the whole cluster. Nothing is
judged again here: a finding keeps its severity and its place; it learns the ids of the findings it follows from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from preflight.check import Check, Explains, Tie
from preflight.model import CheckResult, Finding, ResourceRef

_KINDS: Mapping[str, Tie] = {
    "Node": Tie.NODE,
    "Pod": Tie.POD,
    "PersistentVolumeClaim": Tie.PVC,
    "ManagedChart": Tie.CHART,
    "HelmChart": Tie.CHART,
    "Addon": Tie.CHART,
    "Bundle": Tie.CHART,
    "Volume": Tie.VOLUME,
    "VirtualMachine": Tie.VM,
    "VirtualMachineInstance": Tie.VM,
}
"""Kind of object → what a finding about one touches by that alone."""
_BARE = (Tie.NODE, Tie.CHART, Tie.VOLUME)
"""Ties whose objects are known by name alone: one chart may appear under the namespace of each of its objects."""


def finding_id(check_id: str, finding: Finding) -> str:
    """Make the fingerprint of a finding: the same for the same check, cause and object, whatever was measured."""
    ref = finding.resource
    parts = (check_id, finding.cause, ref.kind, ref.namespace, ref.name)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


def identify(results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Give every finding its id; a second one of the same check, cause and object is told apart by its number."""
    return tuple(replace(result, findings=tuple(_identified(result))) for result in results)


def _identified(result: CheckResult) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for finding in result.findings:
        name = finding_id(result.id, finding)
        seen[name] = seen.get(name, 0) + 1
        yield replace(finding, id=name if seen[name] == 1 else f"{name}-{seen[name]}")


def link(results: Sequence[CheckResult], checks: Sequence[Check]) -> tuple[CheckResult, ...]:
    """Give every finding the ids of those it follows from. The findings must have their ids (`identify`).

    A waived or merely informative finding explains nothing; two that would explain each other are told apart by the
    order of the checks, so that no circle comes about.
    """
    by_id = {result.id: result for result in results}
    links = _Links()
    for check in checks:
        for explains in check.explains:
            if check.id in by_id and explains.check in by_id:
                links.add(explains, by_id[check.id].findings, by_id[explains.check].findings)
        for explains in check.explained_by:
            if check.id in by_id and explains.check in by_id:
                links.add(explains, by_id[explains.check].findings, by_id[check.id].findings)
    if not links.causes:
        return tuple(results)
    return tuple(replace(result, findings=tuple(map(links.apply, result.findings))) for result in results)


@dataclass
class _Links:
    causes: dict[str, list[str]] = field(default_factory=dict)
    """Id of a finding → ids of those it follows from."""
    folded: set[str] = field(default_factory=set)

    def add(self, explains: Explains, roots: Sequence[Finding], symptoms: Sequence[Finding]) -> None:
        shared: dict[str, list[Finding]] = {}
        for root in roots:
            if root.waived is None and root.severity != "info" and root.cause in (explains.causes or (root.cause,)):
                for name in touched(root, explains.tie):
                    shared.setdefault(name, []).append(root)
        meant = [one for one in symptoms if one.cause in (explains.symptoms or (one.cause,))] if shared else []
        for symptom in meant:
            for name in touched(symptom, explains.tie):
                for root in shared.get(name, ()):
                    self._join(explains, root, symptom)

    def _join(self, explains: Explains, root: Finding, symptom: Finding) -> None:
        known = self.causes.setdefault(symptom.id, [])
        if root.id != symptom.id and root.id not in known and not self._follows(root.id, symptom.id):
            known.append(root.id)
            if explains.folds:
                self.folded.add(symptom.id)

    def _follows(self, later: str, earlier: str) -> bool:
        """Say whether `later` already follows from `earlier`, by however many steps."""
        todo, seen = [later], set()
        while todo:
            name = todo.pop()
            if name == earlier:
                return True
            if name not in seen:
                seen.add(name)
                todo += self.causes.get(name, ())
        return False

    def apply(self, finding: Finding) -> Finding:
        causes = self.causes.get(finding.id)
        if not causes:
            return finding
        return replace(finding, caused_by=tuple(sorted(causes)), folded=finding.id in self.folded)


def touched(finding: Finding, tie: Tie) -> Iterator[str]:
    """Yield what a finding touches by one kind of tie."""
    if tie is Tie.CLUSTER:
        yield ""
        return
    if tie is Tie.OBJECT:
        ref = finding.resource
        yield "/".join((ref.kind, ref.namespace, ref.name))
        return
    if _KINDS.get(finding.resource.kind) is tie:
        yield _name(finding.resource, tie)
    yield from finding.touches.get(tie.value, ())


def _name(ref: ResourceRef, tie: Tie) -> str:
    return ref.name if tie in _BARE or not ref.namespace else f"{ref.namespace}/{ref.name}"
