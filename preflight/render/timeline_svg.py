"""Lay out the timeline of a finding as a drawing: a lane per object and clock, and an arrow where a thing happens
before what it follows from, which only clocks that differ can bring about.

Distances grow with the logarithm of the time between two moments: 15 s of skew must stay visible beside an age of 3 h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, pairwise

from preflight.render.timeline import UNRANKED, Moment, clock_texts, inversions, rank
from preflight.values.times import human_duration

WIDTH, MARGIN, LETTER, LINE = 640.0, 14.0, 6.9, 16.0
MAX_LABEL = 30


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
    """Whether an arrow begins or ends here."""
    label: Text


@dataclass(frozen=True, slots=True)
class Lane:
    """One object on one clock."""

    title: str
    y: float
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From a cause to its effect, which carries an earlier time."""

    x1: float
    y1: float
    x2: float
    y2: float
    label: Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template draws; units are those of the view box."""

    width: float
    height: float
    top: float
    ticks: list[Text]
    lanes: list[Lane]
    arrows: list[Arrow]


def drawing(moments: list[Moment]) -> Drawing | None:
    """Lay out the moments that have a time; None when there are fewer than two, where there is nothing to compare."""
    timed = [moment for moment in moments if moment.time]
    if len(timed) < 2:
        return None
    places = _places(sorted({moment.time for moment in timed if moment.time}))
    words = dict(zip((moment.time for moment in timed), clock_texts(timed), strict=True))
    ticks, rows = _spread([(places[time], words[time]) for time in places], LINE)
    top = rows * LINE + 10
    backwards = inversions(timed)
    lanes, spots, bottom = _lanes(timed, places, top, set(chain.from_iterable(backwards)))
    arrows = [
        _arrow(spots[cause], spots[effect], (timed[effect].time, timed[cause].time)) for cause, effect in backwards
    ]
    return Drawing(WIDTH, bottom, top, ticks, lanes, arrows)


def _places(times: list[datetime]) -> dict[datetime, float]:
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    weights = [1 + math.log2(1 + gap) for gap in gaps]
    room = WIDTH - 2 * MARGIN
    # Short gaps get room for their labels, as far as there is room.
    floor = sum(weights) * min(66 / room, 0.7 / len(weights)) if weights else 0
    weights = [max(weight, floor) for weight in weights]
    scale, x = room / sum(weights) if weights else 0, MARGIN
    places = {times[0]: x}
    for time, weight in zip(times[1:], weights, strict=True):
        x += weight * scale
        places[time] = x
    return places


def _spread(words: list[tuple[float, str]], y: float) -> tuple[list[Text], int]:
    """Place words at their x, in as many lines as it takes to keep them apart."""
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
        ends[row : row + 1] = [left + size]
        texts.append(Text(round(x, 1), y + row * LINE, anchor, word))
    return texts, len(ends)


def _lanes(
    moments: list[Moment], places: dict[datetime, float], top: float, odd: set[int]
) -> tuple[list[Lane], list[tuple[float, float]], float]:
    groups: dict[tuple[str, str], list[int]] = {}
    for index in sorted(range(len(moments)), key=lambda index: _lane_order(moments, index)):
        subject = moments[index].event.partition(" ")[0]
        groups.setdefault((subject, moments[index].clock), []).append(index)
    lanes, spots, y = [], [(0.0, 0.0)] * len(moments), top
    for (subject, clock), indexes in groups.items():
        indexes.sort()
        line = y + 34
        points = [(places[time], moments[index]) for index in indexes if (time := moments[index].time)]
        labels, rows = _spread([(x, _label(moment.event)) for x, moment in points], line + 20)
        marks = []
        for index, (x, _), label in zip(indexes, points, labels, strict=True):
            spots[index] = (x, line)
            marks.append(Mark(round(x, 1), line, index in odd, label))
        named = "Addon operation" if subject == "Operation" else subject
        title = f"{named} · clock: {clock}" if clock else named
        lanes.append(Lane(title if len(title) <= 80 else title[:79] + "…", line, marks))
        y = line + 20 + rows * LINE
    return lanes, spots, y


def _lane_order(moments: list[Moment], index: int) -> tuple[int, int, str, str]:
    """Order lanes by cause: the objects first, then the clocks of one object."""
    subject, clock = moments[index].event.partition(" ")[0], moments[index].clock
    same = [moment for moment in moments if moment.event.partition(" ")[0] == subject]
    return _first_rank(same), _first_rank([moment for moment in same if moment.clock == clock]), subject, clock


def _first_rank(moments: list[Moment]) -> int:
    return min((rank(moment.event) for moment in moments), default=UNRANKED)


def _label(event: str) -> str:
    subject, _, rest = event.partition(" ")
    return rest or subject


def _arrow(
    cause: tuple[float, float], effect: tuple[float, float], times: tuple[datetime | None, datetime | None]
) -> Arrow:
    (x1, y1), (x2, y2) = cause, effect
    earlier, later = times
    gap = human_duration(later - earlier) if earlier and later else ""
    # Ends short of the marks, so that both stay visible.
    length = math.hypot(x2 - x1, y2 - y1) or 1
    dx, dy = (x2 - x1) / length * 9, (y2 - y1) / length * 9
    middle = Text(round((x1 + x2) / 2, 1), round((y1 + y2) / 2 - 6, 1), "middle", f"−{gap}")
    return Arrow(round(x1 + dx, 1), round(y1 + dy, 1), round(x2 - dx, 1), round(y2 - dy, 1), middle)
