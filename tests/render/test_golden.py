"""Every format of every report, as files a reviewer reads."""

from __future__ import annotations

import pytest

from preflight.render import RENDERERS, Style, render
from tests.conftest import Golden
from tests.render.reports import REPORTS

STYLES = {
    "table-80": ("table", Style(width=80)),
    "table-200": ("table", Style(width=200)),
    "table-verbose": ("table", Style(width=100, verbose=1)),
    "table-quiet": ("table", Style(width=80, quiet=True)),
    "table-ascii": ("table", Style(width=80, ascii=True)),
    "table-colour": ("table", Style(width=80, colour=True)),
    "wide": ("wide", Style(width=160)),
}
PLAIN = {output: (output, Style(width=100)) for output in RENDERERS if output not in ("table", "wide", "step-summary")}


LOOKS = ("table-200", "table-verbose", "table-quiet", "table-ascii", "table-colour")
CASES = [
    (report, variant)
    for report in REPORTS
    for variant in (*STYLES, *PLAIN)
    if variant not in LOOKS or report in ("ready", "blocked", "undecided")
]


@pytest.mark.parametrize(("report", "variant"), CASES)
def test_golden(report: str, variant: str, golden: Golden) -> None:
    output, style = (STYLES | PLAIN)[variant]
    golden(f"{report}.{variant}", render(output, REPORTS[report](), style))
