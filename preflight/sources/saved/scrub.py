"""Take what is nobody else's business out of an inventory before it is written to a file.

Applying it twice changes nothing more.

Rule: a check must come to the same result on a scrubbed inventory; what no check reads may go. Text that a check would
find unreadable stays unreadable, so that removing it never turns `unknown` into `pass`. What looks like a secret is
known in one place only, preflight.values.secrets, to which everything that leaves this machine goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from preflight.inventory import JsonObject
from preflight.resources import Resource
from preflight.values.paths import FieldTree, split_path
from preflight.values.secrets import REMOVED, cleaned_value

_NOT_YAML = "[removed from the snapshot: this was not YAML"

_CONTAINERS = ("spec.containers", "spec.initContainers", "spec.template.spec.containers")
_COMMAND_LINES = tuple(f"{path}.{part}" for path in _CONTAINERS for part in ("command", "args"))
SECRET_SETTINGS = frozenset(
    {"additional-ca", "ssl-certificates", "containerd-registry", "cluster-registration-url", "rancher-cluster"}
)
"""Settings of Harvester of which no value is kept whoever asks: only whether there is one."""
HELD_WHOLE_BEFORE = ("Pod", "DaemonSet", "Deployment", "Setting")
"""Kinds of which snapshots that do not say what they cut down hold the texts as they were."""
REDUCED: Mapping[str, tuple[str, ...]] = {
    "Addon": ("spec.valuesContent",),
    "HelmChart": ("spec.valuesContent",),
    "HelmChartConfig": ("spec.valuesContent",),
    "CloudInit": ("spec.contents",),
    "Setting": ("value", "default"),
    "Pod": _COMMAND_LINES,
    "DaemonSet": _COMMAND_LINES,
    "Deployment": _COMMAND_LINES,
}
"""Kind → the fields whose text is cut down to what checks declare (`need(values=…)`): paths of Helm values; of a
CloudInit the lines that hold one of the words; of a command line the words that begin so, and what follows a flag; of
the Settings of Harvester those of that name."""


def reduced_fields(resource: Resource) -> tuple[str, ...]:
    """Return the fields of a resource of which a snapshot holds only what checks declare."""
    if resource.kind == "Setting" and resource.group != "harvesterhci.io":
        return ()
    return REDUCED.get(resource.kind, ())


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
    elif kind == "Setting":
        obj = _setting(obj, values)
    elif kind in ("Addon", "HelmChart", "HelmChartConfig"):
        obj = _replaced(obj, "spec", "valuesContent", lambda text: _values(text, values))
    elif kind in REDUCED and isinstance(obj.get("spec"), dict):
        obj = {**obj, "spec": _command_lines(obj["spec"], values)}
    cleaned: JsonObject = cleaned_value(obj)
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


def _command_lines(value: Any, words: Sequence[str]) -> Any:
    """Cut down every command line of a pod's spec, or of one that a workload holds as its template."""
    if isinstance(value, list):
        return [_command_lines(item, words) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _words(item, words)
        if key in ("command", "args") and isinstance(item, list)
        else _command_lines(item, words)
        if key in ("template", "spec", "containers", "initContainers")
        else item
        for key, item in value.items()
    }


def _words(line: list[Any], words: Sequence[str]) -> list[Any]:
    """Keep the words of a command line that begin with a declared one, and the word after one that is such a flag."""
    return [
        word
        if not isinstance(word, str)
        or word.startswith(tuple(words))
        or (index and line[index - 1] in words and not word.startswith("-"))
        else REMOVED
        for index, word in enumerate(line)
    ]


def _setting(obj: JsonObject, names: Sequence[str]) -> JsonObject:
    """Keep the value of a Setting of Harvester that a check asks for by name."""
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    group = str(obj.get("apiVersion") or "").partition("/")[0]
    if (name in names and name not in SECRET_SETTINGS) or group in ("longhorn.io", "management.cattle.io"):
        return obj
    return {**obj, **{key: REMOVED for key in ("value", "default") if obj.get(key) not in (None, "", "{}", "[]")}}
