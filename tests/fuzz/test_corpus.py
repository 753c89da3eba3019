"""No file of the corpus makes the tool say ready, crash, or pass its memory limit; and nothing it prints is harmful.

Each file is read by the whole tool in a process of its own with its address space limited, and written in every format.
"""

from __future__ import annotations

import re
import resource
import subprocess
import unicodedata
from pathlib import Path

import pytest

from preflight.render import RENDERERS
from tests.command import command, environment
from tests.fuzz.make_corpus import CORPUS

LIMIT = 1 << 30
"""Bytes of address space, as docs/limits.md promises."""
FILES = sorted(path for path in CORPUS.iterdir() if path.is_file())
EXACT = ("json", "yaml")


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_makes_it_ready_or_breaks_it(path: Path, tmp_path: Path) -> None:
    reports = [part for name in RENDERERS for part in ("--report", f"{name}={tmp_path / name}")]
    done = subprocess.run(
        command("check", "--source", path, "--to", "v1.4.1", "--from", "v1.4.0", *reports),
        capture_output=True,
        preexec_fn=limited,
        env=environment(),
        timeout=240,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace")
    assert done.returncode in (2, 3, 4), (done.returncode, said[-3000:])
    assert "Traceback" not in said
    assert not harmful(done.stdout.decode("utf-8", "replace") + said)
    if not done.stdout:
        assert said.startswith("Error: ")
        assert len(said) < 3000
    else:
        for name in RENDERERS:
            written = (tmp_path / name).read_text(encoding="utf-8")
            assert not harmful(written), name
            assert "<script>alert" not in written or name != "html"
            assert "crashed" not in written, name


def harmful(text: str) -> set[str]:
    """Return the characters that could move a cursor or hide text."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"}


@pytest.mark.parametrize(
    ("name", "head", "part", "count", "tail"),
    [
        ("maps.json", b"[", b"{},", 50 << 20, b"{}]"),
        ("lists.json", b'{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"x":[', b"[],", 50 << 20, b"[]]}"),
        ("maps.yaml", b"apiVersion: v1\nkind: List\nitems: [", b"{},", 40 << 20, b"{}]\n"),
        ("item.yaml", b"apiVersion: v1\nitems:\n- a:\n", b"  - {}\n", 20 << 20, b"kind: List\n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_need_more_memory_than_there_is_is_refused(
    name: str, head: bytes, part: bytes, count: int, tail: bytes, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(head + part * count + tail)
    done = subprocess.run(
        command("check", "--source", path, "--to", "v1.4.1", "--now", "2026-11-23T18:42:58Z"),
        capture_output=True,
        preexec_fn=limited,
        env=environment(),
        timeout=240,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace")
    assert done.returncode in (2, 4), (done.returncode, said[-3000:])
    assert "Traceback" not in said
    if done.returncode == 2:  # refused before it was read as a whole
        *progress, last = said.splitlines()  # a slow machine gets a line every 30 s
        assert last.startswith("Error: ")
        assert all(re.match(r"\d+ (s|min)", line) for line in progress)
    else:  # memory ran out: undecided, and the report says so
        assert done.stdout.startswith(b"UNDECIDED")
        assert b"not enough memory" in done.stdout
