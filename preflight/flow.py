"""The straight flow behind `check`: settings → registry → needs → source → inventory → results → report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from preflight.causes import identify, link
from preflight.check import Check, Need
from preflight.errors import SourceError, UsageError
from preflight.inventory import Collected, Inventory, clock_doubt
from preflight.knowledge.notes import notes_on
from preflight.knowledge.packaged import shipped
from preflight.model import Report, SourceInfo, UpgradePair
from preflight.pair import PAIR_NEEDS, no_version, running_target, version_pair
from preflight.parity import agreement
from preflight.registry import check_options, find_plugins, load_checks, packages_of
from preflight.releases import Knowledge
from preflight.report import build_report
from preflight.resources import How
from preflight.runner import applicability, run_checks
from preflight.selection import is_required, select_checks
from preflight.serving import served
from preflight.settings import Settings
from preflight.sources import Reader
from preflight.waivers import Waivers, validate_waivers
from preflight.whose import WHOSE_NEEDS, cluster_uid

Later: TypeAlias = Callable[[Inventory, UpgradePair, Sequence[Check]], Mapping[str, Collected]]
"""Read what is asked for on purpose (a dry run, a probe), given the checks that apply to this pair of versions."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One run: the report, and what it was made from."""

    report: Report
    inventory: Inventory


def registered_checks(settings: Settings) -> tuple[Check, ...]:
    """Load the registered checks; without plugins only our own."""
    plugins = find_plugins(only_ours=not settings.plugins)
    programs = _programs() if settings.plugins else ()
    if not settings.knowledge:
        return load_checks(plugins, programs)
    from preflight.knowledge.given import read_given

    return load_checks(plugins, programs, read_given(settings.knowledge))


def knowledge_in_use(settings: Settings) -> Knowledge:
    """Return what is known of releases: what ships, and what --knowledge adds. Raises ConfigError for the latter."""
    ships = shipped(packages_of(find_plugins(only_ours=not settings.plugins)))
    if not settings.knowledge:
        return ships
    from preflight.knowledge.given import read_given, with_given

    return with_given(ships, read_given(settings.knowledge))


def _programs() -> list[Check]:
    from preflight.exec_checks import exec_check, find_programs

    return [exec_check(name, program) for name, program in find_programs().items()]


def all_needs(checks: Sequence[Check], settings: Settings) -> tuple[Need, ...]:
    """Return what the selected checks read, what settles the pair of versions, and what tells which cluster it is.

    Raises UsageError for an unknown id or tag.
    """
    left_out = select_checks(checks, settings.select, settings.skip, settings.require)
    wanted = (need for check in checks if not left_out[check.id] for need in check.needs)
    return (*PAIR_NEEDS, *WHOSE_NEEDS, *(need for need in wanted if need.resource.how is not How.ASK))


def examine(
    checks: Sequence[Check],
    settings: Settings,
    read: Reader,
    *,
    target_needed: bool = True,
    later: Later | None = None,
) -> Examination:
    """Read once, run the checks, build the report. `later` reads what is asked for only once the versions are known.

    Raises UsageError for selections that do not exist and, where `target_needed`, when it is not known to which
    version to upgrade; SourceError when nothing could be read; ConfigError for thresholds or waivers that are wrong.
    """
    left_out = select_checks(checks, settings.select, settings.skip, settings.require)
    options = check_options(checks, settings.config.thresholds, settings.config.where)
    validate_waivers(settings.config, checks)
    try:
        inventory = read(all_needs(checks, settings))
    except MemoryError:
        raise SourceError(f"there is not enough memory to read {settings.source}: pass fewer kinds") from None
    return _judge(checks, settings, inventory, left_out, options, target_needed=target_needed, later=later)


def examine_unreadable(checks: Sequence[Check], settings: Settings, source: SourceInfo) -> Examination:
    """Make the report of a source of which nothing could be read, `source.unread` says why: every check is unknown.

    So whoever reads reports gets one, and in a run over several clusters one that is down neither hides the others nor
    is left out.
    """
    left_out = select_checks(checks, settings.select, settings.skip, settings.require)
    options = check_options(checks, settings.config.thresholds, settings.config.where)
    missing = Collected(missing=source.unread)
    inventory = Inventory(source, {need.resource.name: missing for need in all_needs(checks, settings)})
    return _judge(checks, settings, inventory, left_out, options, target_needed=False)


def _judge(
    checks: Sequence[Check],
    settings: Settings,
    inventory: Inventory,
    left_out: Mapping[str, str],
    options: Mapping[str, Mapping[str, Any]],
    *,
    target_needed: bool,
    later: Later | None = None,
) -> Examination:
    seen, given = served(inventory, PAIR_NEEDS), (settings.from_version, settings.to_version)
    if wrong := no_version(seen, *given):
        raise UsageError(wrong)
    pair, problem = version_pair(seen, *given)
    target = pair.to_version or running_target(inventory)
    pair = replace(pair, to_version=target, via=settings.via, version_expected=settings.expect_version)
    if pair.to_version is None and target_needed:
        raise UsageError(problem)
    if later:
        running = [check for check in checks if not left_out[check.id] and applicability(check, pair)[0] is not False]
        inventory = replace(inventory, entries={**inventory.entries, **later(inventory, pair, running)})
    doubt = clock_doubt(inventory, says_current=inventory.source.type == "live" and settings.now is not None)
    inventory = replace(inventory, clock_doubt=doubt)
    aliases = {alias: check.id for check in checks for alias in check.aliases}
    knowledge = knowledge_in_use(settings)
    waivers = Waivers(settings.config, pair, inventory.source.collected_at, aliases)
    results = run_checks(
        checks,
        inventory,
        pair,
        left_out=left_out,
        options=options,
        required=lambda check: is_required(check, settings.require),
        waive=waivers.waive,
        attests=waivers.attests,
        knowledge=knowledge,
    )
    results += tuple(filter(None, (agreement(results), waivers.result(results))))
    results = link(identify(results), checks)
    doubts = (doubt.text,) if doubt else ()
    notes = (*inventory.source.notes, *doubts, *notes_on(knowledge, pair, inventory))
    source = replace(inventory.source, notes=notes, cluster_uid=cluster_uid(inventory))
    return Examination(build_report(source, pair, results, settings.fail_on, knowledge), inventory)
