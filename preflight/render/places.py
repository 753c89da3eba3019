"""Where a finding is, for formats that want a file: a live object has none, so each gets a stable pseudo path."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from preflight.report_types import FindingDocument, ReportDocument, SourceDocument


def cluster_of(context: str, report: ReportDocument) -> str:
    """Name the cluster by its context or its kube-system uid, never by an address: that is nobody else's business."""
    source = report["source"]
    return str(context or source.get("context") or source.get("clusterUid") or _file_of(source) or "cluster")


def place_of(finding: FindingDocument) -> tuple[str, str, str]:
    """Return kind, namespace and name of a finding's object, `cluster` where it is about no object."""
    ref = finding["resource"]
    return ref["kind"] or "cluster", ref["namespace"], ref["name"] or "cluster"


def path_of(cluster: str, *place: str) -> str:
    """Return `clusters/NAME/KIND/NAMESPACE/NAME.yaml`, without what is empty."""
    return "/".join(["clusters", *(segment(part) for part in (cluster, *place) if part)]) + ".yaml"


def segment(text: str) -> str:
    """Write a text as one path segment of a URI; `.` and `..` would walk away."""
    return quote(text, safe="").replace(".", "%2E") if set(text) == {"."} else quote(text, safe="")


def fingerprint(*parts: str) -> str:
    """Return a short hash of what makes a finding the same one in the next run."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _file_of(source: SourceDocument) -> str:
    return "" if source["type"] == "live" else str(source["name"]).replace("\\", "/").rpartition("/")[2]
