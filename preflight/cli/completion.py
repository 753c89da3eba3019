"""`completion`: the script that makes a shell complete our commands and flags."""

from __future__ import annotations

import click

from preflight.cli.output import print_text


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell, for example: source <(harvester-preflight completion bash)."""
    from click.shell_completion import ShellComplete, get_completion_class

    from preflight.cli import COMPLETION, cli

    kind = get_completion_class(shell)
    assert kind is not None, shell
    maker = kind(cli, {}, "harvester-preflight", COMPLETION)
    # BashComplete.source asks the bash that is installed for its version first, which needs a bash: skip that
    print_text(ShellComplete.source(maker))
