"""What a shell completes where a name is typed: checks, contexts, demos, schemas, files. Nothing is connected or run.

Each function has the signature of click's `shell_complete`. As a plugin of kubectl we are asked by kubectl itself,
through a program called `kubectl_complete-harvester_preflight` in cobra's terms: `for_kubectl`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import click

from preflight.cli import COMPLETION
from preflight.errors import PreflightError
from preflight.values.foreign_text import one_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Items: TypeAlias = "list[CompletionItem[str]]"
PROGRAM = "harvester-preflight"
_NO_FILES, _FILES = ":4", ":0"
"""cobra's directives in the last line: complete no file names, or complete them."""


def check_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete ids of checks, after a comma too."""
    return _listed(incomplete, _checks())


def check_words(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete ids, categories and tags, after a comma too."""
    return _listed(incomplete, [*_checks(), *((group, "a group of checks") for group in _groups())])


def contexts(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the contexts of the kubeconfig that is meant, after a comma too."""
    from preflight.cluster.connection import Connection, names_of_contexts

    named = Connection(kubeconfig=ctx.params.get("kubeconfig") or "")
    return _listed(incomplete, ((name, "") for name in names_of_contexts(named)))


def sources(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the words for a source, the demos, and files."""
    from preflight.sources.saved.demo import names

    words = [("live", "the cluster"), ("-", "standard input"), ("demo", "a bundled scenario")]
    return [
        *files(ctx, _param, incomplete),
        *_listed(incomplete, [*words, *((f"demo:{name}", "") for name in names())]),
    ]


def schemas(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Complete the names of the published schemas."""
    from preflight.documents import schema_names

    return _listed(incomplete, ((name, "") for name in schema_names()))


def files(ctx: click.Context, _param: click.Parameter, incomplete: str) -> Items:
    """Leave the completion of file names to the shell."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def _checks() -> list[tuple[str, str]]:
    from preflight.registry import find_plugins, load_checks

    return [(check.id, one_line(check.title, 100)) for check in load_checks(find_plugins())]


def _groups() -> Iterable[str]:
    from preflight.registry import find_plugins, load_checks
    from preflight.selection import groups_of

    return groups_of(load_checks(find_plugins()))


def _listed(incomplete: str, names: Iterable[tuple[str, str]]) -> Items:
    from click.shell_completion import CompletionItem

    before, comma, part = incomplete.rpartition(",")
    given = before.split(",")
    return [
        CompletionItem(before + comma + name, help=about or None)
        for name, about in names
        if name.startswith(part) and name not in given
    ]


def complete(cli: click.Command, args: Sequence[str]) -> Items:
    """Return what may stand for the last of the words, the others being complete."""
    from click.shell_completion import ShellComplete

    try:
        return ShellComplete(cli, {}, PROGRAM, COMPLETION).get_completions(list(args[:-1]), args[-1])
    except (PreflightError, click.ClickException):
        return []  # what is wrong is said when the command is run


def for_kubectl(cli: click.Command, args: Sequence[str]) -> str:
    """Return the answer to kubectl: a line a completion, with a tab before its description, and a directive."""
    found = complete(cli, args or [""])
    lines = [item.value + (f"\t{item.help}" if item.help else "") for item in found if item.type == "plain"]
    wants_files = any(item.type in ("file", "dir") for item in found)
    return "\n".join([*lines, _FILES if wants_files else _NO_FILES]) + "\n"


def colons_joined(words: Sequence[str], current: int) -> tuple[list[str], int, str]:
    """Put together again what bash parted at colons: `demo : st` is one word, `demo:st`.

    Returns the words, the number of the current one, and the part of it that bash keeps by itself.
    """
    whole: list[str] = []
    at, kept = len(words), ""
    joining = False
    for number, word in enumerate([*words, *([""] if current == len(words) else [])]):
        if whole and (joining or word.startswith(":")):
            whole[-1] += word
        else:
            whole.append(word)
        joining = word.endswith(":")
        if number == current:
            at = len(whole) - 1
            kept = whole[-1][: whole[-1].rindex(":") + 1] if ":" in whole[-1] else ""
    return whole, at, kept


def answer_bash() -> None:
    """Have click answer bash with colons in words, which bash parts and click does not put together."""
    from click.shell_completion import BashComplete, add_completion_class, split_arg_string

    class Bash(BashComplete):
        """Completes `demo:NAME` and CHECK:OBJECT as one word."""

        kept = ""

        def get_completion_args(self) -> tuple[list[str], str]:
            words, at, self.kept = colons_joined(
                split_arg_string(os.environ["COMP_WORDS"]), int(os.environ["COMP_CWORD"])
            )
            return words[1:at], words[at] if at < len(words) else ""

        def format_completion(self, item: CompletionItem[str]) -> str:
            return f"{item.type},{item.value.removeprefix(self.kept)}"

    add_completion_class(Bash)


def answer(cli: click.Command, argv: Sequence[str]) -> int:
    """Answer the shell or kubectl on standard output; returns the exit code."""
    from click.shell_completion import shell_complete

    from preflight.cli.output import print_text

    if COMPLETION not in os.environ:
        print_text(for_kubectl(cli, argv[1:]))
        return 0
    answer_bash()
    try:
        return shell_complete(cli, {}, PROGRAM, COMPLETION, os.environ[COMPLETION])
    except (PreflightError, click.ClickException):
        return 0  # what is wrong is said when the command is run
