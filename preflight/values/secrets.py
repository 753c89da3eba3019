"""Take secrets out of text and values that leave this machine: snapshots, reports in every format, what is published.

The one place that knows what a secret looks like. Applying it twice changes nothing more. It errs on the side of
removing: of a URL the user and the query go as a whole, whatever they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

REMOVED = "***"
"""What stands for a text that nobody else may see."""

_WHOLE_OBJECTS = ("kubectl.kubernetes.io/last-applied-configuration", "objectset.rio.cattle.io/applied")
"""Annotations that repeat an object with all its fields."""

_SECRET_KEY = re.compile(
    r"(?i)(?:.*(?:password|passwd|passphrase|secret_?access_?key|access_?key_?id|access_?key|secret_?key|private_?key|"
    r"api_?key|client_?secret|client-key-data|client-certificate-data)|(?:.*[_.-])?token|.*[a-z]Token|authorization|"
    r"kubeconfig)"
)
_FLAG = re.compile(
    r"(?i)--?[\w-]*(?:password|passwd|passphrase|secret|token|private[_-]?key|access[_-]?key|secret[_-]?key|"
    r"api[_-]?key)"
)
"""A flag of a command line whose value, the next word, is a secret."""
_SECRET_TEXT = (
    (re.compile(r"(://)[^/\s@\"'<>]+@"), rf"\1{REMOVED}@"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s\"'<>?#]*\?)[^\s\"'<>#]+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)([?&](?:access_?token|token|key|secret|password|sig|signature)=)[^&\s\"']+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)\b(authorization[\"']?[ \t]*[:=][ \t]*[\"']?basic )[A-Za-z0-9+/=_-]+"), rf"\1{REMOVED}"),
    (re.compile(r"(?i)\b(bearer )[A-Za-z0-9._~+/=-]{8,}"), rf"\1{REMOVED}"),
    (re.compile(r"\bK10[0-9a-f]{32,}::\S+"), REMOVED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), REMOVED),
    (re.compile(r"\b(?:token|kubeconfig)-[a-z0-9-]+:[a-z0-9]{40,}"), REMOVED),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), REMOVED),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), REMOVED),
    (
        re.compile(rf"(?<![\w-])({_FLAG.pattern.removeprefix('(?i)')}[\"']?[ \t,]+[\"']?)(?!-|\*\*\*)[^\s\"']+", re.I),
        rf"\1{REMOVED}",
    ),
    (
        re.compile(
            r"(?im)((?:^|[\s\"'{,-])[\w.-]*(?:password|passwd|passphrase|secret|token|private_?key|access_?key\w*)"
            r"[\"']?[ \t]*[:=][ \t]*)(?![\"']?\*\*\*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',}][^\s,}]*)"
        ),
        rf"\1{REMOVED}",
    ),
)
_SUSPICIOUS = re.compile(
    r"(?i)://|[?&]|bearer|authorization|K10|eyJ|PRIVATE KEY|pass|secret|token|key|AKIA|ASIA|kubeconfig-"
)


def without_secrets(text: str) -> str:
    """Return a text without what looks like a secret in it; text that is JSON is cleaned by its keys."""
    if text[:1] in ("{", "["):
        try:
            value = json.loads(text)
            cleaned = cleaned_value(value)
        except (ValueError, RecursionError):
            pass
        else:
            return text if cleaned == value else json.dumps(cleaned)
    if _SUSPICIOUS.search(text):
        for pattern, replacement in _SECRET_TEXT:
            text = pattern.sub(replacement, text)
    return text


def cleaned_value(value: Any, key: str = "") -> Any:
    """Return a JSON value without secrets: by the names of its keys, by its texts, and of a command line by its flags.

    `key` is where the value stands. Values that are no JSON are returned as they are.
    """
    if isinstance(value, dict):
        if key == "labels":
            return value
        return {
            below: REMOVED if _is_secret(key, below) and isinstance(item, str) and item else cleaned_value(item, below)
            for below, item in value.items()
        }
    if isinstance(value, list):
        return cleaned_words([_environment(item) if key == "env" else cleaned_value(item, key) for item in value])
    return without_secrets(value) if isinstance(value, str) else value


def cleaned_words(words: Sequence[Any]) -> list[Any]:
    """Return the words of a command line, each already clean, without those that are the value of a secret flag."""
    return [
        REMOVED if index and isinstance(word, str) and _is_flag(words[index - 1]) and word[:1] != "-" else word
        for index, word in enumerate(words)
    ]


def _is_flag(word: Any) -> bool:
    return isinstance(word, str) and _FLAG.fullmatch(word) is not None


def _is_secret(key: str, below: Any) -> bool:
    if not isinstance(below, str):
        return False
    return bool(_SECRET_KEY.fullmatch(below)) or (key == "annotations" and below in _WHOLE_OBJECTS)


def _environment(item: Any) -> Any:
    if isinstance(item, dict) and item.get("value"):
        return {**item, "value": REMOVED}
    return cleaned_value(item, "env")
