"""Names as parts of the commands that a finding offers to paste."""

from __future__ import annotations

from preflight.api import Command, tool


def plain(text: str) -> str:
    """Return a name without what cannot be printed; a name out of a file may hold anything, line breaks too."""
    return "".join(char if char.isprintable() else "?" for char in text)


def fix(check: str, namespace: str, name: str, *flags: str, why: str = "") -> Command:
    """Offer the repair of one finding."""
    command = tool("fix --only {}", f"{check}:{plain(namespace)}/{plain(name)}", why=why)
    return Command((*command.argv, *flags), command.where, command.why)
