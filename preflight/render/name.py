"""Names: `kind.group/name -n namespace`, one line for each object that needs a hand.

Like `kubectl -o name`, plus the namespace that kubectl leaves out, and the context when there are several clusters:
`harvester-preflight check -o name | xargs -L1 kubectl describe`. Waived findings and infos name nothing to do, and a
finding about no single object has no line.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from preflight.render.document import items, reports
from preflight.report_types import Document, ResourceDocument

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: Document, style: Style) -> str:
    """Write the lines in the report's order, each once."""
    lines: dict[str, None] = {}
    for context, report in reports(document):
        for item in items(report):
            ref = item.finding["resource"]
            if item.waived is None and item.finding["severity"] != "info" and ref["kind"] and ref["name"]:
                lines[_line(context, ref)] = None
    return "".join(f"{line}\n" for line in lines)


def _line(context: str, ref: ResourceDocument) -> str:
    group = ref["apiVersion"].rpartition("/")[0]
    kind = ref["kind"].lower() + (f".{group}" if group else "")
    words = [f"{kind}/{ref['name']}"]
    words += ["-n", ref["namespace"]] if ref["namespace"] else []
    words += [f"--context={context}"] if context else []
    return shlex.join(words)
