"""YAML: the document itself, ASCII only like the JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.render import Style


def render(document: dict[str, Any], style: Style) -> str:
    """Write the document with its field order kept."""
    return dump(document)


def dump(*documents: dict[str, Any]) -> str:
    """Write YAML documents, several with a line between them; a value that occurs twice is written twice."""
    import yaml

    try:  # libyaml where it is there: six times as fast on a long report
        return _dump(documents, getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    except UnicodeEncodeError:  # half of a surrogate pair, which libyaml cannot write
        return _dump(documents, yaml.SafeDumper)


def _dump(documents: tuple[dict[str, Any], ...], dumper: Any) -> str:
    import yaml

    class Plain(dumper):  # type: ignore[misc]
        """Write no anchors and aliases: they only puzzle a reader."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    if not documents:
        return ""
    text: str = yaml.dump_all(documents, Dumper=Plain, sort_keys=False, width=120, explicit_start=len(documents) > 1)
    return text
