"""Any report: strategies over the product's own model, with texts no cluster should hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from preflight.documents import API_VERSION
from preflight.model import (
    CheckResult,
    Enforcer,
    Finding,
    Remediation,
    ResourceRef,
    Severity,
    Status,
    UpgradePair,
    Waived,
)
from preflight.report import FAIL_ON, build_report, report_dict
from preflight.values.versions import parse_version
from tests.render.reports import EVIL, SOURCE

ANY_CHARACTER = st.characters(exclude_categories=())
"""Surrogates and unassigned ones included."""
texts = st.one_of(
    st.text(ANY_CHARACTER, max_size=12),
    st.text("\x00\x07\x1b\r\n\t\x7f\x9b\u202e\u2028\ufeff\ud800&<>\"'`|\\*_[]{}%:,=#$~-@. a1Ж中", max_size=20),
    st.sampled_from([EVIL, "", "x" * 300, "a b", "<b>", "]]>", "--", "..", "{{ 7 * 7 }}", "://", "::error::x"]),
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
times = st.sampled_from(
    ["2026-11-23T15:30:44Z", "2026-11-23T15:30:29.5Z", "2024-02-29T23:59:59Z", "0001-01-01T00:00:00Z"]
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "event": texts | st.sampled_from(["Job created", "Pod created", "Pod started", "Addon operation began"]),
        "time": times | texts | st.none(),
        "clock": texts,
        "note": texts,
    },
)
evidence = st.dictionaries(texts, values, max_size=3) | st.fixed_dictionaries(
    {"timeline": st.lists(rows, max_size=8) | values}
)
findings = st.builds(
    Finding,
    severity=st.sampled_from(Severity),
    cause=st.just("to-be-numbered"),
    message=texts,
    hint=st.lists(texts, max_size=3).map("\n".join),
    resource=st.builds(ResourceRef, texts, texts, texts, texts),
    evidence=evidence,
    transient=st.booleans(),
    enforced_by=st.lists(st.sampled_from(Enforcer), max_size=2).map(tuple),
    remediation=st.none() | st.builds(Remediation, texts, st.booleans()),
    waived=st.none() | st.builds(Waived, texts, texts),
)
checks = st.builds(
    CheckResult,
    id=st.just("to-be-numbered"),
    title=texts,
    category=texts | st.sampled_from(["addons", "nodes", "node_os"]),
    status=st.sampled_from(Status),
    reason=texts,
    docs=texts | st.just("https://docs.harvesterhci.io/"),
    duration_ms=st.floats(0, 10**7),
    findings=st.lists(findings, max_size=3).map(tuple),
    worst=st.sampled_from(Severity),
    required=st.booleans(),
)
versions = st.sampled_from([None, parse_version("v1.4.0"), parse_version("v1.4.1-rc1")])
sources = st.builds(replace, st.just(SOURCE), name=texts, clock=texts, notes=st.lists(texts, max_size=2).map(tuple))


def _numbered(results: list[CheckResult]) -> list[CheckResult]:
    """Give every check and every cause a name of its own that no other text contains."""
    return [
        replace(
            result,
            id=f"check-{number}-id",
            findings=tuple(
                replace(finding, cause=f"cause-{number}-{place}-id") for place, finding in enumerate(result.findings)
            ),
        )
        for number, result in enumerate(results)
    ]


def _report(results: list[CheckResult], source: Any, pair: tuple[Any, Any], fail_on: str) -> dict[str, Any]:
    return report_dict(build_report(source, UpgradePair(*pair), _numbered(results), fail_on))


reports = st.builds(
    _report, st.lists(checks, max_size=3), sources, st.tuples(versions, versions), st.sampled_from(FAIL_ON)
)


def _fleet(members: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "PreflightReportList",
        "verdict": "blocked",
        "exitCode": 3,
        "reports": [{"context": context, **report} for context, report in members],
    }


documents = reports | st.lists(st.tuples(texts, reports), max_size=2).map(_fleet)
