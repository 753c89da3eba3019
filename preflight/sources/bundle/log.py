"""What a support bundle says about its own making: which lists failed, which namespaces were looked at, when.

Rule: a kind without a file was empty, or could not be listed; bundleGenerationError.log tells the two apart
(support-bundle-kit pkg/manager/client/discovery.go, collectors/default.go, collectors/cluster.go, cluster.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from preflight.sources.bundle.layout import FileProblem, Layout

LOG = "bundleGenerationError.log"
MAX_LOG_BYTES = 32 * 1024 * 1024
"""Real ones have some ten lines for each namespace."""

_FAILED = re.compile(r"Failed to (?:get|parse objects received from) (/apis?/\S+): (.*)")
_URL = re.compile(r"/(?:api|apis/(?P<group>[^/]+))/[^/]+/(?:namespaces/(?P<namespace>[^/]+)/)?(?P<plural>[^/]+)")
_NOT_WRITTEN = re.compile(r"Support Bundle: failed to generate \S*?(yamls/\S+): (.*)")
_SCOPE = re.compile(r"Unable to fetch (cluster|namespaced) resources: (.*)")

Place = tuple[str, str, str]
"""Namespace (empty: cluster scope), group, plural."""


@dataclass(frozen=True)
class MakingLog:
    """The bundle's log of what went wrong, read."""

    there: bool = False
    """Without it nothing can be said about a kind that has no file."""
    failed: dict[Place, str] = field(default_factory=dict)
    unwritten: dict[str, str] = field(default_factory=dict)
    """By path."""
    scopes: dict[str, str] = field(default_factory=dict)
    """`cluster` or `namespaced` → why everything, or one namespace, was left out."""
    namespaces: frozenset[str] = frozenset()
    """Namespaces that were looked at: the kit fails to list something in each of them."""


def read_log(layout: Layout) -> MakingLog:
    """Read the log; one that cannot be read counts as none."""
    failed: dict[Place, str] = {}
    unwritten: dict[str, str] = {}
    scopes: dict[str, str] = {}
    if LOG not in layout.files:
        return MakingLog()
    try:
        for raw in layout.lines(LOG, MAX_LOG_BYTES):
            line = raw.decode("utf-8", "replace").strip()
            if match := _FAILED.search(line):
                url = _URL.fullmatch(match[1])
                if url:
                    failed[(url["namespace"] or "", url["group"] or "", url["plural"])] = match[2]
            elif match := _NOT_WRITTEN.search(line):
                unwritten[match[1]] = match[2]
            elif match := _SCOPE.search(line):
                scopes[match[1]] = match[2]
    except FileProblem:
        return MakingLog()
    return MakingLog(True, failed, unwritten, scopes, frozenset(namespace for namespace, _, _ in failed if namespace))
