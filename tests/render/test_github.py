"""Annotations, read back the way the runner of GitHub Actions reads them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from preflight.model import Severity, Status
from preflight.render import Style, render
from preflight.render.github import command
from tests.render.documents import documents
from tests.render.reports import FORBIDDEN, STUCK, blocked, document, fleet, hostile, ready, result, undecided
from tests.render.test_properties import few

LINE = re.compile(r"::(error|warning|notice) title=([^:,]*)::(.*)")


def annotations(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    for line in render("github", report, Style()).splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found.append((match[1], _plain(match[2]), _plain(match[3])))
    return found


def _plain(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_levels() -> None:
    found = annotations(blocked())
    assert found[0][:2] == ("error", "BLOCKED v1.4.0 → v1.4.1")
    levels = {title: level for level, title, _ in found}
    assert levels["addon-stuck: job-predates-operation"] == "error"
    assert levels["clock-skew: clock-skewed"] == "warning"
    assert levels["single-replica-volumes: detached-volume"] == "notice"
    assert levels["waived: certificate-expiry: certificate-expires"] == "notice"
    assert annotations(ready()) == [("notice", "READY v1.4.0 → v1.4.1", "5 gates, 0 undecided, 5 pass")]


def test_an_unknown_that_decides_is_an_error() -> None:
    levels = {title: level for level, title, _ in annotations(undecided())}
    assert levels["could not be determined: addon-stuck, addon-leftovers"] == "error"
    advisory = result("x", Status.UNKNOWN, "nodes", reasons=(FORBIDDEN,), worst=Severity.WARN)
    told = annotations(document([result("y", Status.PASS, "nodes"), advisory]))
    assert told[1][:2] == ("warning", "could not be determined: x")


def test_the_command_is_part_of_the_message() -> None:
    message = next(text for _, title, text in annotations(blocked()) if "job-predates-operation" in title)
    assert "\nkubectl delete job -n cattle-logging-system helm-install-rancher-logging\n" in message


def test_clusters_are_named() -> None:
    assert [title for _, title, _ in annotations(fleet()) if "v1.4.1" in title] == [
        "berlin: READY v1.4.0 → v1.4.1",
        "paris: BLOCKED v1.4.0 → v1.4.1",
        "oslo: UNDECIDED v1.4.0 → v1.4.1",
    ]


@pytest.mark.parametrize("text", ["100%0A", "a:b,c", "x\n::error::y", "\r\n"])
def test_nothing_ends_a_command_early(text: str) -> None:
    match = LINE.fullmatch(command("error", text, text))
    assert match
    assert (_plain(match[2]), _plain(match[3])) == (text, text)


@given(document=documents)
@few
def test_any_report_is_made_of_our_commands_only(document: dict[str, Any]) -> None:
    annotations(document)
    annotations(hostile())


def test_there_are_never_more_than_ten_of_a_level() -> None:
    many = [result(f"check-{n}", Status.FAIL, "nodes", STUCK) for n in range(30)]
    found = annotations(document(many))
    assert len(found) == 10
    assert found[-1][1] == "and 22 more, see the step summary"


def test_one_fault_is_one_annotation() -> None:
    volumes = [replace(STUCK, resource=replace(STUCK.resource, name=f"a{n}")) for n in range(40)]
    found = annotations(document([result("addon-stuck", Status.FAIL, "addons", *volumes)]))
    assert [title for _, title, _ in found][1:] == ["addon-stuck: job-predates-operation ×40"]
