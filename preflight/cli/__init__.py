"""The command line: declares the commands, calls the flow, turns errors and verdicts into exit codes; decides nothing.

Commands are loaded when they are called, so that `--version`, `--help` and completion stay quick.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any

import click

from preflight import __version__
from preflight.cli.naming import NamedContext, as_called, called_as
from preflight.errors import ExitCode, PreflightError
from preflight.values.foreign_text import visible
from preflight.values.names import perhaps

COMPLETION = "_HARVESTER_PREFLIGHT_COMPLETE"
"""The variable by which the script of `completion` asks."""
KUBECTL_COMPLETION = "kubectl_complete-"
"""How the program is called when kubectl asks for the words of its plugin."""
BUG_REPORT = "https://github.com/harvester/harvester-preflight/issues"

COMMANDS = {
    "check": ("preflight.cli.check:check", "Read the cluster or a file once, run the checks, exit with the verdict."),
    "why": ("preflight.cli.why:why", "Say what a running upgrade waits for, since when, and what to do."),
    "fix": ("preflight.cli.fix:fix", "Plan the repair of findings; with --apply, carry it out."),
    "rollback": ("preflight.cli.rollback:rollback", "Put back what a fix changed."),
    "list": ("preflight.cli.catalogue:list_checks", "List the registered checks and what they read."),
    "explain": ("preflight.cli.explain:explain", "Say why a check blocks, how it comes about, how to fix it."),
    "snapshot": ("preflight.cli.snapshot:snapshot", "Save what the checks read, scrubbed, for use offline."),
    "report": ("preflight.cli.report:report", "Print a saved JSON report in another format, or compare two."),
    "knowledge": ("preflight.cli.knowledge:knowledge", "Print what is known of releases and of their faults."),
    "rbac": ("preflight.cli.rbac:rbac", "Print the least-privilege manifest the checks need."),
    "manifests": (
        "preflight.cli.manifests:manifests",
        "Print finished manifests: Job, CronJob, GitOps gate, chart values.",
    ),
    "schema": ("preflight.cli.schema:schema", "Print a JSON Schema."),
    "validate": (
        "preflight.cli.schema:validate",
        "Check a report, configuration, snapshot, journal or file of knowledge.",
    ),
    "completion": ("preflight.cli.completion:completion", "Print the completion script for a shell."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only when it is called."""

    context_class = NamedContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        command.context_class = NamedContext
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; for a wrong word name those it may stand for."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {visible(repr(args[0]))}{perhaps(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the commands, without importing any, and the options."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ready, 1 the tool failed, 2 usage or configuration, 3 blocked, 4 undecided, "
    "5 repair failed, 130 interrupted.",
)
@click.version_option(__version__, "-V", "--version", prog_name="harvester-preflight")
def cli() -> None:
    """Find out whether a Harvester cluster can be upgraded, why not, and what to do.

    Start with `harvester-preflight check --to v1.4.1`, or without a cluster: `harvester-preflight check --source demo`.
    """
    if any(name.startswith("HARVESTER_PREFLIGHT_") for name in os.environ):
        for sentence in import_module("preflight.cli.defaults").unknown_variables(os.environ):
            say(f"Warning: {visible(sentence)}")


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every error ends here."""
    signal.signal(signal.SIGTERM, _interrupt)
    if _completes():
        code = import_module("preflight.cli.completing").answer(cli, sys.argv)
        return int(code)
    try:
        code = cli.main(args, prog_name=called_as(), standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        say("interrupted: no verdict was reached")
        return ExitCode.INTERRUPTED
    except PreflightError as error:
        say(f"Error: {visible(error.message)}")
        if error.detail and _verbose(args):
            say(visible(error.detail, keep_newlines=True))
        return error.exit_code
    except Exception as error:
        return _our_bug(error)


def say(text: str) -> None:
    """Write one line to standard error; a closed standard error is no reason to fail."""
    try:
        click.echo(as_called(text), err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: Any) -> None:
    """Point a broken stream at nothing: Python flushes it once more on exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError, AttributeError):
        return


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _completes() -> bool:
    """Say whether a shell wants words completed: by click's variable, or through kubectl by the name of the program."""
    return COMPLETION in os.environ or os.path.basename(sys.argv[0] or "").startswith(KUBECTL_COMPLETION)


def _verbose(args: Sequence[str] | None) -> bool:
    words = sys.argv[1:] if args is None else args
    asked = any(word in ("-v", "-vv", "--verbose") for word in words)
    return asked or os.environ.get("HARVESTER_PREFLIGHT_VERBOSE", "0") not in ("", "0")


def _our_bug(error: Exception) -> int:
    import traceback

    say("".join(traceback.format_exception(error)).rstrip())
    say(f"Error: this is a defect of harvester-preflight {__version__}, not of your cluster: nothing was decided.")
    say(f"Please report the lines above at {BUG_REPORT} (look them over for names you do not want to publish).")
    return ExitCode.TOOL_FAILED
