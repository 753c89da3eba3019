"""Take what is nobody else's business out of an inventory before it is written to a file.

Applying it twice changes nothing more.

Rule: a check must come to the same result on a scrubbed inventory; what no check reads may go. Text that a check would
find unreadable stays unreadable, so that removing it never turns `unknown` into `pass`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from preflight.inventory import JsonObject

REMOVED = "***"
_NOT_YAML = "[removed from the snapshot: this was not YAML"

KEPT_VALUES = (
    ("eventTailer", "workloadOverrides", "containers"),
    ("driverLocation",),
    ("rancherMonitoring", "enabled"),
    ("kube-state-metrics", "metricLabelsAllowlist"),
    ("controller", "admissionWebhooks", "enabled"),
)
"""What checks read of the Helm values of Addons, HelmCharts and HelmChartConfigs."""

SECRET_SETTINGS = frozenset(
    {"additional-ca", "ssl-certificates", "containerd-registry", "cluster-registration-url", "rancher-cluster"}
)
_DROPPED_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "objectset.rio.cattle.io/applied")

_SECRET_KEY = re.compile(
    r"(?i)(?:.*(?:password|passwd|passphrase|secret_?access_?key|access_?key_?id|access_?key|secret_?key|private_?key|"
    r"api_?key|client-key-data|client-certificate-data)|(?:.*[_.-])?token|.*[a-z]Token|authorization|kubeconfig)"
)
_SECRET_TEXT = (
    (re.compile(r"(://)[^/\s:@]*:[^/\s@]+@"), rf"\1{REMOVED}@"),
    (re.compile(r"(?i)([?&](?:access_?token|token|key|secret|password|sig|signature)=)[^&\s\"']+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)\b(bearer )[A-Za-z0-9._~+/=-]{8,}"), rf"\1{REMOVED}"),
    (re.compile(r"\bK10[0-9a-f]{32,}::\S+"), REMOVED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), REMOVED),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), REMOVED),
    (
        re.compile(
            r"(?im)((?:^|[\s\"'{,-])[\w.-]*(?:password|passwd|passphrase|secret|token|private_?key|access_?key\w*)"
            r"[\"']?[ \t]*[:=][ \t]*)(?![\"']?\*\*\*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',}][^\s,}]*)"
        ),
        rf"\1{REMOVED}",
    ),
)
_SUSPICIOUS = re.compile(r"(?i)://|[?&]|bearer|K10|eyJ|PRIVATE KEY|pass|secret|token|key")


def scrub_object(obj: JsonObject) -> JsonObject:
    """Return one object without secrets."""
    kind = obj.get("kind")
    if kind == "Secret":
        obj = {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj}
        if isinstance(obj.get("metadata"), dict):
            obj["metadata"] = {key: below for key, below in obj["metadata"].items() if key != "annotations"}
    elif kind in ("Addon", "HelmChart", "HelmChartConfig"):
        obj = _replaced(obj, "spec", "valuesContent", _values)
    elif kind == "CloudInit":
        obj = _replaced(obj, "spec", "contents", _cloud_init)
    elif kind == "Setting":
        obj = _setting(obj)
    cleaned: JsonObject = _clean(obj, "")
    return cleaned


def _replaced(obj: JsonObject, part: str, key: str, change: Any) -> JsonObject:
    inner = obj.get(part)
    if not isinstance(inner, dict) or key not in inner:
        return obj
    return {**obj, part: {**inner, key: change(inner[key])}}


def _values(content: Any) -> Any:
    """Reduce Helm values to what checks read, as JSON, which is YAML too."""
    if not isinstance(content, str):
        return type(content)() if isinstance(content, dict | list) else content
    if not content.strip():
        return content
    from preflight.sources.text.yaml_reading import YamlProblem, load_documents

    try:
        documents = list(load_documents(content.encode("utf-8", "replace")))
    except YamlProblem:
        return _NOT_YAML
    if len(documents) != 1 or not isinstance(documents[0], dict):
        return content if documents in ([], [None]) else _NOT_YAML
    kept: dict[str, Any] = {}
    for path in KEPT_VALUES:
        _keep(documents[0], kept, path)
    return json.dumps(kept)


def _keep(values: dict[str, Any], kept: dict[str, Any], path: tuple[str, ...]) -> None:
    key, *rest = path
    if key not in values:
        return
    below = values[key]
    if rest and isinstance(below, dict):
        _keep(below, kept.setdefault(key, {}), tuple(rest))
    elif key == "containers" and isinstance(below, list):
        kept[key] = [{"image": item["image"]} if isinstance(item, dict) and "image" in item else {} for item in below]
    elif rest and below is not None:
        kept[key] = REMOVED
    else:
        kept[key] = REMOVED if key == "driverLocation" and below else below


def _cloud_init(content: Any) -> Any:
    """Keep the lines that name network configuration files: which they write is all that a check asks."""
    if not isinstance(content, str):
        return type(content)() if isinstance(content, dict | list) else content
    return "\n".join(line for line in content.splitlines() if "ifcfg-" in line)


def _setting(obj: JsonObject) -> JsonObject:
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not (isinstance(name, str) and name in SECRET_SETTINGS):
        return obj
    return {**obj, **{key: REMOVED for key in ("value", "default") if obj.get(key)}}


def _clean(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        if key == "labels":
            return value
        return {
            below: REMOVED if isinstance(item, str) and item and _SECRET_KEY.fullmatch(below) else _clean(item, below)
            for below, item in value.items()
            if not (key == "annotations" and below in _DROPPED_ANNOTATIONS)
        }
    if isinstance(value, list):
        return [_environment(item) if key == "env" else _clean(item, key) for item in value]
    if isinstance(value, str):
        return _text(value)
    return value


def _environment(item: Any) -> Any:
    if isinstance(item, dict) and item.get("value"):
        return {**item, "value": REMOVED}
    return _clean(item, "env")


def _text(text: str) -> str:
    if text[:1] in ("{", "["):
        try:
            value = json.loads(text)
            cleaned = _clean(value, "")
        except (ValueError, RecursionError):
            pass
        else:
            return text if cleaned == value else json.dumps(cleaned)
    if _SUSPICIOUS.search(text):
        for pattern, replacement in _SECRET_TEXT:
            text = pattern.sub(replacement, text)
    return text
