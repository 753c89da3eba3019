"""The predecessor of OpenReports, for clusters that serve only wgpolicyk8s.io."""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.render.openreports import POLICY_REPORTS, report_objects
from preflight.render.yaml_ import dump
from preflight.report_types import Document

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: Document, style: Style) -> str:
    """Write the objects as YAML documents, ready for `kubectl apply -f -`."""
    return dump(*report_objects(document, POLICY_REPORTS))
