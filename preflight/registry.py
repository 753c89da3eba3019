"""Find, load and validate the registered checks.

Rule of this room: nothing disappears. A plugin that cannot be loaded becomes a check that answers `unknown` by name;
two checks of one id, and no checks at all, are errors.
"""

from __future__ import annotations

import math
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, distributions
from types import ModuleType
from typing import TYPE_CHECKING, Any

from preflight.border import ours_alone, problem_of
from preflight.check import OURS, Check
from preflight.errors import ConfigError
from preflight.inventory import View
from preflight.knowledge.judging import advisory_check
from preflight.knowledge.packaged import advisories_of
from preflight.model import Code, Outcome, Reason, Severity, Unknown
from preflight.selection import SEE
from preflight.values.names import perhaps
from preflight.values.times import parse_duration

if TYPE_CHECKING:
    from preflight.knowledge.given import Given

GROUP = "harvester_preflight.checks"
CATEGORIES = ("upgrade", "addons", "nodes", "rancher", "charts", "longhorn", "vms", "network", "node_os", "knowledge")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point that was found, not yet loaded."""

    origin: str
    """The distribution that brought it."""
    entry: EntryPoint

    @property
    def label(self) -> str:
        """Name package and entry for a message."""
        return f"{self.entry.name} of package {self.origin}"


def find_plugins(*, only_ours: bool = False) -> tuple[Plugin, ...]:
    """Find the entry points of all installed distributions, in a fixed order.

    A distribution that is found twice (on two paths) counts once: the first on the path is the one Python imports.
    """
    plugins = _on_path(tuple(sys.path))
    return tuple(plugin for plugin in plugins if plugin.origin == OURS) if only_ours else plugins


@lru_cache(maxsize=1)
def _on_path(_path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Look once along a path: a run asks several times, and every installed distribution has to be opened for it."""
    found: dict[str, list[Plugin]] = {}
    for distribution in distributions():
        entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        if not entries:
            continue
        origin = _normal(distribution.metadata["Name"] or "an unnamed package")
        if origin not in found:
            found[origin] = [Plugin(origin, entry) for entry in entries]
    plugins = (plugin for group in found.values() for plugin in group)
    return tuple(sorted(plugins, key=lambda plugin: (plugin.origin != OURS, plugin.origin, plugin.entry.name)))


def load_checks(
    plugins: Iterable[Plugin], programs: Iterable[Check] = (), given: Given | None = None
) -> tuple[Check, ...]:
    """Load the plugins into checks, add those of programs and the advisories that were given; sorted by category and id.

    Raises ConfigError for two checks with one id or alias, for a given advisory that weakens one that ships, and when
    there is no check at all.
    """
    checks: dict[str, tuple[Check, str]] = {}
    plugins = tuple(plugins)
    found = [(loaded, plugin.label) for plugin in plugins for loaded in _load(plugin)]
    for loaded, label in (*found, *((check, f"the program {check.origin}") for check in programs)):
        for name in (loaded.id, *loaded.aliases):
            if name in checks:
                raise ConfigError(
                    f"two checks are called {name!r}: {checks[name][1]} and {label}; uninstall one of them"
                )
            checks[name] = (loaded, label)
    unique = {loaded.id: loaded for loaded, _ in checks.values()}
    if not unique:
        raise ConfigError(
            "no checks are installed, so nothing can be said about the cluster: "
            "reinstall harvester-preflight (its entry points are missing)"
        )
    every = tuple(unique.values())
    if given and given.documents:
        from preflight.knowledge.given import add_advisories

        ships = [
            one
            for plugin in plugins
            for package in packages_of([plugin])
            for one in advisories_of(package, plugin.origin)
        ]
        every = add_advisories(every, ships, given)
    return tuple(sorted(every, key=_report_order))


def _report_order(check: Check) -> tuple[int, str, str]:
    place = CATEGORIES.index(check.category) if check.category in CATEGORIES else len(CATEGORIES)
    return place, check.category, check.id


def _dotted(*path: str) -> str:
    return ".".join(path)


def check_options(
    checks: Sequence[Check], thresholds: Mapping[str, Mapping[str, Any]], where: Callable[..., str] = _dotted
) -> dict[str, dict[str, Any]]:
    """Merge configured thresholds over the defaults. Raises ConfigError for an unknown check, option or type.

    `where` says where a value stands (Config.where); without it errors give the path alone.
    """
    by_name = {name: check for check in checks for name in (check.id, *check.aliases)}
    for name in thresholds:
        if name not in by_name:
            raise ConfigError(f"{where('thresholds', name)}: no check is called {name!r}{perhaps(name, by_name, SEE)}")
    merged: dict[str, dict[str, Any]] = {}
    for check in checks:
        merged[check.id] = {key: option.default for key, option in check.options.items()}
        for name in (check.id, *check.aliases):
            for key, value in thresholds.get(name, {}).items():
                merged[check.id][key] = _option_value(check, key, value, where("thresholds", name, key))
    return merged


