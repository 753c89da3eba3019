"""Group findings into entries: one fault, one entry, whatever number of objects has it.

An entry is of one check, one cause, one severity and one consequence. Roots come before what follows from them; the
blocking roots are numbered, since they are the steps to take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from preflight.render import document as doc
from preflight.render.shorten import stands_for
from preflight.report_types import CheckDocument, FindingDocument, ReportDocument

_WORST_FIRST = ("data-loss", "refused", "hangs", "fails", "stops-workload", "delays", "degrades", "none", "")


@dataclass(slots=True)
class Entry:
    """Findings that are one fault."""

    check: CheckDocument
    findings: list[FindingDocument]
    blocks: bool
    number: int = 0
    """The step it is, counted from 1; 0: none, since it follows from another entry or does not block."""
    roots: list[Entry] = field(default_factory=list)
    """The entries it follows from."""
    explains: list[Entry] = field(default_factory=list)
    """The entries that follow from it."""

    @property
    def first(self) -> FindingDocument:
        """Return the finding that speaks for all."""
        return self.findings[0]

    @property
    def cause(self) -> str:
        """Return the cause they share."""
        return str(self.first["cause"])

    @property
    def severity(self) -> str:
        """Return the severity they share."""
        return str(self.first["severity"])

    @property
    def amount(self) -> int:
        """Count the findings."""
        return sum(stands_for(finding) for finding in self.findings)

    @property
    def effect(self) -> str:
        """Return what happens if one goes on, empty when that is not known."""
        consequence = self.first.get("consequence")
        return str(consequence["effect"]) if consequence else ""

    @property
    def label(self) -> str:
        """Name it, for one that follows from it: its number, else its check."""
        return str(self.number) if self.number else str(self.check["id"])


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a report, in the order a reader needs them."""

    blocking: list[Entry]
    warnings: list[Entry]
    infos: list[Entry]
    waived: list[Entry]


def entries_of(report: ReportDocument) -> Entries:
    """Group the findings of a report. A folded finding is shown under its root only, and so is in no entry."""
    found = doc.sections(report)
    blocking = _grouped(found.blockers, blocks=True)
    warnings, infos = _grouped(found.warnings), _grouped(found.infos)
    _link([*blocking, *warnings, *infos], _folded(report))
    ordered = _ordered(blocking)
    steps = [entry for entry in ordered if not any(root.blocks for root in entry.roots)]
    for number, entry in enumerate(steps, 1):
        entry.number = number
    return Entries(ordered, _ordered(warnings), infos, _grouped(found.waived))


def _grouped(items: Iterable[doc.Item], *, blocks: bool = False) -> list[Entry]:
    groups: dict[tuple[str, ...], Entry] = {}
    for item in items:
        if item.finding.get("folded"):
            continue
        finding = item.finding
        told: Mapping[str, object] = item.finding.get("consequence") or {}
        key = (
            *(str(part) for part in (item.check["id"], finding["cause"], finding["severity"])),
            *(str(told.get(part)) for part in ("effect", "phase", "certainty")),
        )
        groups.setdefault(key, Entry(item.check, [], blocks)).findings.append(finding)
    return list(groups.values())


def _folded(report: ReportDocument) -> Mapping[str, Sequence[str]]:
    """Return of each folded finding, which no entry shows, the roots that are shown in its place."""
    findings = [item.finding for item in doc.items(report)]
    return {one["id"]: one.get("causedBy", ()) for one in findings if one.get("folded") and one.get("id")}


