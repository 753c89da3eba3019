"""The defaults of flags that a configuration file holds, brought into the shape click wants for each flag."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import click

from preflight.config_file import Config, find_config
from preflight.errors import ConfigError
from preflight.values.foreign_text import visible
from preflight.values.names import perhaps

ENV_PREFIX = "HARVESTER_PREFLIGHT_"
OTHER_VARIABLES = ("HARVESTER_PREFLIGHT_CALLED_AS", "HARVESTER_PREFLIGHT_IMAGE")
"""Variables of ours that are no flag's: a container's entry point tells its name, a pipeline the image it runs."""
_OF_A_SERVICE = re.compile(r"_(?:SERVICE_(?:HOST|PORT)|PORT)(?:_|$)")


def load_config_option(ctx: click.Context, _param: click.Parameter, value: str | None) -> Config:
    """Read the configuration file and make its defaults those of the command that runs.

    Raises ConfigError, with the line, for a flag that no command has and for a value its flag does not take.
    """
    if ctx.resilient_parsing:  # a shell completes a word: nothing is decided, and nothing said
        return Config()
    config = find_config(value)
    check_defaults(config)
    if config.found:
        _say_what_was_found(config)
    if not config.defaults:
        return config
    flags = {opt.lstrip("-"): param for param in ctx.command.params for opt in param.opts if opt.startswith("--")}
    usable = dict(ctx.default_map or {})
    for key, given in config.defaults.items():
        where = config.where("defaults", key)
        param = flags.get(key)
        if isinstance(param, click.Option) and param.name and param.envvar:
            shaped = _shaped(param, given, where)
            if shaped is not None:
                _try(ctx, param, shaped, where)
                usable[param.name] = shaped
    ctx.default_map = usable
    return config


def check_defaults(config: Config) -> None:
    """Hold every default to its flag, of whatever command: a file is right or wrong for all commands alike.

    Raises ConfigError, with the line, for a flag that no command has and for a value its flag does not take.
    """
    keys = [*config.defaults, *(path[1] for path in config.refused if path[0] == "defaults")]
    known = all_flags() if keys else {}
    for key in keys:
        where = config.where("defaults", key)
        if key not in known:
            raise ConfigError(f"{where}: no command has a flag --{key}{perhaps(key, known)}")
        command, param = known[key]
        if key in config.defaults and isinstance(param, click.Option) and param.envvar:
            shaped = _shaped(param, config.defaults[key], where)
            if shaped is not None:
                _try(click.Context(command), param, shaped, where)


def _say_what_was_found(config: Config) -> None:
    """Say that a file nobody named has a say, and in one line what it says and may not."""
    from preflight.cli import say

    say(f"settings from {visible(config.path)}")
    if config.refused:
        names = ", ".join(visible(".".join(map(str, path))) for path in config.refused)
        say(
            f"refused from {visible(config.path)}, which nobody named: {names}; "
            f"to allow them give --config {visible(config.path)}"
        )


def _shaped(param: click.Option, given: Any, where: str) -> Any:
    """Turn a YAML value into what click takes as a default: truth for switches, a list for repeatable flags."""
    if isinstance(given, bool) and isinstance(param.flag_value, str):  # `all-contexts: true`: the flag without a value
        given = param.flag_value if given else []
    if param.is_flag or param.count:
        if isinstance(given, bool) or (param.count and isinstance(given, int)):
            return given
        raise ConfigError(f"{where}: {given!r} is not true or false")
    if isinstance(given, bool):
        raise ConfigError(f"{where}: the flag takes a value, not true or false")
    if param.multiple:
        return [str(item) for item in (given if isinstance(given, list) else [given])]
    if given == []:
        return None
    if isinstance(given, list):
        raise ConfigError(f"{where}: the flag takes one value, not a list")
    return str(given)


def _try(ctx: click.Context, param: click.Option, shaped: Any, where: str) -> None:
    """Convert as click will, so that a wrong value is blamed on the file and not on a flag nobody typed."""
    try:
        param.type_cast_value(ctx, shaped)
    except click.BadParameter as error:
        raise ConfigError(f"{where}: {error.message}") from None


def all_flags() -> dict[str, tuple[click.Command, click.Parameter]]:
    """Return the long flags of all commands, without dashes, each with the first command that has it: `check` if it does."""
    from preflight.cli import COMMANDS, cli

    ctx = click.Context(cli)
    commands = [command for name in COMMANDS if (command := cli.get_command(ctx, name)) is not None]
    found: dict[str, tuple[click.Command, click.Parameter]] = {}
    for command in commands:
        for param in command.params:
            for opt in param.opts:
                if opt.startswith("--") and (opt[2:] not in found or not found[opt[2:]][1].envvar):
                    found[opt[2:]] = (command, param)
    return found


def unknown_variables(environment: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each variable that looks like one of ours and is none.

    Kubernetes gives a pod such variables too, for a Service that is called as this tool.
    """
    ours = [name for name in environment if name.startswith(ENV_PREFIX) and not _OF_A_SERVICE.search(name)]
    if not ours:
        return
    known = {*OTHER_VARIABLES, *(str(param.envvar) for _, param in all_flags().values() if param.envvar)}
    for name in sorted(set(ours) - known):
        yield f"the variable {name} means nothing to this tool{perhaps(name, sorted(known))}"
