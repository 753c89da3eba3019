"""YAML: the document itself, ASCII only like the JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from preflight.report_types import Document
from preflight.values.foreign_text import COMMAND_SIGN, COMMAND_WORD

if TYPE_CHECKING:
    from preflight.render import Style

_COMMAND_LINE = re.compile(r"(?m)^([ \t]*)::")


def render(document: Document, style: Style) -> str:
    """Write the document with its field order kept."""
    return dump(document)


def dump(*documents: Mapping[str, Any]) -> str:
    """Write YAML documents, several with a line between them; a value that occurs twice is written twice."""
    import yaml

    try:  # libyaml where it is there: six times as fast on a long report
        return _dump(documents, getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    except UnicodeEncodeError:  # half of a surrogate pair, which libyaml cannot write
        return _dump(documents, yaml.SafeDumper)


def _dump(documents: tuple[Mapping[str, Any], ...], dumper: Any) -> str:
    import yaml

    class Plain(dumper):  # type: ignore[misc]
        """Write no anchors and aliases: they only puzzle a reader."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def quoted_where_a_runner_listens(dumper: Any, text: str) -> Any:
        """Quote a text in which the runner of a pipeline could find a command, so that it can be escaped below."""
        style = '"' if COMMAND_SIGN in text or COMMAND_WORD.search(text) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Plain.add_representer(str, quoted_where_a_runner_listens)
    if not documents:
        return ""
    text: str = yaml.dump_all(documents, Dumper=Plain, sort_keys=False, width=120, explicit_start=len(documents) > 1)
    return _COMMAND_LINE.sub(r"\1\\x3a:", text).replace(COMMAND_SIGN, r"\x23#[")
