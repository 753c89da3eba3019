"""Undo what the kit of support bundles does to the objects it writes. The only module that knows of it.

Rule: support-bundle-kit pkg/manager/collectors/common.go toObjCommon (v0.0.46 to HEAD): a text substitution on the
JSON of each list turns an empty text into the text `null`, and a null into the same when its key has letters only and
it is not the last of its map. A text that ends with a quote gains the letters null. The list then goes through numbers
with 64-bit fractions and a YAML writer that prints a million as 1e+06.

Numbers, `=` and `<<` need nothing here: preflight.sources.text.yaml_reading never takes them for anything else.
"""

from __future__ import annotations

import re
from typing import Any

_TEXT_MAPS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector", "data", "binaryData", "stringData"})
"""Maps whose values are texts by definition: there `null` was an empty text and no null."""
_INNER_NULL = re.compile(r'("[a-zA-Z]+":)"null",')


def restore(value: Any, key: str = "") -> Any:
    """Return the value as the API server sent it, as far as that can be told.

    Where an empty text and a null became the same, the result is None: fields that are read through preflight.fields
    cannot tell the two apart.
    """
    if type(value) is str:
        return _text(value)
    if type(value) is dict:
        if key in _TEXT_MAPS:
            return {name: "" if item == "null" else restore(item, name) for name, item in value.items()}
        return {name: restore(item, name) for name, item in value.items()}
    if type(value) is list:
        return [restore(item) for item in value]
    return value


def _text(text: str) -> str | None:
    if text == "null":
        return None
    if text.endswith('"null'):
        text = text[:-4]
    if text[:1] in ("{", "[") and '"null",' in text:
        text = _INNER_NULL.sub(r"\1null,", text)
    return text
