"""Short ways to write what a check yields: consequences, commands and unknowns. Part of preflight.api."""

from __future__ import annotations

import shlex

from preflight.model import Certainty, Code, Command, Consequence, Effect, Phase, Reason, Unknown, Where

REFUSED = "The server refuses to create the Upgrade"
HARMLESS = "The upgrade goes on all the same"


def refused(text: str = REFUSED, certainty: Certainty = Certainty.CERTAIN) -> Consequence:
    """Say that the server will not create the Upgrade."""
    return Consequence(Effect.REFUSED, Phase.ADMISSION, certainty, text)


def hangs(phase: Phase, text: str, certainty: Certainty = Certainty.CERTAIN) -> Consequence:
    """Say that the upgrade starts and waits without end."""
    return Consequence(Effect.HANGS, phase, certainty, text)


def fails(phase: Phase, text: str, certainty: Certainty = Certainty.CERTAIN) -> Consequence:
    """Say that the upgrade ends Failed half-way."""
    return Consequence(Effect.FAILS, phase, certainty, text)


def loses_data(phase: Phase, text: str, certainty: Certainty = Certainty.LIKELY) -> Consequence:
    """Say that data is lost."""
    return Consequence(Effect.DATA_LOSS, phase, certainty, text)


def stops_workload(phase: Phase, text: str, certainty: Certainty = Certainty.LIKELY) -> Consequence:
    """Say that a machine or a service is stopped unannounced."""
    return Consequence(Effect.STOPS_WORKLOAD, phase, certainty, text)


def delays(phase: Phase, text: str, certainty: Certainty = Certainty.LIKELY) -> Consequence:
    """Say that the upgrade takes longer."""
    return Consequence(Effect.DELAYS, phase, certainty, text)


def degrades(phase: Phase, text: str, certainty: Certainty = Certainty.LIKELY) -> Consequence:
    """Say that something works worse for a time, or afterwards."""
    return Consequence(Effect.DEGRADES, phase, certainty, text)


def harmless(text: str = HARMLESS) -> Consequence:
    """Say that nothing happens."""
    return Consequence(Effect.NONE, Phase.AFTER, Certainty.CERTAIN, text)


def unknown(code: Code, text: str, *, node: str = "", namespace: str = "", cure: str = "") -> Unknown:
    """Say that something could not be determined, and why."""
    return Unknown(Reason(code, text, node, namespace, cure))


def kubectl(words: str, *values: object, why: str = "") -> Command:
    """Make a kubectl command: `kubectl("delete pod {} -n {}", name, namespace)`.

    The words are split first and each `{}` is filled in afterwards, so that a name is one word whatever stands in it.
    """
    return Command(("kubectl", *_filled(words, values)), Where.CLUSTER, why)


def on_cluster(words: str, *values: object, why: str = "") -> Command:
    """Make any other command that talks to the cluster, such as helm; filled in as kubectl()."""
    return Command(_filled(words, values), Where.CLUSTER, why)


def on_node(words: str, *values: object, why: str = "") -> Command:
    """Make a command to type on a node; filled in as kubectl()."""
    return Command(_filled(words, values), Where.NODE, why)


def tool(words: str, *values: object, why: str = "") -> Command:
    """Make a command of this tool, without its name: `tool("fix --only {}", check_id)`."""
    return Command(("harvester-preflight", *_filled(words, values)), Where.TOOL, why)


def _filled(words: str, values: tuple[object, ...]) -> tuple[str, ...]:
    left = list(values)
    filled = []
    for word in shlex.split(words):
        pieces = word.split("{}")
        filled.append(pieces[0] + "".join(str(left.pop(0)) + piece for piece in pieces[1:]))
    if left:
        raise ValueError(f"{words!r} has no place for {left}")
    return tuple(filled)
