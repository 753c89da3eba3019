"""What a command needs to reach the cluster that was checked, under the name this tool was called by. Pure words."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

SHELL_WORDS = ("|", ">", "&&")
"""Words of a command that stand for themselves."""
TOOL = "harvester-preflight"
_HELM = {
    "--context": "--kube-context",
    "--as": "--kube-as-user",
    "--as-group": "--kube-as-group",
    "--server": "--kube-apiserver",
    "--certificate-authority": "--kube-ca-file",
    "--insecure-skip-tls-verify": "--kube-insecure-skip-tls-verify",
}
"""kubectl's connection flag → helm's. It has none for --cluster and --user: better refused than another cluster's."""


@dataclass(frozen=True, slots=True)
class Caller:
    """How this tool was called."""

    program: tuple[str, ...] = (TOOL,)
    """The words to call it by: `harvester-preflight`, or `kubectl harvester-preflight` as kubectl's plugin."""


def shell_line(words: Sequence[str]) -> str:
    """Write words as one line for a POSIX shell: every word quoted where it must be."""
    return " ".join(word if word in SHELL_WORDS else shlex.quote(word) for word in words)


def aimed(argv: Sequence[str], flags: Sequence[str]) -> list[str]:
    """Put the connection flags behind every kubectl and helm of a pipeline."""
    words: list[str] = []
    begins = True
    for word in argv:
        words.append(word)
        if begins and word == "kubectl":
            words += flags
        elif begins and word == "helm":
            words += [_HELM.get(flag, flag) for flag in flags]
        begins = word in ("|", "&&")
    return words


def called(argv: Sequence[str], flags: Sequence[str], caller: Caller) -> list[str]:
    """Put the connection flags behind a command of this tool, and the words it was called by before it."""
    rest = argv[1:] if list(argv[:1]) == [TOOL] else argv
    return [*caller.program, *rest[:1], *flags, *rest[1:]]
