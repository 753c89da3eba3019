"""What could not be determined, by reason: one missing permission makes many checks unknown and is mended once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from preflight.render import document as doc

CODES = {
    "forbidden": "not allowed",
    "not-served": "not served",
    "not-in-source": "not in this source",
    "node-only": "only visible on the node",
    "timed-out": "timed out",
    "crashed": "the check crashed",
    "unparsable": "not understood",
    "unreachable": "not reachable",
    "incomplete": "incomplete",
    "conflicting": "contradictory",
    "error": "",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason and the checks it keeps from an answer."""

    text: str
    command: str
    """What to type about it; empty when the reason names nothing."""
    deciding: list[str] = field(default_factory=list)
    advisory: list[str] = field(default_factory=list)

    @property
    def checks(self) -> str:
        """Name the checks, the advisory ones apart."""
        parts = [", ".join(self.deciding)] if self.deciding else []
        return "; ".join([*parts, f"advisory, does not decide: {', '.join(self.advisory)}"] if self.advisory else parts)


def undecided(report: dict[str, Any]) -> list[Reason]:
    """Group by reason, those that keep the verdict open first. A check with several reasons is under each."""
    found: dict[tuple[str, str], Reason] = {}
    for check in doc.sections(report).unknown:
        for words in dict.fromkeys(reasons(check)):
            reason = found.setdefault(words, Reason(*words))
            (reason.deciding if doc.decides(report, check) else reason.advisory).append(check["id"])
    return sorted(found.values(), key=lambda reason: not reason.deciding)


def reasons(check: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (sentence, command) for each reason of a check: what several nodes share once, with the nodes behind it."""
    nodes: dict[tuple[str, str, str], list[str]] = {}
    for reason in check.get("reasons") or [{"code": "error", "text": check["reason"] or "no reason given"}]:
        key = (reason["code"], reason["text"], reason.get("cure") or "")
        nodes.setdefault(key, []).extend(filter(None, [reason.get("node")]))
    return [_in_words(*key, names) for key, names in nodes.items()]


def _in_words(code: str, text: str, cure: str, nodes: list[str]) -> tuple[str, str]:
    if cure and text.endswith(f": {cure}"):
        text = text.removesuffix(cure).rstrip()
    if nodes:
        text += f" ({'nodes' if len(nodes) > 1 else 'node'} {', '.join(nodes)})"
    word = CODES.get(code, "")
    return doc.sentence(f"{word}: {text}" if word else text), cure
