"""Lay out the timeline of a finding as a drawing: two lanes, the API server's clock and the other's, and one bracket
that names the difference.

Distances are to scale where every moment can be told from its neighbours that way; else they grow with the logarithm
of the time between two moments, and the caption says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from preflight.render.timeline import Moment, clock_texts, gap, inversions
from preflight.values.times import human_duration

WIDTH, MARGIN, LETTER, LINE = 640.0, 14.0, 6.9, 15.0
MAX_LABEL, MAX_ROWS = 34, 3
CLOSEST = 8.0
"""Units that two moments must lie apart to be told from each other."""
_CONTROL_PLANE = ("API server", "kube-controller-manager")
"""Clocks of the control plane: what they write is compared as the API server's."""


@dataclass(frozen=True, slots=True)
class Text:
    """A word on the drawing."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on its lane."""

    x: float
    y: float
    odd: bool
    """Whether the bracket begins or ends here."""
    label: Text


@dataclass(frozen=True, slots=True)
class Lane:
    """One clock."""

    title: str
    y: float
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Bracket:
    """The difference: from a cause to its effect, which carries an earlier time."""

    x1: float
    x2: float
    y: float
    label: Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template draws; units are those of the view box."""

    width: float
    height: float
    lanes: list[Lane]
    bracket: Bracket | None
    to_scale: bool
    span: str
    """From when to when."""


def drawing(moments: list[Moment]) -> Drawing | None:
    """Lay out the moments that have a time; None when there are fewer than two, where there is nothing to compare."""
    timed = [moment for moment in moments if moment.time]
    if len(timed) < 2:
        return None
    places, to_scale = _places(sorted({moment.time for moment in timed if moment.time}))
    worst = max(inversions(timed), key=lambda pair: gap(timed, *pair), default=None)
    y, lanes = 4.0, []
    for title, indexes in _clocks(timed):
        lane, y = _lane(title, [(places[time], index, timed[index]) for index in indexes if (time := timed[index].time)],
                        y, worst or ())  # fmt: skip
        lanes.append(lane)
    bracket = None
    if worst:
        cause, effect = (places[time] for index in worst if (time := timed[index].time))
        text = f"{human_duration(gap(timed, *worst))} before its cause"
        bracket = Bracket(effect, cause, y + 12, Text((cause + effect) / 2, y + 30, "middle", text))
        y += 36
    words = clock_texts(timed)
    return Drawing(WIDTH, round(y, 1), lanes, bracket, to_scale, f"{words[0]} to {words[-1]}")


def _clocks(moments: list[Moment]) -> list[tuple[str, list[int]]]:
    """Sort the moments by who wrote them: the control plane, or any other clock."""
    ours = [index for index, moment in enumerate(moments) if moment.clock in _CONTROL_PLANE]
    others = [index for index, moment in enumerate(moments) if moment.clock not in _CONTROL_PLANE]
    named = list(dict.fromkeys(moments[index].clock for index in others if moments[index].clock))
    title = f"clock of {', '.join(named)}" if named else "another clock"
    lanes = (("the API server's clock", ours), (title if len(title) <= 80 else f"{title[:79]}…", others))
    return [(name, indexes) for name, indexes in lanes if indexes]


def _places(times: list[datetime]) -> tuple[dict[datetime, float], bool]:
    """Give every time its x, and say whether that is to scale."""
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    room = WIDTH - 2 * MARGIN
    scaled = [gap / (sum(gaps) or 1) * room for gap in gaps]
    to_scale = min(scaled, default=room) >= CLOSEST
    if not to_scale:
        weights = [1 + math.log2(1 + gap) for gap in gaps]
        scaled = [weight / sum(weights) * room for weight in weights]
    x = MARGIN
    places = {times[0]: round(x, 1)}
    for time, step in zip(times[1:], scaled, strict=True):
        x += step
        places[time] = round(x, 1)
    return places, to_scale


def _lane(title: str, points: list[tuple[float, int, Moment]], y: float, odd: tuple[int, ...]) -> tuple[Lane, float]:
    line = y + 26
    labels, rows = _spread([(x, moment.event) for x, _, moment in points], line + 20)
    marks = [Mark(x, line, index in odd, label) for (x, index, _), label in zip(points, labels, strict=True)]
    return Lane(title, line, marks), line + 10 + rows * LINE


def _spread(words: list[tuple[float, str]], y: float) -> tuple[list[Text], int]:
    """Place words at their x, in few lines: what has no room is left to the table below the drawing."""
    ends: list[float] = []
    texts = []
    for x, word in words:
        word = word if len(word) <= MAX_LABEL else word[: MAX_LABEL - 1] + "…"
        size = len(word) * LETTER
        left, anchor = x - size / 2, "middle"
        if left < 0:
            left, anchor = x, "start"
        elif left + size > WIDTH:
            left, anchor = x - size, "end"
        row = next((index for index, end in enumerate(ends) if end + 6 <= left), len(ends))
        if row == MAX_ROWS:
            texts.append(Text(x, y, anchor, ""))
            continue
        ends[row : row + 1] = [left + size]
        texts.append(Text(x, y + row * LINE, anchor, word))
    return texts, len(ends)
