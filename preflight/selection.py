"""Which checks were asked for: --select, --skip and --require, by id, other name, category, tag, or a pattern of these."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from preflight.check import Check
from preflight.errors import UsageError
from preflight.values.names import is_meant, perhaps

SEE = "; `harvester-preflight list` shows them all"

LEFT_OUT = {"--select": "not selected (--select)", "--skip": "left out by --skip"}
"""What the report says of a check that a flag leaves out."""


def select_checks(
    checks: Sequence[Check], select: Sequence[str], skip: Sequence[str], require: Sequence[str]
) -> Mapping[str, str]:
    """Return the flag that leaves each check out, `--select` or `--skip`, empty for those that run.

    Raises UsageError for a word that means no check, and for a required check that is missing or left out.
    """
    for flag, words in (("--select", select), ("--skip", skip)):
        for word in words:
            if not any(_matches(check, word) for check in checks):
                raise UsageError(f"{flag} {word}: no check has this id, category or tag{_perhaps(word, checks)}")
    for word in require:
        if not any(is_named(check, word) for check in checks):
            raise UsageError(f"--require {word}: no check has this id{perhaps(word, names_of(checks), SEE)}")
    left_out = {}
    for check in checks:
        flag = ""
        if select and not any(_matches(check, word) for word in select):
            flag = "--select"
        elif any(_matches(check, word) for word in skip):
            flag = "--skip"
        if flag and is_required(check, require):
            raise UsageError(f"check {check.id} is required (--require) and {LEFT_OUT[flag]}: drop one of the two")
        left_out[check.id] = flag
    return left_out


def is_required(check: Check, require: Sequence[str]) -> bool:
    """Say whether --require names this check."""
    return any(is_named(check, word) for word in require)


def is_named(check: Check, word: str) -> bool:
    """Say whether a word means this check by its id or other name, or is a pattern that fits one of them."""
    return any(is_meant(name, word) for name in (check.id, *check.aliases))


def by_id(entries: Sequence[str], checks: Sequence[Check], flag: str, also: Collection[str] = ()) -> tuple[str, ...]:
    """Write each CHECK or CHECK:OBJECT with the ids of the checks it means, by other name or pattern too.

    `also` are names that stand for themselves. Raises UsageError, which names the flag, for what no check is called.
    """
    found = []
    for entry in entries:
        name, colon, where = entry.partition(":")
        ids = [check.id for check in checks if is_named(check, name)] or [one for one in also if is_meant(one, name)]
        if not ids:
            raise UsageError(f"{flag} {entry}: no check has this id{perhaps(name, (*names_of(checks), *also), SEE)}")
        found += [check_id + colon + where for check_id in ids]
    return tuple(dict.fromkeys(found))


def names_of(checks: Sequence[Check]) -> Iterator[str]:
    """Yield the ids of the checks, and their other names."""
    for check in checks:
        yield from (check.id, *check.aliases)


def groups_of(checks: Sequence[Check]) -> Iterator[str]:
    """Yield the categories and tags, each once."""
    yield from dict.fromkeys(group for check in checks for group in (check.category, *check.tags))


def _matches(check: Check, word: str) -> bool:
    return is_named(check, word) or any(is_meant(group, word) for group in (check.category, *check.tags))


def _perhaps(word: str, checks: Sequence[Check]) -> str:
    return perhaps(word, (*names_of(checks), *groups_of(checks)), SEE)