def _option_value(check: Check, key: str, value: Any, where: str) -> Any:
    option = check.options.get(key)
    if option is None:
        known = ", ".join(sorted(check.options)) or "none"
        raise ConfigError(f"{where}: {check.id} has no option {key!r} (it has: {known}){perhaps(key, check.options)}")
    default = option.default
    number = isinstance(default, (int, float)) and not isinstance(default, bool)
    right = isinstance(value, (int, float)) and not isinstance(value, bool) if number else type(value) is type(default)
    if not right:
        raise ConfigError(f"{where}: {value!r} is not of the type of its default {default!r}")
    if number and not math.isfinite(value):  # compares false with everything: nothing would be found any more
        raise ConfigError(f"{where}: {value!r} is not a number to compare with")
    if number and option.minimum is not None and value < option.minimum:
        raise ConfigError(f"{where}: {value!r} is below the least allowed, {option.minimum:g}")
    if isinstance(default, str) and parse_duration(default) is not None and parse_duration(value) is None:
        raise ConfigError(f"{where}: {value!r} is not a duration such as {default!r}")
    return value


def _load(plugin: Plugin) -> list[Check]:
    """Load what an entry point names: one check, or a package whose files are one check each, as our own is."""
    try:
        with ours_alone(foreign=plugin.origin != OURS):
            loaded = plugin.entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a plugin does on import must not end the run
        return [broken_check(plugin.entry.name, plugin.origin, f"{type(error).__name__}: {error}")]
    if isinstance(loaded, ModuleType) and hasattr(loaded, "__path__"):
        advisories = [advisory_check(advisory) for advisory in advisories_of(loaded, plugin.origin)]
        return [*(_load_file(module, plugin.origin) for module in files_of(loaded)), *advisories]
    return [_registered(loaded, plugin.entry.name, plugin.origin)]


def packages_of(plugins: Iterable[Plugin]) -> tuple[ModuleType, ...]:
    """Return the packages of checks among the plugins. One that cannot be loaded is left to `load_checks` to report."""
    found = []
    for plugin in plugins:
        try:
            loaded = plugin.entry.load()
        except (Exception, SystemExit):
            continue
        if isinstance(loaded, ModuleType) and hasattr(loaded, "__path__"):
            found.append(loaded)
    return tuple(found)


def files_of(package: ModuleType) -> tuple[str, ...]:
    """Name the modules of a package of checks: `area/check_id.py`, without those that begin with an underscore."""
    found = []
    for area in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if area.ispkg:
            folder = import_module(area.name)
            found += [one.name for one in pkgutil.iter_modules(folder.__path__, f"{area.name}.") if not one.ispkg]
    return tuple(name for name in sorted(found) if not name.rpartition(".")[2].startswith("_"))


def _load_file(module: str, origin: str) -> Check:
    """Load one file by itself, so that a broken one is one `unknown` and takes no other with it."""
    name = module.rpartition(".")[2]
    try:
        with ours_alone(foreign=origin != OURS):
            loaded = getattr(import_module(module), name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return broken_check(name.replace("_", "-"), origin, f"{type(error).__name__}: {error}")
    return _registered(loaded, name.replace("_", "-"), origin)


def _registered(loaded: object, name: str, origin: str) -> Check:
    problem = problem_of(loaded)
    if problem:
        return broken_check(name, origin, problem)
    assert isinstance(loaded, Check)
    return replace(loaded, origin=origin)


def broken_check(name: str, origin: str, problem: str) -> Check:
    """Stand in for a plugin that could not be loaded: it answers `unknown` and can block a hopeful `ready`."""
    reason = f"{name} of package {origin} could not be loaded: {problem}"

    def answer(_view: View) -> Iterator[Outcome]:
        yield Unknown(Reason(Code.CRASHED, reason))

    return Check(
        id=name,
        title=f"{name} can be loaded",
        category="plugin",
        needs=(),
        run=answer,
        worst=Severity.FAIL,
        from_versions="",
        to_versions="",
        enforced_by=(),
        docs="",
        why="A check that cannot be loaded cannot say that the cluster is ready.",
        how=problem,
        fix=f"Repair or uninstall the package {origin}, or leave its checks out with --no-plugins.",
        origin=origin,
        broken=problem,
    )


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
