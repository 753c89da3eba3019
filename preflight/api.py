"""The only module a check imports. Everything here is stable for plugins."""

from __future__ import annotations

from typing import Any

from preflight.check import Check, Explains, Need, Option, Tie, check, need
from preflight.errors import NotCollected, Unreadable
from preflight.fields import (
    Object,
    annotations_of,
    boolean_at,
    condition,
    condition_status,
    effective_value,
    integer_at,
    labels_of,
    list_at,
    mapping_at,
    maps_at,
    name_of,
    namespace_of,
    ref_of,
    text_at,
    texts_at,
    time_at,
    value_at,
)
from preflight.inventory import JsonObject, View, judged
from preflight.model import (
    Certainty,
    Code,
    Command,
    Consequence,
    Effect,
    Enforcer,
    Finding,
    NotApplicable,
    Outcome,
    Phase,
    Reason,
    Remediation,
    ResourceRef,
    Severity,
    Unknown,
    UpgradePair,
    Via,
    Where,
)
from preflight.releases import AddonData, Knowledge, Release
from preflight.resources import Resource
from preflight.values.quantity import human_bytes, parse_quantity
from preflight.values.times import format_time, human_duration, parse_duration, parse_time
from preflight.values.versions import HarvesterVersion, lies_in, parse_version, stands_for
from preflight.wording import (
    degrades,
    delays,
    fails,
    hangs,
    harmless,
    kubectl,
    loses_data,
    on_cluster,
    on_node,
    refused,
    stops_workload,
    tool,
    unknown,
)

FAIL, WARN, INFO = Severity.FAIL, Severity.WARN, Severity.INFO


def parse_json(text: str, what: str) -> Any:
    """Parse JSON inside a field, strictly. Raises Unreadable, naming `what`, when it is not JSON."""
    from preflight.sources.text.json_reading import JsonProblem, load_json

    try:
        return load_json(text)
    except JsonProblem as problem:
        raise Unreadable(f"{what} is not JSON this tool reads: line {problem.line + 1}: {problem.text}") from None


def parse_yaml(text: str, what: str) -> Any:
    """Parse YAML inside a field, such as an Addon's valuesContent, as strictly as a source is read: no tags, no key
    twice, dates stay text. Raises Unreadable, naming `what`, when it is not such YAML.
    """
    if text[:1] == "{":  # snapshots hold such fields as JSON, which needs no parser that takes long to load
        from preflight.sources.text.json_reading import JsonProblem, load_json

        try:
            return load_json(text)
        except JsonProblem:
            pass
    from preflight.sources.text.yaml_reading import YamlProblem, load_document

    try:
        return load_document(text.encode("utf-8", "replace"))
    except YamlProblem as problem:
        raise Unreadable(f"{what} is not YAML this tool reads: line {problem.line + 1}: {problem.text}") from None


__all__ = [
    "FAIL",
    "INFO",
    "WARN",
    "AddonData",
    "Certainty",
    "Check",
    "Code",
    "Command",
    "Consequence",
    "Effect",
    "Enforcer",
    "Explains",
    "Finding",
    "HarvesterVersion",
    "JsonObject",
    "Knowledge",
    "Need",
    "NotApplicable",
    "NotCollected",
    "Object",
    "Option",
    "Outcome",
    "Phase",
    "Reason",
    "Release",
    "Remediation",
    "Resource",
    "ResourceRef",
    "Severity",
    "Tie",
    "Unknown",
    "Unreadable",
    "UpgradePair",
    "Via",
    "View",
    "Where",
    "annotations_of",
    "boolean_at",
    "check",
    "condition",
    "condition_status",
    "degrades",
    "delays",
    "effective_value",
    "fails",
    "format_time",
    "hangs",
    "harmless",
    "human_bytes",
    "human_duration",
    "integer_at",
    "judged",
    "kubectl",
    "labels_of",
    "lies_in",
    "list_at",
    "loses_data",
    "mapping_at",
    "maps_at",
    "name_of",
    "namespace_of",
    "need",
    "on_cluster",
    "on_node",
    "parse_duration",
    "parse_json",
    "parse_quantity",
    "parse_time",
    "parse_version",
    "parse_yaml",
    "ref_of",
    "refused",
    "stands_for",
    "stops_workload",
    "text_at",
    "texts_at",
    "time_at",
    "tool",
    "unknown",
    "value_at",
]
