"""Options that several commands share, each also read from HARVESTER_PREFLIGHT_<FLAG> and the configuration file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from preflight.cli import completing
from preflight.cli.defaults import ENV_PREFIX, load_config_option
from preflight.values.times import parse_duration, parse_time

F = TypeVar("F", bound=Callable[..., Any])


def option(flag: str, *more: str, **attributes: Any) -> Callable[[F], F]:
    """Declare an option whose long name also names its environment variable (envvar=None: it has none)."""
    attributes.setdefault("envvar", ENV_PREFIX + flag.lstrip("-").replace("-", "_").upper())
    return click.option(flag, *more, **attributes)


def stacked(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Apply decorators so that the help lists them in the order given."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


class Format(click.Choice[str]):
    """An output format. One set for another command (by environment or configuration file) gives the first choice.

    `HARVESTER_PREFLIGHT_OUTPUT=junit` is meant for `check`, and no reason for `list` to fail.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format, or the first choice for one that was not typed and that `check` knows."""
        from preflight.render import RENDERERS

        typed = ctx and param and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if not typed and value not in self.choices and value in RENDERERS:
            return self.choices[0]
        return super().convert(value, param, ctx)


def output_option(*formats: str, **attributes: Any) -> Callable[[F], F]:
    """Declare -o/--output with the formats that a command has, the default first."""
    return option("--output", "-o", type=Format(formats), default=formats[0], show_default=True, **attributes)


def time_value(text: str) -> datetime:
    """Parse the value of a flag that takes a time."""
    moment = parse_time(text)
    if moment is None:
        raise click.BadParameter(f"{text!r} is not an RFC 3339 time such as 2026-11-23T18:42:58Z")
    return moment


def duration_value(text: str) -> float:
    """Parse the value of a flag that takes a duration, into seconds."""
    span = parse_duration(text)
    if span is None:
        raise click.BadParameter(f"{text!r} is not a duration such as 90s, 10m or 1h30m")
    return span.total_seconds()


config_option = option(
    "--config",
    metavar="FILE",
    shell_complete=completing.files,
    is_eager=True,
    callback=load_config_option,
    help="Configuration file (default: .harvester-preflight.yaml in this folder, when there is one).",
)

plugin_option = stacked(
    option("--no-plugins", is_flag=True, help="Load only the built-in checks."),
    option(
        "--knowledge",
        multiple=True,
        metavar="FILE|DIR",
        shell_complete=completing.files,
        help="Newer data of releases and known issues, added to what ships; repeatable.",
    ),
)

source_options = stacked(
    option(
        "--source",
        default="live",
        show_default=True,
        metavar="SRC",
        shell_complete=completing.sources,
        help="live; a support bundle (.zip, .tar.gz or folder); a snapshot; a YAML or JSON file of objects, these two "
        "also packed (.gz); - for standard input; demo or demo:NAME.",
    ),
    option("--to", "to_version", metavar="VERSION", help="Target version (default: the only newer Version object)."),
    option("--from", "from_version", metavar="VERSION", help="Running version (default: setting server-version)."),
    option(
        "--now",
        type=time_value,
        metavar="RFC3339",
        help="The time to decide by (default: the API server's, or that of collection).",
    ),
)

selection_options = stacked(
    option(
        "--select",
        multiple=True,
        metavar="ID|TAG[,...]",
        shell_complete=completing.check_words,
        help="Run only these checks, categories or tags, also as a pattern ('longhorn-*'); repeatable.",
    ),
    option(
        "--skip",
        multiple=True,
        metavar="ID|TAG[,...]",
        shell_complete=completing.check_words,
        help="Leave these out; repeatable.",
    ),
    option(
        "--require",
        multiple=True,
        metavar="ID[,...]",
        shell_complete=completing.check_names,
        help="This check must be there and answer; repeatable.",
    ),
)

connection_options = stacked(
    option(
        "--kubeconfig",
        metavar="FILE",
        shell_complete=completing.files,
        help="Path of the kubeconfig (default: $KUBECONFIG, ~/.kube/config).",
    ),
    option(
        "--context",
        metavar="NAME[,NAME]",
        shell_complete=completing.contexts,
        help="Context of the kubeconfig; several give one combined report.",
    ),
    option("--cluster", metavar="NAME", help="Cluster of the kubeconfig."),
    option("--user", metavar="NAME", help="User of the kubeconfig."),
    option("--as", "as_", metavar="USER", help="User to impersonate."),
    option("--as-group", "as_groups", multiple=True, metavar="GROUP", help="Group to impersonate; repeatable."),
    option("--server", "-s", metavar="URL", help="Address of the API server."),
    option("--token", metavar="TOKEN", help="Bearer token."),
    option(
        "--certificate-authority",
        metavar="FILE",
        shell_complete=completing.files,
        help="Certificate file of the API server's authority.",
    ),
    option("--insecure-skip-tls-verify", is_flag=True, help="Do not check the server's certificate. Not safe."),
    option(
        "--request-timeout",
        type=duration_value,
        metavar="DURATION",
        default="30s",
        show_default=True,
        help="Limit of one request.",
    ),
    option(
        "--timeout",
        type=duration_value,
        metavar="DURATION",
        help="Limit of the whole reading, or of waiting for a repair.",
    ),
)

colour_option = option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour the output.",
)
verbose_option = option("--verbose", "-v", count=True, help="More detail in text output and errors.")
quiet_option = option("--quiet", "-q", is_flag=True, help="Only the verdict and the blockers; no progress.")
