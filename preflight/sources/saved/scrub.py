"""Take what is nobody else's business out of an inventory before it is written to a file.

Applying it twice changes nothing more.

Rule: a check must come to the same result on a scrubbed inventory; what no check reads may go. Text that a check would
find unreadable stays unreadable, so that removing it never turns `unknown` into `pass`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.inventory import REMOVED, JsonObject
from preflight.values.paths import FieldTree, split_path

_NOT_YAML = "[removed from the snapshot: this was not YAML"

REDUCED: Mapping[str, str] = {
    "Addon": "spec.valuesContent",
    "HelmChart": "spec.valuesContent",
    "HelmChartConfig": "spec.valuesContent",
    "CloudInit": "spec.contents",
}
"""Kind → the field whose text is cut down to what checks declare (`need(values=…)`): paths of Helm values, and of a
CloudInit the lines that hold one of the words."""

SECRET_SETTINGS = frozenset(
    {"additional-ca", "ssl-certificates", "containerd-registry", "cluster-registration-url", "rancher-cluster"}
)
_WHOLE_OBJECTS = ("kubectl.kubernetes.io/last-applied-configuration", "objectset.rio.cattle.io/applied")

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


def scrub_object(obj: JsonObject, values: Sequence[str] = ()) -> JsonObject:
    """Return one object without secrets; of the texts in REDUCED only `values` stay."""
    kind = obj.get("kind")
    if kind == "Secret":
        obj = {key: obj[key] for key in ("apiVersion", "kind", "metadata") if key in obj}
        if isinstance(obj.get("metadata"), dict):
            annotations = obj["metadata"].get("annotations")
            if isinstance(annotations, dict):
                obj["metadata"] = {**obj["metadata"], "annotations": dict.fromkeys(annotations, REMOVED)}
            elif annotations is not None:
                obj["metadata"] = {**obj["metadata"], "annotations": REMOVED}
    elif kind == "CloudInit":
        obj = _replaced(obj, "spec", "contents", lambda text: _lines(text, values))
    elif kind in REDUCED:
        obj = _replaced(obj, "spec", "valuesContent", lambda text: _values(text, values))
    elif kind == "Setting":
        obj = _setting(obj)
    cleaned: JsonObject = _clean(obj, "")
    return cleaned


def _replaced(obj: JsonObject, part: str, key: str, change: Any) -> JsonObject:
    inner = obj.get(part)
    if not isinstance(inner, dict) or key not in inner:
        return obj
    return {**obj, part: {**inner, key: change(inner[key])}}


def _values(content: Any, values: Sequence[str]) -> Any:
    """Reduce Helm values to those named, as JSON, which is YAML too."""
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
    tree: FieldTree = {}
    for path in values:
        node = tree
        for segment in split_path(path):
            node = node.setdefault(segment, {})
    return json.dumps(_kept(documents[0], tree) if tree else {})


def _kept(value: Any, tree: FieldTree) -> Any:
    """Keep what the tree names; `*` that ends a path keeps the names of a map and nothing below them.

    Anything else than a map on the way to it is shown to be there, and no more.
    """
    if not tree or value is None:
        return value
    if isinstance(value, dict):
        kept = {key: _kept(value[key], below) for key, below in tree.items() if key in value and key != "*"}
        return kept | {key: _named(value[key], tree["*"]) for key in value if key not in kept and "*" in tree}
    return [_kept(item, tree) for item in value] if isinstance(value, list) and set(tree) != {"*"} else REMOVED


def _named(value: Any, below: FieldTree) -> Any:
    return _kept(value, below) if below or value is None else REMOVED


def _lines(content: Any, words: Sequence[str]) -> Any:
    """Keep the lines that hold one of the words."""
    if not isinstance(content, str):
        return type(content)() if isinstance(content, dict | list) else content
    return "\n".join(line for line in content.splitlines() if any(word in line for word in words))


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
            below: REMOVED if _is_secret(key, below) and isinstance(item, str) and item else _clean(item, below)
            for below, item in value.items()
        }
    if isinstance(value, list):
        return [_environment(item) if key == "env" else _clean(item, key) for item in value]
    if isinstance(value, str):
        return scrub_text(value)
    return value


def _is_secret(key: str, below: str) -> bool:
    return bool(_SECRET_KEY.fullmatch(below)) or (key == "annotations" and below in _WHOLE_OBJECTS)


def _environment(item: Any) -> Any:
    if isinstance(item, dict) and item.get("value"):
        return {**item, "value": REMOVED}
    return _clean(item, "env")


def scrub_text(text: str) -> str:
    """Return a text without what looks like a secret in it."""
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