def _roots(finding: FindingDocument, folded: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """Yield the ids of what a finding follows from, in place of a folded one those of its own roots."""
    todo, seen = list(finding.get("causedBy", ())), set()
    while todo:
        name = todo.pop(0)
        if name not in seen:
            seen.add(name)
            todo += folded.get(name, ())
            yield name


def _link(entries: Iterable[Entry], folded: Mapping[str, Sequence[str]]) -> None:
    entries = list(entries)
    owner = {finding.get("id"): entry for entry in entries for finding in entry.findings if finding.get("id")}
    for entry in entries:
        ids = dict.fromkeys(cause for finding in entry.findings for cause in _roots(finding, folded))
        for root in dict.fromkeys(id(owner[cause]) for cause in ids if cause in owner):
            other = next(one for one in entries if id(one) == root)
            if other is not entry and entry not in other.roots:
                entry.roots.append(other)
                other.explains.append(entry)


def _ordered(entries: list[Entry]) -> list[Entry]:
    """Put roots first, by what they do to the upgrade, each with what follows from it behind it."""
    rank: Mapping[int, int] = {id(entry): _rank(entry.effect) for entry in entries}
    done: list[Entry] = []

    def put(entry: Entry) -> None:
        if not any(entry is one for one in done):
            done.append(entry)
            for follower in sorted(entry.explains, key=lambda one: rank.get(id(one), 0)):
                if any(follower is one for one in entries):
                    put(follower)

    roots = [entry for entry in entries if not any(root is one for root in entry.roots for one in entries)]
    for entry in (*sorted(roots, key=lambda one: rank[id(one)]), *entries):
        put(entry)
    return done


def _rank(effect: str) -> int:
    return _WORST_FIRST.index(effect) if effect in _WORST_FIRST else len(_WORST_FIRST)


_EFFECTS = {
    "refused": ("refused", "at creation"),
    "hangs": ("hangs", ""),
    "fails": ("fails", ""),
    "data-loss": ("loses data", ""),
    "stops-workload": ("stops a workload", ""),
    "delays": ("delays", ""),
    "degrades": ("degrades", ""),
}
_PHASES = {
    "admission": "at creation",
    "image": "while the image is fetched",
    "preload": "while images are preloaded",
    "system-services": "in system-services",
    "node-drain": "while a node drains",
    "node-upgrade": "while a node is upgraded",
    "after": "afterwards",
}
_MAY = {
    "refused": "may be refused",
    "hangs": "may hang",
    "fails": "may fail",
    "data-loss": "may lose data",
    "stops-workload": "may stop a workload",
    "delays": "may delay",
    "degrades": "may degrade",
}


def effect_words(finding: FindingDocument) -> str:
    """Say in a few words what happens if one goes on: `hangs in system-services`; empty when that is not known."""
    told = finding.get("consequence")
    if not told or told["effect"] not in _EFFECTS:
        return ""
    verb, where = _EFFECTS[told["effect"]]
    if told["certainty"] == "possible":
        verb = _MAY[told["effect"]]
    elif told["certainty"] == "likely" and told["effect"] in ("refused", "hangs", "fails", "data-loss"):
        verb = f"likely {verb}"
    return f"{verb} {where or _PHASES.get(told['phase'], '')}".strip()


def plural(kind: str, amount: int) -> str:
    """Write a kind in the number it has: Node, Nodes; StorageClass, StorageClasses; Registry, Registries."""
    if amount == 1 or not kind:
        return kind
    if kind.endswith(("s", "x", "ch")):
        return f"{kind}es"
    if kind.endswith("y") and kind[-2:-1] not in "aeiou":
        return f"{kind[:-1]}ies"
    return f"{kind}s"


NAMES = 3
LONGEST_NAME = 40


def objects_of(entry: Entry, ellipsis: str) -> str:
    """Name the objects of an entry: at most three, a namespace they share once, generated names shortened."""
    refs = [finding["resource"] for finding in entry.findings]
    seen = list(dict.fromkeys((ref["kind"], ref["namespace"], ref["name"]) for ref in refs))
    amount = max(entry.amount, len(seen))
    kinds = list(dict.fromkeys(kind for kind, _, _ in seen))
    kind = plural(kinds[0], amount) if len(kinds) == 1 else "Objects"
    namespaces = {namespace for _, namespace, _ in seen}
    shared = namespaces.pop() if len(namespaces) == 1 and amount > 1 else ""
    most = NAMES if amount > NAMES else amount
    names = [
        "/".join(part for part in ("" if shared else space, short_name(name, ellipsis)) if part)
        for _, space, name in seen[:most]
    ]
    if len(kinds) > 1:
        names = [f"{one[0]} {name}" for one, name in zip(seen, names, strict=False)]
    more = f" +{amount - most:,} more" if amount > most else ""
    where = f" in {shared}" if shared else ""
    text = f"{kind} {', '.join(names)}{more}{where}"
    return text.strip() or "the cluster"


def short_name(name: str, ellipsis: str) -> str:
    """Shorten a generated name, such as that of a volume, to what tells it apart."""
    head, dash, tail = name.partition("-")
    if dash and len(tail) == 36 and tail.count("-") == 4:
        return f"{head}-{tail[:8]}{ellipsis}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9]}{ellipsis}{name[-8:]}"
