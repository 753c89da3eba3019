"""What could not be determined, by reason: one missing permission makes many checks unknown and is mended once."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
    "error": "",
}
_SPLIT = re.compile(rf"; (?=(?:{'|'.join(CODES)}): |and \d+ more$)")
_BESIDES = re.compile(r"^besides[^:]*: ")
_COMMAND = re.compile(r"(.*\S): ((?:kubectl|harvester-preflight) \S.*)")


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
    found: dict[str, Reason] = {}
    for check in doc.sections(report).unknown:
        for text in reasons(check["reason"]):
            if text not in found:
                found[text] = Reason(*_in_words(text))
            (found[text].deciding if doc.decides(report, check) else found[text].advisory).append(check["id"])
    return sorted(found.values(), key=lambda reason: not reason.deciding)


def reasons(text: str) -> Iterator[str]:
    """Split the reason of a check, which is several `code: what and why` joined by semicolons."""
    yield from dict.fromkeys(part for part in _SPLIT.split(_BESIDES.sub("", text)) if part.strip()) or [
        "no reason given"
    ]


def _in_words(text: str) -> tuple[str, str]:
    match = _COMMAND.fullmatch(text)
    text, command = (f"{match[1]}:", match[2]) if match else (text, "")
    code, colon, rest = text.partition(": ")
    if colon and code in CODES:
        text = f"{CODES[code]}: {rest}" if CODES[code] else rest
    return doc.sentence(text), command
