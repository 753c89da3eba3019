"""Field paths: one notation to declare what a check reads, to keep only that, and to read it back.

Shape: segments joined by dots. `[key]` holds a key with dots in it (`metadata.annotations[rke2.io/internal-ip]`), `*`
any key of a map, and `[configs/oem/*]` any key that begins so. A list is transparent: `spec.containers.image` means
the image of every container.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

_SEGMENT = re.compile(r"\[([^\]]+)\]|([^.\[\]]+)")

FieldTree: TypeAlias = dict[str, Any]
"""A tree of field names; an empty dict below a name keeps everything there."""

ALWAYS_KEPT = (
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.labels",
    "metadata.ownerReferences",
    "metadata.finalizers",
)


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, ...]:
    """Split a path into its segments. Raises ValueError when nothing is left of it."""
    segments = tuple(bracketed or plain for bracketed, plain in _SEGMENT.findall(path))
    if not segments:
        raise ValueError(f"not a field path: {path!r}")
    return segments


def field_tree(paths: Iterable[str]) -> FieldTree:
    """Merge paths, and those every object keeps, into one tree."""
    tree: FieldTree = {}
    whole: list[tuple[str, ...]] = []
    for path in (*ALWAYS_KEPT, *paths):
        node = tree
        segments = split_path(path)
        for segment in segments:
            node = node.setdefault(segment, {})
        whole.append(segments)
    for segments in whole:  # a path that ends here keeps everything, whatever longer paths asked for
        node = tree
        for segment in segments[:-1]:
            if segment not in node:
                break
            node = node[segment]
        else:
            if segments[-1] in node:
                node[segments[-1]] = {}
    return tree


def keep_fields(value: Any, tree: FieldTree) -> Any:
    """Return `value` with only the fields of `tree`. What is not a map or a list is kept, whatever its type: a check
    must see that a field has the wrong type, not that it is absent."""
    if not tree:
        return value
    if type(value) is dict:
        every = tree.get("*")
        if every is not None:
            return {key: keep_fields(item, {**every, **tree.get(key, {})}) for key, item in value.items()}
        kept = {}
        for key, below in tree.items():
            if key in value:
                item = value[key]
                kept[key] = keep_fields(item, below) if below else item
            elif key[-1] == "*":
                kept |= {name: keep_fields(item, below) for name, item in value.items() if name.startswith(key[:-1])}
        return kept
    if type(value) is list:
        return [keep_fields(item, tree) for item in value]
    return value


def covers(kept: Iterable[str], path: str) -> bool:
    """Say whether everything at `path` is kept by one of the paths `kept`."""
    wanted = split_path(path)
    return any(
        len(has) <= len(wanted) and all(stands_for(mine, other) for mine, other in zip(has, wanted, strict=False))
        for has in map(split_path, kept)
    )


def stands_for(segment: str, key: str) -> bool:
    """Say whether a segment of a path means this key of a map."""
    return segment == key or (segment.endswith("*") and key.startswith(segment[:-1]))
