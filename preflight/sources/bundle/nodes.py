"""The files of nodes/NODE.zip in a support bundle: what only the node itself could show.

Shape: {"kind": "NodeFiles", "metadata": {"name": NODE}, "files": {path: text}, "facts": {}}; paths as in the archive,
`configs/oem/90_custom.yaml`. A need names them as `files[PATH]`; a path ending in `/` or `*` means everything that
begins so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from preflight.errors import SourceError
from preflight.inventory import Collected, JsonObject, sorted_objects
from preflight.model import Code, Reason
from preflight.sources.bundle.layout import FileProblem, Layout, zip_layout
from preflight.sources.needs import MergedNeed
from preflight.values.paths import stands_for

MAX_ARCHIVE_BYTES = 2 * 1024**3
"""One node's archive, logs included: its table of contents is at its end, so all of it is gone through."""
MAX_FILE_BYTES = 1024 * 1024
"""One file of a node; configuration files have a few KiB."""
MAX_NODE_BYTES = 16 * 1024 * 1024
"""All files of a node together."""


def read_nodes(layout: Layout, need: MergedNeed, nodes: Sequence[str]) -> Collected:
    """Read the files of every node; `nodes` are all nodes of the cluster."""
    wanted = need.tree.get("files")
    patterns = None if wanted is None else list(wanted) or ["configs/*"]
    archives = {path[6:-4]: path for path in layout.files if path.startswith("nodes/") and path.endswith(".zip")}
    archives = {name: path for name, path in archives.items() if "/" not in name}
    objects: list[JsonObject] = []
    gaps = [
        Reason(Code.NODE_ONLY, "the node is not in the bundle", node=name)
        for name in sorted(set(nodes) - set(archives))
    ]
    for name, path in sorted(archives.items()):
        files: dict[str, str] = {}
        if patterns is not None:
            try:
                if layout.size(path) > MAX_ARCHIVE_BYTES:
                    raise FileProblem(f"{path} is larger than {MAX_ARCHIVE_BYTES // 1024**3} GiB")
                with layout.open(path) as archive:
                    for problem in _read(archive, path, name, patterns, files):
                        gaps.append(Reason(Code.ERROR, problem, node=name))
            except (FileProblem, SourceError) as error:
                gaps.append(Reason(Code.ERROR, str(error), node=name))
                continue
        objects.append(
            {"apiVersion": "v1", "kind": "NodeFiles", "metadata": {"name": name}, "files": files, "facts": {}}
        )
    if not objects:
        nothing = Reason(Code.NODE_ONLY, "the bundle holds no archive of any node")
        first, *more = gaps if archives and gaps else [nothing]
        return Collected(missing=first, gaps=tuple(more))
    return Collected(sorted_objects(objects), gaps=tuple(gaps))


def _read(archive: BinaryIO, path: str, node: str, patterns: list[str], files: dict[str, str]) -> Iterator[str]:
    """Fill `files`; yields what could not be read."""
    inner = zip_layout(archive, path, top=f"{node}/")
    left = MAX_NODE_BYTES
    for name in sorted(inner.files):
        if not any(stands_for(pattern, name) for pattern in patterns):
            continue
        try:
            text = inner.text(name, min(MAX_FILE_BYTES, left)).decode()
        except FileProblem as problem:
            yield str(problem)
            continue
        left -= len(text)
        files[name] = text
