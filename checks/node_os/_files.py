"""Facts that only a node can show: from a support bundle's node archive, a probe or an attestation.

Shape: the need `nodes/files` gives one object per node that answered: metadata.name, `files` (path → text) and
`facts`. A node that did not answer, or whose answer lacks the fact, is unknown by name with the command to type there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from preflight.api import (
    Code,
    JsonObject,
    Outcome,
    Reason,
    Unknown,
    Unreadable,
    View,
    name_of,
    need,
    parse_yaml,
    text_at,
    unknown,
    value_at,
)

OEM_90 = "configs/oem/90_custom.yaml"
OEM_99 = "configs/oem/99_custom.yaml"
INSTALL_CONFIG = "configs/oem/harvester.config"
NODES = need("nodes")

JudgeFact = Callable[[JsonObject, Any], Iterator[Outcome]]
"""Given the Node object and the fact."""
JudgeFiles = Callable[[JsonObject, JsonObject], Iterator[Outcome]]
"""Given the Node object and what the node gave."""


def node_only(node: str, command: str, because: Sequence[Reason] = ()) -> Unknown:
    """Say that only the node itself can tell, and what to type there."""
    told = [reason.text for reason in because if reason.code not in (Code.NODE_ONLY, Code.NOT_IN_SOURCE)]
    why = f" ({'; '.join(told)})" if told else ""
    return unknown(Code.NODE_ONLY, f"run `{command}` on the node itself{why}", node=node, cure=command)


def each_fact(view: View, fact: str, command: str, judge: JudgeFact) -> Iterator[Outcome]:
    """Judge one fact of every node; the nodes that did not give it are unknown."""

    def pick(node: JsonObject, given: JsonObject) -> Iterator[Outcome]:
        found = value_at(given, f"facts.{fact}")
        yield from (node_only(name_of(node), command),) if found is None else judge(node, found)

    yield from each_given(view, command, pick)


def each_given(view: View, command: str, judge: JudgeFiles) -> Iterator[Outcome]:
    """Judge what every node gave; the nodes that gave nothing are unknown."""
    missing = view.missing("nodes/files")
    because = (missing,) if missing else view.gaps("nodes/files")
    given = {name_of(obj): obj for obj in view.read("nodes/files")}
    for node in view.some("nodes"):
        found = given.get(name_of(node))
        mine = [reason for reason in because if reason.node in ("", name_of(node))]
        try:
            yield from (node_only(name_of(node), command, mine),) if found is None else judge(node, found)
        except Unreadable as error:
            yield unknown(Code.UNPARSABLE, f"node {name_of(node)}: {error}")


def file_of(given: JsonObject, path: str) -> str | None:
    """Return the text of a node's file, None when the node gave no such file."""
    return text_at(given, f"files.[{path}]") if value_at(given, f"files.[{path}]") is not None else None


def has_oem(given: JsonObject) -> bool:
    """Say whether the node's /oem was read at all: one of the files every installation has is there."""
    return any(file_of(given, path) is not None for path in (OEM_90, OEM_99, INSTALL_CONFIG))


def install_config(given: JsonObject) -> dict[str, Any] | None:
    """Return the installer's configuration, None when the node gave none. Raises Unreadable when it is no YAML map."""
    text = file_of(given, INSTALL_CONFIG)
    if text is None:
        return None
    config = parse_yaml(text, INSTALL_CONFIG)
    if not isinstance(config, dict):
        raise Unreadable(f"{INSTALL_CONFIG} is no map")
    return config


def management_interface(config: JsonObject) -> JsonObject | None:
    """Return the management interface of the installer's configuration, under either spelling of its key."""
    for key in ("management_interface", "managementinterface"):
        found = value_at(config, f"install.{key}")
        if found:
            if not isinstance(found, dict):
                raise Unreadable(f"install.{key} in {INSTALL_CONFIG} is no map")
            return found
    return None
