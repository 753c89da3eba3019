"""The files of --knowledge: read, checked, and merged into what ships. They may add and tighten, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from preflight.check import Check
from preflight.errors import ConfigError
from preflight.knowledge.advisories import Advisory, Fault
from preflight.knowledge.checked import checked_advisory
from preflight.knowledge.documents import Document, read_document
from preflight.knowledge.judging import advisory_check
from preflight.knowledge.release_data import add_releases, check_releases
from preflight.knowledge.union import joined
from preflight.model import Severity
from preflight.releases import Knowledge
from preflight.values.versions import range_covers

SUFFIXES = (".yaml", ".yml", ".json")
MAX_FILES = 500
_RANK = {Severity.INFO: 0, Severity.WARN: 1, Severity.FAIL: 2}


@dataclass(frozen=True, slots=True)
class Given:
    """What the files of one run hold, each checked by itself."""

    releases: tuple[Document, ...] = ()
    advisories: tuple[tuple[Document, Advisory], ...] = ()

    @property
    def documents(self) -> tuple[Document, ...]:
        """Return every file."""
        return (*self.releases, *(document for document, _ in self.advisories))


NOTHING_GIVEN = Given()


def read_given(paths: Iterable[str]) -> Given:
    """Read files and folders of knowledge. Raises ConfigError for the first thing wrong."""
    files = tuple(file for path in paths for file in _files(Path(path)))
    if len(files) > MAX_FILES:
        raise ConfigError(f"--knowledge: {len(files)} files are more than {MAX_FILES}: give a smaller folder")
    states = tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in (file.stat() for file in files))
    return _read(files, states)


@lru_cache(maxsize=4)
def _read(files: tuple[Path, ...], _states: tuple[tuple[int, int, int], ...]) -> Given:
    """A run asks for the same files several times; they are read once as long as they stay as they are."""
    documents = [read_document(file) for file in files]
    releases = [document for document in documents if document.kind == "Releases"]
    advisories = [(one, checked_advisory(one, one.path)) for one in documents if one.kind == "Advisory"]
    for document in releases:
        check_releases(document, partial=True)
    return Given(tuple(releases), tuple(advisories))


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        if not path.is_file():
            raise ConfigError(f"--knowledge {path}: there is no such file or folder")
        yield path
        return
    try:
        found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    except OSError as error:
        raise ConfigError(f"--knowledge {path}: {error.strerror or error}") from None
    if not found:
        raise ConfigError(f"--knowledge {path}: the folder holds no file that ends in {', '.join(SUFFIXES)}")
    yield from found


def with_given(knowledge: Knowledge, given: Given) -> Knowledge:
    """Add what was given to what is known of releases. Raises ConfigError for what would weaken it."""
    if not given.documents:
        return knowledge
    releases = {release.name: release for release in knowledge.releases}
    for document in given.releases:
        add_releases(releases, document)
    dates = [str(document.content["date"]) for document in given.documents]
    sources = [f"{document.path} {document.content['date']}" for document in given.documents]
    ordered = sorted(releases.values(), key=lambda release: release.version)
    return Knowledge(max(knowledge.date, *dates), (*knowledge.sources, *sources), tuple(ordered))


def add_advisories(checks: Sequence[Check], shipped: Iterable[Advisory], given: Given) -> tuple[Check, ...]:
    """Add the given advisories to the checks. One of a shipped id finds its faults besides the shipped ones.

    Raises ConfigError for one that would weaken a shipped one, or that takes the id of a check.
    """
    known = {advisory.id: advisory for advisory in shipped}
    merged = {check.id: check for check in checks}
    taken = {name: check.id for check in checks for name in (check.id, *check.aliases)}
    for document, advisory in given.advisories:
        for place, name in ((("id",), advisory.id), *((("aliases",), alias) for alias in advisory.texts("aliases"))):
            if name in taken and (place == ("aliases",) or name not in known):
                raise document.wrong(place, f"{name} is the name of a check that is there: choose another")
            taken[name] = advisory.id
        if advisory.id in known:
            _refuse_weaker(document, known[advisory.id], advisory)
            merged[advisory.id] = joined(merged[advisory.id], advisory_check(advisory))
        else:
            merged[advisory.id] = advisory_check(advisory)
    return tuple(merged.values())


def _refuse_weaker(document: Document, known: Advisory, given: Advisory) -> None:
    faults = {fault.cause: fault for fault in given.faults}
    for fault in known.faults:
        other = faults.get(fault.cause)
        if other is None:
            continue
        place = ("findings", other.place)
        if _RANK[other.severity] < _RANK[fault.severity]:
            raise document.wrong(
                (*place, "severity"), f"{fault.cause} ships as {fault.severity}: it may only be raised"
            )
        for word in ("from", "to"):
            if not _reaches(word, (given, other), (known, fault)):
                ships = fault.text(word) or known.text(word) or "every version"
                raise document.wrong(
                    (*place, word), f"{fault.cause} ships for {word} {ships}: that range may only be widened"
                )


def _reaches(word: str, wide: tuple[Advisory, Fault], narrow: tuple[Advisory, Fault]) -> bool:
    """Say whether a finding holds for every version of another: both the advisory's range and its own count."""
    narrowest = narrow[1].text(word) or narrow[0].text(word)
    return all(range_covers(part.text(word), narrowest) for part in wide)
