"""The page as text: what it may hold, and what it forbids itself."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.render import Style, render
from preflight.render.timeline import Moment, inversions, timeline
from preflight.render.timeline_svg import WIDTH, drawing
from preflight.values.times import parse_time
from tests.render.documents import rows
from tests.render.reports import REPORTS, STUCK, blocked, fleet, hostile


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("name", REPORTS)
def test_nothing_is_fetched_and_nothing_runs_but_our_script(name: str) -> None:
    page = Page(render("html", REPORTS[name](), Style()))
    assert [tag for tag, _ in page.tags].count("script") == 1
    for tag, attributes in page.tags:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form")
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "style", "srcset")]
        if "href" in attributes:
            assert re.match(r"https?://|#|data:,$", attributes["href"] or ""), attributes


def test_the_policy_names_the_very_script_and_style() -> None:
    text = render("html", blocked(), Style())
    for tag in ("script", "style"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert content
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in text


def test_hostile_text_stays_text() -> None:
    page = Page(render("html", hostile(), Style()))
    assert "<script>alert(1)</script>" in "".join(page.words)
    assert "\\x1b[2J" in "".join(page.words)


def test_a_link_that_is_none_is_text() -> None:
    report = blocked()
    report["checks"][3]["docs"] = "javascript:alert(1)"
    text = render("html", report, Style())
    assert 'href="javascript' not in text
    assert "javascript:alert(1)" in text


def test_each_stuck_addon_has_its_drawing() -> None:
    assert [tag for tag, _ in Page(render("html", blocked(), Style())).tags].count("svg") == 1


def test_a_fleet_links_to_each_cluster() -> None:
    text = render("html", fleet(), Style())
    for number, name in enumerate(("berlin", "paris", "oslo")):
        assert f'<a href="#r{number}">{name}</a>' in text
        assert f'id="r{number}"' in text


def moments() -> list[Moment]:
    return timeline({"evidence": dict(STUCK.evidence)})


def test_the_skew_is_found() -> None:
    rows = moments()
    found = {(rows[cause].event, rows[effect].event) for cause, effect in inversions(rows)}
    assert found == {("Operation began (InProgress)", "Job created"), ("Pod created", "Pod started")}


def test_the_drawing_has_a_lane_per_object_and_clock() -> None:
    picture = drawing(moments())
    assert picture
    assert [lane.title for lane in picture.lanes] == [
        "Addon operation · clock: node of the harvester pod",
        "Job · clock: API server",
        "Job · clock: kube-controller-manager",
        "Pod · clock: API server",
        "Pod · clock: kubelet of harv-node-2",
        "Container · clock: kubelet of harv-node-2",
    ]
    assert sorted(arrow.label.text for arrow in picture.arrows) == ["−14 s", "−15 s"]
    assert all(arrow.x2 < arrow.x1 for arrow in picture.arrows)


def test_seconds_stay_visible_beside_hours() -> None:
    times = ("2026-11-23T12:00:00Z", "2026-11-23T15:30:44Z", "2026-11-23T15:30:58Z")
    picture = drawing([Moment(f"Thing {time}", parse_time(time), time, "", "") for time in times])
    assert picture
    places = [tick.x for tick in picture.ticks]
    assert places[2] - places[1] > 60


def test_one_moment_is_no_drawing() -> None:
    assert drawing(moments()[:1]) is None
    assert drawing([Moment("x", None, "soon", "", "")]) is None


@given(found=st.lists(rows, max_size=12))
def test_any_drawing_keeps_within_its_frame(found: list[dict[str, str]]) -> None:
    picture = drawing(timeline({"evidence": {"timeline": found}}))
    if picture:
        for lane in picture.lanes:
            assert 0 < lane.y < picture.height
            assert all(0 <= mark.x <= WIDTH and mark.label.y <= picture.height for mark in lane.marks)
        assert len({(text.x, text.y) for lane in picture.lanes for mark in lane.marks for text in [mark.label]}) == sum(
            len(lane.marks) for lane in picture.lanes
        )


def test_a_chart_older_than_the_operation_is_no_skew() -> None:
    rows = [
        Moment("HelmChart created", parse_time("2026-11-20T10:00:00Z"), "", "API server", ""),
        Moment("Operation began (InProgress)", parse_time("2026-11-23T10:00:00Z"), "", "node of the harvester pod", ""),
        Moment("Job created", parse_time("2026-11-23T10:00:01Z"), "", "API server", ""),
    ]
    assert inversions(rows) == []
