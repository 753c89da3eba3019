"""The name this tool was called by, in the commands that its help, its messages and its lists show.

kubectl's plugin may be all that is installed: then there is no command `harvester-preflight` to copy. Reports have the
same by preflight.commandline, where a command is a value.
"""

from __future__ import annotations

import os
import re
import sys

import click

PLUGIN = "kubectl harvester-preflight"
_OWN = re.compile(r"(?<!kubectl )(?<![\w/.-])harvester-preflight (?=[a-z]+\b)")


def called_as() -> str:
    """Return the words to call this tool by: kubectl calls its plugins by the name of their file."""
    name = os.path.basename(sys.argv[0] or "")
    return PLUGIN if name.startswith("kubectl-") else "harvester-preflight"


def as_called(text: str) -> str:
    """Write the commands of this tool that stand in a text as they are to be typed here."""
    return _OWN.sub(f"{PLUGIN} ", text) if called_as() == PLUGIN else text


class NamedFormatter(click.HelpFormatter):
    """Writes a help text with the name the tool was called by, before it is broken into lines."""

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        super().write_text(as_called(text))


class NamedContext(click.Context):
    """The context of every command."""

    formatter_class = NamedFormatter
