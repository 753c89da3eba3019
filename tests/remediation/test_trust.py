"""A journal and the objects saved beside it are used only as they were written, by whom they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.cli import run
from preflight.errors import RemediationError
from preflight.remediation.saved import read_journal
from preflight.remediation.seal import seal
from tests.remediation.test_rollback import settled_addon, way_back
from tests.remediation.world import MakeWorld, World, stuck

BACKUP = "01_addon_addons_one.json"


@pytest.fixture
def here(world: MakeWorld) -> World:
    return settled_addon(world)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def refused(here: World, *, accept: bool = False) -> str:
    before = here.writes(dry=True)
    with pytest.raises(RemediationError) as caught:
        way_back(here, accept=accept)
    assert here.writes(dry=True) == before
    return caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda saved: saved.update(kind="ClusterRoleBinding"),
        lambda saved: saved["metadata"].update(name="another"),
        lambda saved: saved["spec"].update(enabled=None),
        lambda saved: saved["metadata"].update(ownerReferences=[{"kind": "Node", "name": "n", "uid": "u"}]),
        lambda saved: saved["status"].clear(),
    ],
    ids=["kind", "name", "body", "owner", "status"],
)
def test_a_saved_object_that_was_edited_is_not_used(here: World, change: Callable[[dict[str, Any]], object]) -> None:
    edit(here.backup / BACKUP, change)
    assert "SHA-256 differs" in refused(here)


def test_a_saved_object_of_another_name_is_not_used_though_its_digest_fits(here: World) -> None:
    import hashlib

    path = here.backup / BACKUP
    edit(path, lambda saved: saved["metadata"].update(name="another"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    edit(here.backup / "journal.json", lambda journal: journal["steps"][0].update(sha256=digest))
    assert "another name" in refused(here, accept=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda step: step["object"].update(kind="DaemonSet", apiVersion="apps/v1"),
        lambda step: step.update(strategy="rebuild"),
        lambda step: step.update(action="delete"),
        lambda step: step.update(change={"spec": {"chart": "mine"}}),
        lambda step: step["object"].update(namespace="kube-system"),
    ],
    ids=["kind", "strategy", "action", "change", "namespace"],
)
def test_a_journal_that_was_edited_is_not_used(here: World, change: Callable[[dict[str, Any]], object]) -> None:
    edit(here.backup / "journal.json", lambda journal: change(journal["steps"][0]))
    assert "changed after it was written" in refused(here)
    assert "the journal was edited" in refused(here, accept=True)


def test_a_journal_of_somebody_else_is_used_only_when_that_is_said(
    here: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(here.folder / "another-user"))
    assert "not on this machine" in refused(here)
    where = ("--kubeconfig", str(here.server.kubeconfig(here.folder)))
    assert run(["rollback", str(here.backup), *where]) == 5
    assert "--accept-journal" in capsys.readouterr().err
    assert run(["rollback", str(here.backup), "--accept-journal", *where]) == 0


def test_without_a_place_for_a_key_there_is_no_seal(
    world: MakeWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert seal({"a": 1}) == ""
    here = world(*stuck("one"))
    assert here.apply(here.plan()).word == "converged"
    with pytest.raises(RemediationError, match="carries no seal"):
        read_journal(here.backup / "journal.json")
    assert read_journal(here.backup / "journal.json", accept=True)["outcome"] == "converged"


def test_the_key_is_the_users_alone(here: World) -> None:
    key = here.folder / "state" / "harvester-preflight" / "journal.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o666)
    assert "not on this machine" in refused(here)


@pytest.mark.parametrize("name", ["journal.json", BACKUP])
def test_a_link_is_not_followed(here: World, name: str) -> None:
    path = here.backup / name
    other = here.folder / "elsewhere.json"
    path.rename(other)
    path.symlink_to(other)
    assert "is a link" in refused(here)


@pytest.mark.parametrize("name", ["journal.json", BACKUP, "."])
def test_what_others_can_write_is_not_used(here: World, name: str) -> None:
    path = here.backup / name
    path.chmod(path.stat().st_mode | 0o020)
    assert "can be written by others" in refused(here)


def test_what_is_no_file_is_not_used(here: World) -> None:
    import os

    (here.backup / BACKUP).unlink()
    os.mkfifo(here.backup / BACKUP, 0o600)
    assert "no ordinary file" in refused(here)


def test_a_folder_that_others_can_write_is_refused_before_anything_is_saved(world: MakeWorld, tmp_path: Path) -> None:
    here = world(*stuck("one"))
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(RemediationError, match=r"can be written by others.*Nothing was changed"):
        here.apply(here.plan(), backup_dir=shared)
    assert here.writes(dry=True) == []
    assert list(shared.iterdir()) == []


def test_what_is_created_is_what_was_read_and_not_what_lies_there_now(world: MakeWorld) -> None:
    here = world(*stuck("one"))
    plan = here.plan(strategy="rebuild", force=True)

    def exchange(text: str) -> None:
        if text.startswith("step 1") and "gone" in text:
            for path in here.backup.glob("*addon*"):
                edit(path, lambda saved: saved["spec"].update(chart="mine", repo="http://mine"))

    assert here.apply(plan, say=exchange).word == "converged"
    assert here.addon("one")["spec"]["chart"] == "one"
