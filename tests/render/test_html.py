"""The page as text: what it may hold, and what it forbids itself."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.model import Status
from preflight.render import Style, render
from preflight.render.timeline import Moment, inversions, timeline
from preflight.render.timeline_svg import WIDTH, drawing
from preflight.values.times import parse_time
from tests.render.documents import rows
from tests.render.reports import REPORTS, SOURCE, STUCK, blocked, document, fleet, hostile, result


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


def test_the_drawing_has_two_lanes_and_one_bracket_that_names_the_difference() -> None:
    picture = drawing(moments())
    assert picture
    assert [lane.title for lane in picture.lanes] == [
        "the API server's clock",
        "clock of kubelet of harv-node-2, node of the harvester pod",
    ]
    assert picture.bracket
    assert picture.bracket.label.text == "15 s before its cause"
    assert picture.bracket.x1 < picture.bracket.x2
    assert picture.height <= 250


def test_the_words_beside_the_drawing_say_the_finding() -> None:
    (svg,) = (attributes for tag, attributes in Page(render("html", blocked(), Style())).tags if tag == "svg")
    assert "rancher-logging has been Enabling" in str(svg["aria-label"])
    assert "15 s before its cause" in str(svg["aria-label"])


def test_moments_are_to_scale_where_that_keeps_them_apart() -> None:
    def at(*times: str) -> list[Moment]:
        return [Moment(f"Thing {time}", parse_time(f"2026-11-23T{time}Z"), time, "", "") for time in times]

    near, far = drawing(at("12:00:00", "12:00:10", "12:00:30")), drawing(at("12:00:00", "15:30:44", "15:30:58"))
    assert near
    assert far
    assert near.to_scale
    places = [mark.x for lane in near.lanes for mark in lane.marks]
    assert round((places[2] - places[1]) / (places[1] - places[0]), 1) == 2.0
    assert not far.to_scale
    places = [mark.x for lane in far.lanes for mark in lane.marks]
    assert places[2] - places[1] > 60


def test_objects_of_one_fault_are_one_card() -> None:
    many = [replace(STUCK, resource=replace(STUCK.resource, name=f"a{n}")) for n in range(60)]
    page = Page(render("html", document([result("addon-stuck", Status.FAIL, "addons", *many)]), Style()))
    assert [tag for tag, _ in page.tags].count("article") == 1
    assert "60 objects" in page.words


def test_the_page_has_landmarks_and_says_what_it_is_of() -> None:
    source = replace(SOURCE, context="prod")
    page = Page(render("html", document([result("x", Status.FAIL, "nodes", STUCK)], source=source), Style()))
    tags = [tag for tag, _ in page.tags]
    assert {"nav", "main", "header", "footer"} <= set(tags)
    assert page.tags[tags.index("body") + 1] == ("a", {"class": "skip", "href": "#report"})
    assert "BLOCKED prod v1.4.0 → v1.4.1, harvester-preflight" in page.words


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
        assert picture.height <= 250
        labels = [mark.label for lane in picture.lanes for mark in lane.marks if mark.label.text]
        assert len({(text.x, text.y) for text in labels}) == len(labels)


def test_a_chart_older_than_the_operation_is_no_skew() -> None:
    rows = [
        Moment("HelmChart created", parse_time("2026-11-20T10:00:00Z"), "", "API server", ""),
        Moment("Operation began (InProgress)", parse_time("2026-11-23T10:00:00Z"), "", "node of the harvester pod", ""),
        Moment("Job created", parse_time("2026-11-23T10:00:01Z"), "", "API server", ""),
    ]
    assert inversions(rows) == []
