"""Sources that gzip or tar packed: the same inventory as unpacked, or one line that says what is wrong with the file."""

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest

from preflight.errors import NoSource
from preflight.sources.saved.snapshot import dump
from tests.bundles import bundle_files, node_archive, write_zip
from tests.sources.reading import ALL_NEEDS, FIXTURES, NOW, read, read_stdin
from tests.sources.test_bundle import fixture

OBJECTS = (FIXTURES / "job-predates.yaml").read_bytes()
GZIPPED = "preflight.sources.text.gzipped"
TAR = "preflight.sources.bundle.tar"


def tarred(files: Mapping[str, bytes], top: str = "", **more) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **more) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{top}{name}")
            member.size, member.mtime = len(content), 1_795_000_000
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    logs = {"logs/x/y.log": b"much " * 50_000, "logs/bundle.zip": b"PK"}
    archive = node_archive("harv-node-1", {"configs/oem/90_custom.yaml": "name: x\n"})
    return {**logs, **bundle_files(fixture("job-predates.yaml")), "nodes/harv-node-1.zip": archive}


def test_a_bundle_in_a_tar_gives_what_its_zip_gives(files, tmp_path):
    wanted = read(write_zip(tmp_path, files), now=NOW).entries
    for name, data in (
        ("a.tar.gz", gzip.compress(tarred(files))),
        ("b.tgz", gzip.compress(tarred(files, "supportbundle_x/"))),
        ("c.tar", tarred(files, "./")),
        ("d", gzip.compress(tarred(files, "supportbundle_" + "x" * 150 + "/", format=tarfile.PAX_FORMAT))),
        ("e.tar", tarred(files, "supportbundle_" + "x" * 150 + "/", format=tarfile.GNU_FORMAT)),
    ):
        inventory = read(written(tmp_path / name, data), now=NOW)
        assert inventory.source.type == "support-bundle"
        assert inventory.source.name == str(tmp_path / name)
        assert inventory.entries == wanted, name
    assert wanted["nodes"].objects
    assert wanted["nodes/files"].objects


def test_the_clock_of_an_archive_that_has_no_better_one_is_its_newest_file(tmp_path):
    files = {"yamls/cluster/v1/nodes.yaml": b"apiVersion: v1\nitems: []\nkind: List\n"}
    source = read(written(tmp_path / "a.tgz", gzip.compress(tarred(files, "x/")))).source
    assert (source.collected_at.timestamp(), source.clock) == (
        1_795_000_000,
        "the time of the newest file in the tar archive",
    )


def test_objects_that_gzip_packed_are_read_from_a_file_and_from_standard_input(tmp_path):
    wanted = read_stdin(OBJECTS).entries
    assert read(written(tmp_path / "o.yaml.gz", gzip.compress(OBJECTS)), now=NOW).source.type == "objects"
    assert read_stdin(gzip.compress(OBJECTS)).entries == wanted
    halves = gzip.compress(OBJECTS[:1000]) + gzip.compress(OBJECTS[1000:])
    assert read_stdin(halves).entries == wanted


def test_a_snapshot_that_was_packed_is_read(tmp_path):
    text = dump(read_stdin(OBJECTS), ALL_NEEDS).encode()
    wanted = read(written(tmp_path / "s.json", text)).entries
    for name, data in (
        ("s.json.gz", gzip.compress(text)),
        ("s.tgz", gzip.compress(tarred({"folder/s.json": text}))),
        ("s.tar", tarred({"./s.json": text})),
    ):
        inventory = read(written(tmp_path / name, data))
        assert inventory.source.type == "snapshot"
        assert inventory.entries.keys() == wanted.keys()
        for key, entry in wanted.items():
            assert inventory.entries[key].objects == entry.objects


