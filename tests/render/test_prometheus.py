"""Metrics, read back by Prometheus' own parser."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from prometheus_client.parser import text_string_to_metric_families

from preflight.render import Style, render
from preflight.render.prometheus import METRICS
from tests.render.documents import documents
from tests.render.reports import REPORTS, blocked, fleet, hostile, ready
from tests.render.test_properties import few


def samples(report: dict[str, Any]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = render("prometheus", report, Style())
    assert text.endswith("\n")
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} twice: Prometheus would refuse the whole file"
            found[key] = sample.value
    return found


def value(report: dict[str, Any], name: str, **labels: str) -> float:
    return samples(report)[f"harvester_preflight_{name}", frozenset(labels.items())]


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_reads_back(name: str) -> None:
    assert {key[0] for key in samples(REPORTS[name]())} >= set(METRICS) - {"harvester_preflight_check_status"}


@given(document=documents.filter(lambda document: "reports" not in document))
@few
def test_any_report_reads_back(document: dict[str, Any]) -> None:
    samples(document)


def test_the_values() -> None:
    assert value(ready(), "ready") == 1
    told = {"cluster": "cluster", "from": "v1.4.0", "to": "v1.4.1", "verdict": "ready"}
    assert value(ready(), "upgrade_info", **told) == 1
    assert value(blocked(), "upgrade_info", **told | {"verdict": "blocked"}) == 1
    named = [dict(labels) for metric, labels in samples(fleet()) if metric.endswith("_info")]
    assert [labels["cluster"] for labels in named] == [labels["context"] for labels in named]
    assert value(blocked(), "ready") == 0
    assert value(blocked(), "findings", severity="fail", waived="false") == 2
    assert value(blocked(), "findings", severity="warn", waived="true") == 1
    assert value(blocked(), "check_status", check="addon-stuck", status="fail") == 1
    assert value(ready(), "last_run_timestamp_seconds") == 1795459378
    assert value(ready(), "duration_seconds") == pytest.approx(0.0075)
    assert value(fleet(), "ready", context="berlin") == 1


def test_no_object_name_becomes_a_label() -> None:
    text = render("prometheus", blocked(), Style())
    assert "rancher-logging" not in text
    assert "harv-node" not in text
    assert "nnnn" not in render("prometheus", hostile(), Style())


def test_samples_of_a_metric_stand_together() -> None:
    names = [
        line.split("{")[0].split(" ")[0]
        for line in render("prometheus", fleet(), Style()).splitlines()
        if line[0] != "#"
    ]
    assert [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name] == list(METRICS)
