"""Which reader a --source gets."""

import io

import pytest

from preflight.errors import SourceError, UsageError
from preflight.sources import open_source
from tests.sources.reading import FIXTURES, NOW, not_live, read, read_stdin


def test_live_is_handed_through():
    assert open_source("live", now=None, live=not_live, stdin=io.BytesIO()) is not_live


def test_a_missing_path_is_a_usage_error_that_names_it():
    with pytest.raises(UsageError, match=r"nowhere\.yaml") as error:
        read("nowhere.yaml")
    assert error.value.exit_code == 2


def test_a_file_is_judged_by_its_content_not_its_name(tmp_path):
    odd = tmp_path / "bundle.zip"
    odd.write_bytes((FIXTURES / "healthy.yaml").read_bytes())
    assert read(odd).source.type == "objects"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"hello", "no Kubernetes objects"),
        (b"a: b", "no Kubernetes objects"),
        (b"[]", "no Kubernetes objects"),
        (b"{", "key in quotes"),
        (b'{"items": [{"a": 1}', "ends too early"),
        (b'{"kind": "Pod", "kind": "Pod"}', "stands twice"),
        (b"kind: Pod\nkind: Pod", "line 2: the key 'kind' stands twice"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"a: \xff\xff", "not UTF-8 text .byte 3, line 1"),
        (b"# " + b"x" * (1024 * 1024 - 3) + b"\xc3\xa4" + b"\n\xc3", "byte 1048578, line 2"),
        (b"\x7fELF\x00\x00", "binary"),
        (b"[" * 100_000, "nested"),
        (b"{" * 100_000, "key in quotes"),
        (b'{"a":' * 100_000, "nested"),
        (b"x: " + b"[" * 100_000, "is not YAML this tool reads: line 1"),
        (b"- " * 100_000, "is not YAML this tool reads: line 1"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b"a: *b", "alias"),
        (b'{"apiVersion": "harvester-preflight/v1", "kind": "PreflightReport"}', "PreflightReport of this tool"),
    ],
)
def test_what_is_not_kubernetes_objects_is_one_clear_line(data, words):
    with pytest.raises(SourceError, match=words) as error:
        read_stdin(data)
    assert error.value.exit_code == 2
    assert "\n" not in error.value.message
    assert len(error.value.message) < 400


def test_aliases_that_explode_are_refused():
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)]
    with pytest.raises(SourceError, match="aliases stand for more than"):
        read_stdin(b"\n".join(lines))


def test_an_input_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("preflight.sources.text.encoding.MAX_INPUT_BYTES", 10)
    with pytest.raises(SourceError, match="standard input is larger than"):
        read_stdin(b"x" * 11, now=NOW)
