"""The README and the generated pages say what is true: every walk-through is executed, every table compared."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.cli import COMMANDS, cli
from preflight.registry import find_plugins, load_checks
from preflight.sources.text.yaml_reading import load_documents
from tests.bundles import bundle_files, write_zip
from tests.cases import compare, load_case, run_case
from tests.command import ROOT, environment, preflight
from tests.kube import KubeServer
from tests.kube.objects import HASH_LABEL

READMES = ("README.md", "README.zh-CN.md")
PAGES = tuple(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))
FIXTURE = ROOT / "tests" / "fixtures" / "job-predates.yaml"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def console_blocks(name: str) -> list[str]:
    return CONSOLE.findall((ROOT / name).read_text(encoding="utf-8"))


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output shown below it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        more = next((index for index, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        yield "\n".join([lines[0], *(line[2:] for line in lines[1:more])]), "\n".join(lines[more:])


def matches(shown: str, printed: str) -> bool:
    """Compare, with `…` standing for any text, and on a line of its own for any lines."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ ]*\n"
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, printed) is not None


OBJECTS: list[dict[str, Any]] = [
    item for document in load_documents(FIXTURE.read_bytes()) for item in document["items"]
]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Put the tool and a kubectl on the PATH, as the README's reader has them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, line in (
        ("harvester-preflight", f'exec {sys.executable} -m preflight "$@"'),
        ("kubectl", f'[ "$1" = get ] && exec cat {FIXTURE}; exit 1'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("block", console_blocks("README.md"), ids=lambda block: block.split("\n")[0][2:60])
def test_every_walk_through_of_the_readme_is_as_shown(block: str, programs: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    write_zip(here, bundle_files(OBJECTS)).rename(here / "supportbundle.zip")
    with KubeServer(map(of_its_chart, OBJECTS), controllers="--apply" in block) as server:
        config, last, ran = server.kubeconfig(tmp_path), 0, 0
        env = environment(KUBECONFIG=str(config), PATH=f"{programs}:/usr/bin:/bin", COLUMNS="100", LC_ALL="C.UTF-8")
        for command, shown in steps(block):
            done = subprocess.run(
                ["bash", "-c", f"(exit {last}); {{ {command}\n}} 2>&1"],
                cwd=here,
                env=env,
                capture_output=True,
                timeout=60,
            )
            last, ran = done.returncode, ran + 1
            printed = done.stdout.decode()
            assert matches(shown, printed), f"$ {command}\nshown:\n{shown}\n\nprinted (exit code {last}):\n{printed}"
    assert ran


def of_its_chart(obj: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a Job the hash of its HelmChart, which the test's helm-controller computes in another way."""
    labels = {key: text for key, text in obj["metadata"].get("labels", {}).items() if key != HASH_LABEL}
    return {**obj, "metadata": {**obj["metadata"], "labels": labels}} if obj["kind"] == "Job" else obj


def test_the_comparison_can_fail() -> None:
    assert matches("a … c\n…\nz", "a b c\nd\ne\nz\n")
    assert not matches("a … c\nz", "a b c\nd\nz\n")
    assert not matches("a", "b\n")


def test_the_chinese_readme_shows_the_same_commands_and_outputs() -> None:
    english, chinese = map(console_blocks, READMES)
    assert chinese == english


@pytest.mark.parametrize("name", READMES)
def test_the_exit_codes_are_those_of_the_command(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    codes = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    assert codes == re.findall(r"\b(\d+) [a-z]", cli.epilog or "")


@pytest.mark.parametrize("name", [*READMES, *PAGES])
def test_what_a_page_links_to_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / name).parent / target).exists(), target


def test_the_map_has_every_page() -> None:
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", text))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_the_causes_that_support_is_told_of_are_causes() -> None:
    text = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z-]+)/([a-z-]+)` \|", text, re.MULTILINE)
    assert len(told) == len(set(told)) == 10
    causes = {check.id: check.causes for check in load_checks(find_plugins(only_ours=True))}
    assert [f"{check}/{cause}" for check, cause in told if cause not in causes.get(check, {})] == []
    other = set(re.findall(r"`(?:[a-z]+ )*([a-z]+-[a-z-]+)`", text)) - set(causes)
    assert other <= {"support-bundle-namespaces"}, other


def test_the_three_commands_of_support_do_what_they_say(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = [line.partition("#")[0].split() for line in block.splitlines()]
    assert [words[:2] for words in commands] == [["harvester-preflight", word] for word in ("check", "explain", "fix")]
    write_zip(tmp_path, bundle_files(OBJECTS)).rename(tmp_path / "supportbundle.zip")
    done = [preflight(*words[1:], cwd=tmp_path) for words in commands]
    assert [one.returncode for one in done] == [3, 0, 0]
    assert re.search(r"^\d ✗ addon-stuck  job-predates-operation", done[0].stdout, re.MULTILINE)
    assert done[1].stdout.startswith("addon-stuck: ")
    assert done[2].stdout.startswith("PLAN: 2 steps for 2 findings (support-bundle: supportbundle.zip)")


@pytest.mark.parametrize("name", [*READMES, "docs/README.md", "docs/support.md"])
def test_every_flag_and_command_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    flags = {option for command in _commands() for parameter in command.params for option in parameter.opts}
    of_others = {"--rm", "--quick", "--prune", "--create-namespace"}  # docker, ci/test, crictl, helm
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - of_others
    assert named <= flags | {"--version", "--help"}, named - flags
    used = set(re.findall(r"harvester-preflight (?!-)([a-z]+)\b", text))
    assert used <= set(COMMANDS), used - set(COMMANDS)


def _commands() -> list[Any]:
    import click

    context = click.Context(cli)
    found = [command for name in COMMANDS if (command := cli.get_command(context, name)) is not None]
    return found + [sub for command in found if isinstance(command, click.Group) for sub in command.commands.values()]


def test_the_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "ci/generate/docs", "--check"], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_contributing_lists_all_that_a_check_may_import() -> None:
    from preflight import api

    listed = set(
        re.findall(r"^\| `([A-Za-z_]+)[`(]", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert listed == set(api.__all__)


def test_the_demo_command_of_the_readme_is_the_tool_on_the_demo() -> None:
    text = (ROOT / "ci" / "demo").read_text(encoding="utf-8")
    assert "check --source demo" in text
    assert re.search(r"^venv_with ", text, re.MULTILINE)


def test_the_case_in_contributing_holds(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "shown.yaml"
    path.write_text(shown, encoding="utf-8")
    case = load_case(path)
    (check,) = [check for check in load_checks(find_plugins(only_ours=True)) if check.id == "node-ready"]
    compare(case, check, run_case(check, case.content))
