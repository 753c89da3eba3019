"""Write a cluster as a support bundle, one file after the other, straight into the zip."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from tests.bench.cluster import TENANTS, Kind, Size, cluster
from tests.bundles import NAME, NAMESPACES, bundle_files, encode

TENANT_NAMES = tuple(f"tenant-{number:02d}" for number in range(TENANTS))
"""Namespaces the administrator has named in the setting support-bundle-namespaces."""
HEAD, TAIL = (part.encode() for part in encode([{}]).split("- {}\n"))


def write_bundle(size: Size, path: Path) -> None:
    """Write the zip; in memory is one kind at a time."""
    kinds = [kind for kind in cluster(size).values() if kind.row.how == "list" and kind.row.kind != "Secret"]
    collected = (*NAMESPACES, "vms", *TENANT_NAMES)
    groups = sorted({kind.row.api_version for kind in kinds})
    small = bundle_files([], collected=collected, groups=groups, created="2025-02-10T18:33:12Z")
    written = set()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for kind in kinds:
            for namespace, texts in _by_namespace(kind).items():
                scope = f"namespaced/{namespace}" if namespace else "cluster"
                name = f"yamls/{scope}/{kind.row.api_version}/{kind.row.plural}.yaml"
                if name in written or (namespace and namespace not in collected):
                    continue
                written.add(name)
                with archive.open(f"{NAME}/{name}", "w") as file:
                    file.write(HEAD)
                    file.writelines(text.encode() for text in texts)
                    file.write(TAIL)
        for name, content in small.items():
            if name not in written:
                archive.writestr(f"{NAME}/{name}", content)


def _by_namespace(kind: Kind) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for index, text in enumerate(kind.texts(_item_text)):
        found.setdefault(kind.namespace(index), []).append(text)
    return found


def _item_text(obj: dict[str, Any]) -> str:
    text = encode([obj])
    return text[text.index("items:\n") + len("items:\n") : text.rindex("kind: List")]
