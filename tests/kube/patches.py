"""The three ways a PATCH body changes an object."""

from __future__ import annotations

import copy
from typing import Any

from .errors import ApiError, bad_request


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396) and return the result; neither argument is changed."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def json_patch(target: Any, operations: Any) -> Any:
    """Apply a JSON patch (RFC 6902) and return the result; neither argument is changed."""
    if not isinstance(operations, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document = copy.deepcopy(target)
    for operation in operations:
        document = _apply(document, operation)
    return document


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    op, path = operation.get("op"), operation.get("path", "")
    if op in ("move", "copy"):
        value = copy.deepcopy(_read(document, operation["from"]))
        if op == "move":
            _remove(document, operation["from"])
        return _add(document, path, value)
    if op == "add":
        return _add(document, path, operation.get("value"))
    if op == "remove":
        _remove(document, path)
        return document
    if op == "replace":
        _read(document, path)
        return _replace(document, path, operation.get("value"))
    if op == "test":
        if _read(document, path) != operation.get("value"):
            raise _failed(f"testing value {path} failed")
        return document
    raise bad_request(f"Unexpected kind: {op}")


def _failed(why: str) -> ApiError:
    return ApiError(422, "Invalid", f"the server rejected our request due to an error in our request: {why}")


def _tokens(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _step(node: Any, token: str, path: str) -> Any:
    try:
        return node[int(token)] if isinstance(node, list) else node[token]
    except (KeyError, IndexError, ValueError, TypeError):
        raise _failed(f"doc is missing path: {path}: missing value") from None


def _read(document: Any, path: str) -> Any:
    node = document
    for token in _tokens(path):
        node = _step(node, token, path)
    return node


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *parents, last = _tokens(path)
    node = document
    for token in parents:
        node = _step(node, token, path)
    return node, last


def _add(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    node, last = _parent(document, path)
    if isinstance(node, list):
        node.insert(len(node) if last == "-" else int(last), value)
    else:
        node[last] = value
    return document


def _replace(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    node, last = _parent(document, path)
    node[int(last) if isinstance(node, list) else last] = value
    return document


def _remove(document: Any, path: str) -> None:
    _read(document, path)
    node, last = _parent(document, path)
    del node[int(last) if isinstance(node, list) else last]
