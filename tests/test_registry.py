"""Find, load, validate: with fake distributions on the path, so nothing needs installing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.errors import ConfigError, UsageError
from preflight.model import Status, UpgradePair
from preflight.registry import check_options, find_plugins, load_checks
from preflight.runner import run_checks
from preflight.selection import by_id, is_required, select_checks
from preflight.values.names import perhaps, split_names
from tests.cases import inventory_for

GOOD = """
from preflight.api import check, need, Option, WARN
@check(id={id!r}, title="t", category="nodes", needs=(need("nodes"),), docs="d", why="w", how="h", fix="f", worst=WARN,
       options={{"days": Option(7, "days", minimum=0), "grace": Option("10m", "time")}}, tags=("mine",),
       aliases={aliases!r})
def {name}(view):
    view.objects("nodes")
    return iter(())
"""

Install = Callable[..., None]


def good(id: str, name: str, aliases: tuple = ()) -> str:
    return GOOD.format(id=id, name=name, aliases=aliases)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with entry points and modules on the path."""
    before = set(sys.modules)

    def make(distribution: str, entries: dict[str, str], **modules: str) -> None:
        folder = tmp_path / distribution
        info = folder / f"{distribution}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {target}\n" for name, target in entries.items())
        (info / "entry_points.txt").write_text(f"[harvester_preflight.checks]\n{lines}")
        for name, code in modules.items():
            (folder / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(str(folder))

    yield make
    for name in set(sys.modules) - before:
        del sys.modules[name]


def theirs(distribution: str) -> tuple:
    return tuple(plugin for plugin in find_plugins() if plugin.origin == distribution)


def test_a_third_party_comes_through_the_same_door(install: Install) -> None:
    install(
        "acme-checks",
        {"acme-disk": "acme_a:acme_disk"},
        acme_a=good("acme-disk", "acme_disk"),
    )
    (check,) = load_checks(theirs("acme-checks"))
    assert (check.id, check.origin) == ("acme-disk", "acme-checks")
    assert "acme-disk" not in {plugin.entry.name for plugin in find_plugins(only_ours=True)}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("import not_there_at_all", "not_there_at_all"),
        ("x = 1", "no attribute"),
        ("acme_disk = 5", "not a function decorated with @check"),
        (good("Not Kebab", "acme_disk"), "kebab-case"),
        (
            good("acme-disk", "acme_disk").replace('"nodes")', '"nodes", "...")'),
            "field path",
        ),
        (
            good("acme-disk", "acme_disk").replace("worst=WARN", "from_versions='1.x'"),
            "range",
        ),
        ("raise SystemExit(3)", "3"),
    ],
)
def test_a_broken_plugin_is_a_named_unknown(install: Install, code: str, words: str) -> None:
    install("acme-checks", {"acme-disk": "acme_b:acme_disk"}, acme_b=code)
    (check,) = load_checks(theirs("acme-checks"))
    (result,) = run_checks([check], inventory_for(check, {}), UpgradePair(None, None), left_out={}, options={})
    assert result.status is Status.UNKNOWN
    assert "acme-checks" in result.reason
    assert words in result.reason


def test_two_checks_of_one_id_are_an_error_that_names_both(install: Install) -> None:
    install("acme-one", {"same": "acme_c:c"}, acme_c=good("same", "c"))
    install("acme-two", {"other": "acme_d:d"}, acme_d=good("other", "d", ("same",)))
    with pytest.raises(ConfigError, match=r"'same'.*acme-one.*acme-two"):
        load_checks([*theirs("acme-one"), *theirs("acme-two")])


def test_an_empty_registry_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no checks are installed"):
        load_checks([])


@pytest.fixture
def one(install: Install) -> tuple:
    install("acme-checks", {"acme-disk": "acme_e:c"}, acme_e=good("acme-disk", "c", ("old-name",)))
    return load_checks(theirs("acme-checks"))


@pytest.mark.parametrize("word", ["acme-disk", "old-name", "nodes", "mine"])
def test_selection_by_id_alias_category_and_tag(one: tuple, word: str) -> None:
    assert select_checks(one, [word], [], []) == {"acme-disk": ""}
    assert select_checks(one, [], [word], []) == {"acme-disk": "--skip"}


@pytest.mark.parametrize("word", ["acme-*", "*-name", "node?", "[m]ine", "*"])
def test_selection_by_a_pattern(one: tuple, word: str) -> None:
    assert select_checks(one, [word], [], []) == {"acme-disk": ""}
    assert select_checks(one, [], [word], []) == {"acme-disk": "--skip"}
    assert is_required(one[0], [word]) is (word in ("acme-*", "*-name", "*"))
    with pytest.raises(UsageError, match=r"other-\*"):
        select_checks(one, ["other-*", word], [], [])


def test_a_check_with_an_object_goes_by_every_name_of_the_check(one: tuple) -> None:
    assert by_id(["old-name:ns/*", "acme-*"], one, "--only") == ("acme-disk:ns/*", "acme-disk")
    assert by_id(["absent", "acme-disk"], one, "--only", ("absent",)) == ("absent", "acme-disk")
    with pytest.raises(UsageError, match=r"--only acme_disc:a/b: .*did you mean acme-disk\?"):
        by_id(["acme_disc:a/b"], one, "--only")


def test_lists_are_taken_apart_at_commas() -> None:
    assert split_names(["a,b", "c , a", ",", ""]) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("node-redy", "; did you mean node-ready?"),
        ("Node_Ready", "; did you mean node-ready?"),
        ("skew", "; did you mean clock-skew?"),
        ("clock-skwe*", "; did you mean clock-skew?"),
        ("skwe", "; did you mean clock-skew?"),
        ("er", "none"),
        ("zzz", "none"),
    ],
)
def test_a_wrong_name_gets_those_that_are_like_it(word: str, words: str) -> None:
    assert perhaps(word, ["clock-skew", "node-ready", "addons"], "none") == words


@pytest.mark.parametrize("words", [(["nope"], [], []), ([], ["nope"], []), ([], [], ["nope"]), ([], [], ["nodes"])])
def test_an_unknown_word_is_a_usage_error(one: tuple, words: tuple) -> None:
    with pytest.raises(UsageError, match=r"nope|--require nodes"):
        select_checks(one, *words)


def test_a_required_check_cannot_be_left_out(one: tuple) -> None:
    with pytest.raises(UsageError, match="required"):
        select_checks(one, [], ["mine"], ["acme-disk"])


def test_thresholds_are_merged_over_the_defaults(one: tuple) -> None:
    assert check_options(one, {})["acme-disk"] == {"days": 7, "grace": "10m"}
    assert check_options(one, {"old-name": {"days": 3}})["acme-disk"]["days"] == 3


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ({"nope": {}}, "nope"),
        ({"acme-disk": {"weeks": 1}}, "days, grace"),
        ({"acme-disk": {"days": "7"}}, "type"),
        ({"acme-disk": {"days": True}}, "type"),
        ({"acme-disk": {"days": -1}}, "least"),
        ({"acme-disk": {"days": float("nan")}}, "compare"),
        ({"acme-disk": {"days": float("inf")}}, "compare"),
        ({"acme-disk": {"grace": "soon"}}, "duration"),
    ],
)
def test_a_wrong_threshold_is_a_configuration_error(one: tuple, thresholds: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_options(one, thresholds)