def test_what_was_cut_off_or_damaged_is_none(files, tmp_path):
    bundle, objects = gzip.compress(tarred(files)), gzip.compress(OBJECTS)
    for packed in (bundle, objects):
        for part in range(1, 12):
            with pytest.raises(NoSource, match="damaged or cut off") as caught:
                read(written(tmp_path / "x", packed[: len(packed) * part // 12]), now=NOW)
            assert "\n" not in caught.value.message
        flipped = bytearray(packed)
        flipped[-6] ^= 1  # in the checksum
        with pytest.raises(NoSource, match="damaged"):
            read(written(tmp_path / "x", bytes(flipped)), now=NOW)
    with pytest.raises(NoSource, match="damaged"):
        read_stdin(objects[:-20])


def test_a_tar_that_ends_early_or_is_damaged_in_between_is_none(files, tmp_path):
    whole = tarred(files)
    (at,) = [
        number for number in range(0, len(whole), 512) if whole[number:].startswith(b"yamls/cluster/v1/nodes.yaml")
    ]
    for data in (whole[:at], whole[: at + 200], whole[: at + 700], whole[:at] + b"x" * 512 + whole[at + 512 :]):
        with pytest.raises(NoSource, match="damaged or cut off"):
            read(written(tmp_path / "x.tar", data), now=NOW)


def test_a_few_bytes_that_stand_for_too_many_are_counted_not_kept(tmp_path, monkeypatch):
    bomb = gzip.compress(b"\n" * (64 << 20), 1)
    source = written(tmp_path / "bomb.gz", bomb)
    for name in (
        f"{GZIPPED}.MAX_INPUT_BYTES",
        f"{TAR}.MAX_TAR_BYTES",
        "preflight.sources.text.encoding.MAX_INPUT_BYTES",
    ):
        monkeypatch.setattr(name, 8 << 20)
    archive = written(tmp_path / "bomb.tgz", gzip.compress(tarred({"logs/x": b"", "logs/y": b"\n" * (64 << 20)}), 1))
    for path in (source, archive):
        tracemalloc.start()
        with pytest.raises(NoSource, match="is larger than"):
            read(path, now=NOW)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16 << 20


def header(kind: bytes, size: int, name: str = "h") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def test_headers_of_any_size_and_number_are_refused(tmp_path):
    long_name = header(tarfile.GNUTYPE_LONGNAME, 64 << 20) + b"x" * (64 << 20)
    chain = (header(tarfile.GNUTYPE_LONGNAME, 512) + b"x" * 512) * 5000
    one = [f"30 key{number:04d}={'x' * 18}\n".encode() for number in range(300)]
    globals_ = b"".join(header(tarfile.XGLTYPE, 30) + record.ljust(512, b"\0") + header(b"0", 0) for record in one)
    end = header(b"0", 0, "yamls/cluster/v1/nodes.yaml") + bytes(1024)
    for data in (long_name + end, chain + end, globals_ + end):
        with pytest.raises(NoSource, match="damaged or cut off"):
            read(written(tmp_path / "x.tar", data), now=NOW)


def test_links_doubles_and_names_that_lead_elsewhere_are_not_followed(tmp_path):
    nodes = b"apiVersion: v1\nitems:\n- metadata:\n    name: n1\nkind: List\n"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in (
            ("b/yamls/cluster/v1/nodes.yaml", nodes),
            ("b/yamls/namespaced/default/v1/pods.yaml", nodes),
            ("b/yamls/namespaced/default/v1/pods.yaml", nodes),
            ("b/../../yamls/cluster/v1/persistentvolumes.yaml", nodes),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, kind in (("namespaces", tarfile.SYMTYPE), ("apiservices", tarfile.FIFOTYPE)):
            link = tarfile.TarInfo(f"b/yamls/cluster/v1/{name}.yaml")
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
    inventory = read(written(tmp_path / "x.tar", out.getvalue()), now=NOW)
    assert len(inventory.get("nodes").objects) == 1
    assert "more than once" in str((inventory.get("pods").missing, inventory.get("pods").gaps))
    assert "links are not followed" in str(inventory.get("namespaces").missing)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.yaml": OBJECTS, "b.yaml": OBJECTS}, "2 files (a.yaml, b.yaml)"),
        ({"one/yamls/cluster/v1/a.yaml": b"", "two/yamls/cluster/v1/a.yaml": b""}, "several support bundles"),
        ({"a": b""}, "x/a is empty"),
        ({"a.gz": gzip.compress(gzip.compress(OBJECTS))}, "once more"),
    ],
)
def test_an_archive_of_something_else_says_what_to_give(files, words, tmp_path):
    with pytest.raises(NoSource) as caught:
        read(written(tmp_path / "x", tarred(files)), now=NOW)
    assert words in caught.value.message


def test_a_tar_on_standard_input_is_to_be_given_as_a_file(files):
    for data in (tarred(files), gzip.compress(tarred(files))):
        with pytest.raises(NoSource, match="give it as a file"):
            read_stdin(data)
