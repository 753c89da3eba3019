"""The table a person reads: the answer first, then what blocks and what to type."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.api import Explains, Tie, tool
from preflight.causes import identify, link
from preflight.commandline import Caller
from preflight.model import CheckResult, Code, Enforcer, Reason, Severity, Status, Waived
from preflight.render import Style, render
from preflight.render import document as doc
from preflight.report import command_line
from tests.render.reports import (
    CERT,
    DEGRADED,
    PASSES,
    REPORTS,
    SKEW,
    SOURCE,
    STUCK,
    blocked,
    document,
    finding,
    fleet,
    ready,
    result,
    undecided,
)

COMMANDS = list(map(command_line, STUCK.commands))


def lines(output: str, report: dict, **style: object) -> list[str]:  # type: ignore[type-arg]
    return render(output, report, Style(**{"width": 80, **style})).splitlines()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("ready", "READY  v1.4.0 → v1.4.1   5 gates · 0 undecided · 5 pass"),
        ("warn", "READY  v1.4.0 → v1.4.1   6 gates · 1 warn · 0 undecided · 5 pass"),
        (
            "blocked",
            "BLOCKED  v1.4.0 → v1.4.1   1 of 7 gates blocks (2 objects) · 1 warn · 0 undecided · 5 pass · 1 waived",
        ),
        ("undecided", "UNDECIDED  v1.4.0 → v1.4.1   5 gates · 3 undecided · 2 pass"),
        ("empty", "UNDECIDED  unknown version → unknown version   no gate was judged"),
        ("fleet", "BLOCKED  3 clusters; 1 blocked: paris; 1 undecided: oslo; 1 ready: berlin"),
    ],
)
@pytest.mark.parametrize("output", ["table", "wide"])
def test_the_first_line_answers(output: str, name: str, first: str) -> None:
    assert lines(output, REPORTS[name](), width=120)[0] == first


def test_sections_come_in_the_order_of_urgency() -> None:
    text = render("table", blocked() | {"checks": [*blocked()["checks"], undecided()["checks"][2]]}, Style(verbose=1))
    titles = ("Blocks the upgrade", "Could not be determined", "Warnings", "Waived", "Good to know", "What was checked")
    places = [text.index(title) for title in titles]
    assert places == sorted(places)


def test_a_command_stands_on_a_line_of_its_own_whatever_the_width() -> None:
    for width in (40, 80, 200):
        shown = [line.strip() for line in lines("table", blocked(), width=width, verbose=1)]
        for command in COMMANDS:
            assert command in shown


@pytest.mark.parametrize("width", [80, 100, 200])
def test_sentences_stay_within_the_width(width: int) -> None:
    for verbose in (0, 1):
        for line in lines("table", blocked(), width=width, verbose=verbose):
            assert len(line) <= width or line.strip() in COMMANDS


def test_the_timeline_is_in_order_of_time_and_shows_the_skew() -> None:
    shown = [line.strip() for line in lines("table", blocked(), verbose=1)]
    rows = [line for line in shown if "│  " in line and line[:2] == "15"]
    assert [row[:8] for row in rows] == sorted(row[:8] for row in rows)
    assert "kubelet of harv-node-2" in rows[0]
    assert "Pod started" in rows[0]
    after_job = shown[next(i for i, line in enumerate(shown) if "Job created" in line) + 1]
    assert after_job.endswith("14 s before: Operation began (InProgress)")
    after_pod = shown[next(i for i, line in enumerate(shown) if "Pod started" in line) + 1]
    assert after_pod.endswith("15 s before: Pod created")


def test_a_timeline_on_one_clock_remarks_nothing() -> None:
    rows = [
        {**row, "time": f"2026-11-23T15:30:{10 + i}Z"} for i, row in enumerate(_by_cause(STUCK.evidence["timeline"]))
    ]
    sound = replace(STUCK, evidence={"timeline": rows})
    text = render("table", document([result("addon-stuck", Status.FAIL, "addons", sound)]), Style(verbose=1))
    assert "before:" not in text
    assert "Pod started" in text


def _by_cause(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    order = ["Operation", "Job created", "Job started", "Pod created", "Pod started", "Container", "Job completed"]
    return sorted(rows, key=lambda row: next(i for i, word in enumerate(order) if row["event"].startswith(word)))


@pytest.mark.parametrize("broken", ["soon", [1, 2], {"event": "x"}, None, [], [{"time": 5, "event": None}]])
def test_a_timeline_of_another_shape_is_shown_as_it_is(broken: object) -> None:
    odd = replace(STUCK, evidence={"timeline": broken})
    text = render("table", document([result("addon-stuck", Status.FAIL, "addons", odd)]), Style())
    assert "job-predates-operation" in text


def test_quiet_keeps_the_answer_and_the_blockers() -> None:
    text = render("table", blocked(), Style(quiet=True))
    assert text.startswith("BLOCKED")
    assert "job-predates-operation" in text
    assert "clock-skew" not in text
    assert "What was checked" not in text
    assert lines("table", ready(), quiet=True) == [
        "READY  v1.4.0 → v1.4.1   5 gates · 0 undecided · 5 pass",
        "READY  v1.4.0 → v1.4.1  exit code 0",
    ]


def test_a_clean_cluster_says_what_was_checked() -> None:
    text = render("table", ready(), Style(verbose=1))
    for check in PASSES:
        assert f"✓ {check.id}" in text
    short = render("table", ready(), Style())
    assert "network-config" not in short
    assert "✓ 5 gates pass · – 1 do not apply" in short
    verbose = render("table", ready(), Style(verbose=1))
    assert "network-config: " in verbose
    assert "Applies to upgrades from >=1.6.0, not v1.4.0." in verbose


def test_equal_reasons_are_said_once() -> None:
    unreachable = (Reason(Code.UNREACHABLE, "https://192.0.2.10:6443: no route to host"),)
    report = document([result(f"check-{i}", Status.UNKNOWN, "nodes", reasons=unreachable) for i in range(30)])
    text = render("table", report, Style(width=80))
    assert text.count("no route to host") == 1
    assert "30 gates  Not reachable" in text
    assert "check-0, check-1," in render("table", report, Style(width=80, verbose=1))


def test_an_advisory_unknown_says_that_it_does_not_decide() -> None:
    text = render("table", undecided(), Style(verbose=1))
    assert "  Checks: addon-stuck; advisory, does not decide: addon-leftovers" in text
    assert "  Checks: node-ready" in text


def test_a_failed_check_still_says_what_it_could_not_see() -> None:
    reasons = (Reason(Code.FORBIDDEN, "secrets"),)
    report = document([result("addon-stuck", Status.FAIL, "addons", STUCK, reasons=reasons)])
    text = render("table", report, Style(verbose=1))
    assert "Could not be determined (1)" in text
    assert "Not allowed: secrets." in text
    assert "? addon-stuck  Not allowed: secrets." in render("table", report, Style())


def test_a_warning_that_blocks_is_a_blocker() -> None:
    report = document([result("clock-skew", Status.WARN, "nodes", SKEW)], fail_on="warn")
    text = render("table", report, Style(verbose=1))
    assert text.startswith("BLOCKED")
    assert "Blocks the upgrade (1)" in text
    assert "Warnings" not in text


def test_a_waiver_shows_its_reason_and_its_end() -> None:
    text = render("table", blocked(), Style(width=200, verbose=1))
    assert "Waived until 2026-12-01: rotation is planned" in text


def test_a_waived_finding_names_the_annotation_that_the_server_would_want() -> None:
    waived = Waived("known", "2026-12-01")
    scripts = (Enforcer.SCRIPTS,)
    for annotation, enforcers, shown in (
        ("harvesterhci.io/skipWebhook", (Enforcer.WEBHOOK, *scripts), True),
        ("harvesterhci.io/skipWebhook", scripts, False),  # it waives nothing there
        ("harvesterhci.io/skip-version-check", scripts, True),
        ("harvesterhci.io/skipWebhook", (Enforcer.NONE,), False),
        ("", (Enforcer.WEBHOOK,), False),
    ):
        finding = replace(STUCK, waived=waived, enforced_by=enforcers)
        report = document([replace(result("t", Status.PASS, "nodes", finding), waived_by=annotation)])
        for name in ("table", "wide", "markdown", "html", "github"):
            told = "The server stops for it all the same" in " ".join(
                render(name, report, Style(width=400, verbose=1)).split()
            )
            assert told is shown, (name, annotation, enforcers)


def test_a_transient_finding_names_wait() -> None:
    report = document([result("x", Status.FAIL, "nodes", replace(CERT, waived=None, severity=Severity.FAIL))])
    assert "--wait waits for it" in render("table", report, Style())


def test_much_evidence_is_cut_and_verbose_shows_it() -> None:
    many = replace(STUCK, evidence={f"value{i}": i for i in range(9)})
    report = document([result("addon-stuck", Status.FAIL, "addons", many)])
    assert "3 more with -v" in render("table", report, Style(width=200))
    assert "value8: 8" in render("table", report, Style(width=200, verbose=1))


@pytest.mark.parametrize(
    ("enforcers", "words"),
    [
        ((), "Nobody but this tool stops for it"),
        (("none",), "Nobody but this tool stops for it"),
        (("webhook",), "The server's webhook refuses the Upgrade"),
        (("upgrade-scripts", "docs"), "fails or hangs half-way; the upgrade documentation asks"),
        (("check.sh",), "Harvester's own check.sh reports it"),
    ],
)
def test_who_stops_is_said_in_words(enforcers: tuple[str, ...], words: str) -> None:
    report = blocked()
    for check in report["checks"]:
        for one in check["findings"]:
            one.update(enforcedBy=list(enforcers), consequence=None)
    assert words in render("table", report, Style(width=200, verbose=1))


def first_finding(report: dict[str, Any]) -> dict[str, Any]:
    return next(finding for check in report["checks"] for finding in check["findings"])


def test_a_consequence_in_the_message_is_said_once_and_in_its_place() -> None:
    report = blocked()
    finding = first_finding(report)
    finding["consequence"] = None
    finding["message"] = "It hangs. The server refuses."
    finding["evidence"] = {"consequence": "The server refuses."}
    text = render("table", report, Style(width=200, verbose=1))
    assert text.count("The server refuses.") == 1
    assert "  It hangs.\n" in text
    assert "If ignored: The server refuses.\n" in text


def test_objects_and_plain_maps_in_the_evidence_are_written_as_words() -> None:
    report = blocked()
    first_finding(report)["evidence"] = {
        "objects": [
            {"kind": "Job", "namespace": "a", "name": "b"},
            {"kind": "Node", "namespace": "", "name": "c", "note": "d"},
        ],
        "skews": {"harv-node-1": -15.0, "jobCreated": "now"},
    }
    text = render("table", report, Style(width=200, verbose=1))
    assert "objects: Job a/b, Node c (d); skews: harv-node-1 -15.0, job created now" in text


def test_wide_shows_every_check_and_shortens_nothing() -> None:
    text = render("wide", blocked(), Style(width=80))
    for check in blocked()["checks"]:
        assert check["id"] in text
        assert check["title"] in text
    assert "1.2 ms" in text
    assert "Applies to upgrades from >=1.6.0" in text


def test_each_cluster_of_a_fleet_is_named() -> None:
    text = render("table", fleet(), Style())
    places = [text.index(f"== {name} ==") for name in ("berlin", "paris", "oslo")]
    assert places == sorted(places)


def test_names_are_what_kubectl_takes() -> None:
    assert lines("name", blocked()) == [
        "addon.harvesterhci.io/pcidevices-controller -n harvester-system",
        "addon.harvesterhci.io/rancher-logging -n cattle-logging-system",
        "node/harv-node-2",
    ]
    assert lines("name", fleet())[0].endswith("-n harvester-system --context=paris")
    assert render("name", ready(), Style()) == ""


def test_a_name_that_would_be_two_words_is_quoted() -> None:
    evil = replace(STUCK, resource=replace(STUCK.resource, name="a; rm -rf /", namespace="-A --all"))
    report = document([result("addon-stuck", Status.FAIL, "addons", evil, evil)])
    assert lines("name", report) == ["'addon.harvesterhci.io/a; rm -rf /' -n '-A --all'"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("node n1 is cordoned", "Node n1 is cordoned."),
        ("v1.7.1 has known faults", "v1.7.1 has known faults."),
        ("rke2.io/internal-ip is missing!", "rke2.io/internal-ip is missing!"),
        ("workloadUpdateMethods is not set", "workloadUpdateMethods is not set."),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_but_a_name_is_left_as_it_is(text: str, wanted: str) -> None:
    assert doc.sentence(text) == wanted


def test_a_finding_about_our_own_configuration_says_nothing_of_the_upgrade() -> None:
    document = blocked()
    finding = next(check for check in document["checks"] if check["findings"])["findings"][0]
    finding.update(enforcedBy=[], evidence={}, consequence=None)
    assert doc.enforcement(finding).startswith("Nobody but this tool stops for it")
    assert doc.enforcement({**finding, "severity": "warn"}).startswith("Nothing stops for it")
    finding["resource"]["apiVersion"] = "harvester-preflight/v1"
    assert doc.enforcement(finding) == ""
    for name in ("table", "wide", "markdown", "html"):
        assert "gnored: ." not in render(name, document, Style(width=200))


NODE_DOWN = finding()


def linked(results: list[CheckResult]) -> dict[str, Any]:
    """Make a report in which node-ready explains the volumes of its node."""
    explains = (Explains("longhorn-volume-health", Tie.NODE),)
    checks = [
        SimpleNamespace(id=one.id, explains=explains if one.id == "node-ready" else (), explained_by=())
        for one in results
    ]
    return document(list(link(identify(results), checks)))  # type: ignore[arg-type]


def test_roots_come_first_and_what_follows_from_them_behind() -> None:
    report = linked(
        [
            result("longhorn-volume-health", Status.FAIL, "longhorn", *DEGRADED[:5]),
            result("node-ready", Status.FAIL, "nodes", NODE_DOWN),
            result("clock-skew", Status.WARN, "nodes", SKEW),
        ]
    )
    heads = [line for line in lines("table", report) if "✗" in line or line.strip().startswith("!")]
    assert [line.split()[:3] for line in heads] == [
        ["1", "✗", "node-ready"],
        ["✗", "longhorn-volume-health", "volume-degraded"],
        ["!", "clock-skew", "clock-skewed"],
    ]
    assert heads[1].endswith("follows from 1")


def test_what_follows_from_a_folded_entry_follows_from_the_one_that_is_shown() -> None:
    """The middle of a chain that is the same fault as its root is no entry: the end of it still has a root."""
    explains = {
        "node-ready": (Explains("longhorn-volume-health", Tie.NODE, folds=True),),
        "longhorn-volume-health": (Explains("clock-skew", Tie.CLUSTER, symptoms=("clock-skewed",)),),
    }
    results = [
        result("node-ready", Status.FAIL, "nodes", NODE_DOWN),
        result("longhorn-volume-health", Status.FAIL, "longhorn", DEGRADED[0]),
        result("clock-skew", Status.FAIL, "nodes", replace(SKEW, severity=Severity.FAIL)),
    ]
    checks = [SimpleNamespace(id=one.id, explains=explains.get(one.id, ()), explained_by=()) for one in results]
    report = document(list(link(identify(results), checks)))  # type: ignore[arg-type]
    heads = [line for line in lines("table", report) if "✗" in line]
    assert [line.split()[0] for line in heads] == ["1", "✗"]
    assert heads[1].endswith("follows from 1")


def test_a_cause_that_is_not_named_as_a_symptom_is_not_explained() -> None:
    explains = (Explains("clock-skew", Tie.CLUSTER, symptoms=("clock-stopped",)),)
    results = [
        result("node-ready", Status.FAIL, "nodes", NODE_DOWN),
        result("clock-skew", Status.WARN, "nodes", SKEW),
    ]
    checks = [
        SimpleNamespace(id=name, explains=told, explained_by=())
        for name, told in (("node-ready", explains), ("clock-skew", ()))
    ]
    (_, skew) = link(identify(results), checks)  # type: ignore[arg-type]
    assert skew.findings[0].caused_by == ()


@pytest.mark.parametrize("amount", [1, 30, 300, 4800])
@pytest.mark.parametrize("width", [80, 200])
def test_one_fault_is_one_entry_however_many_objects_have_it(amount: int, width: int) -> None:
    five = [result(f"check-{n}", Status.FAIL, "longhorn", *DEGRADED[: max(amount // 5, 1)]) for n in range(5)]
    shown = lines("table", document(five), width=width)
    assert len(shown) <= (50 if amount <= 300 else 60)
    assert shown[0].startswith("BLOCKED")
    assert shown[-1].startswith("BLOCKED")
    assert all(len(line) <= width for line in shown)


def test_a_hundred_causes_are_counted_and_named() -> None:
    many = [result(f"check-{n}", Status.FAIL, "longhorn", *DEGRADED[:48]) for n in range(100)]
    shown = lines("table", document(many))
    assert len(shown) <= 60
    assert any("more causes (-v)" in line for line in shown)


def test_a_partial_run_never_says_plain_ready() -> None:
    left = replace(result("x", Status.SKIPPED, "nodes", reason="not selected (--select)"), left_out="--select")
    report = document([*PASSES, left])
    assert report["scope"] == {"partial": True, "asked": 5, "applicable": 6, "leftOut": ["x"], "by": ["--select"]}
    shown = lines("table", report)
    for line in (shown[0], shown[-1]):
        assert line.startswith("READY as far as asked: 5 of 6 gates")


def test_commands_reach_the_cluster_that_was_checked() -> None:
    source = replace(SOURCE, context="prod", connection=("--context", "prod"))
    report = document([result("addon-stuck", Status.FAIL, "addons", STUCK)], source=source)
    text = render("table", report, Style(caller=Caller(("kubectl", "harvester-preflight"))))
    assert "kubectl --context prod delete job -n cattle-logging-system helm-install-rancher-logging" in text
    assert "kubectl harvester-preflight fix --context prod --only addon-stuck:" in text


def test_what_is_no_cluster_gets_no_command_that_changes_one() -> None:
    changing = replace(STUCK, commands=(tool("fix --only addon-stuck --apply"),))
    source = replace(SOURCE, type="objects", name="dump.yaml")
    text = render("table", document([result("addon-stuck", Status.FAIL, "addons", changing)], source=source), Style())
    assert "harvester-preflight fix --source dump.yaml --only addon-stuck\n" in text


def test_show_writes_one_entry_out() -> None:
    text = render("table", blocked(), Style(show=("addon-stuck:rancher-logging",)))
    assert "Operation began (InProgress)" in text
    assert "Operation began" not in render("table", blocked(), Style())
