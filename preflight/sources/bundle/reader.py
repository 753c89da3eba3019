"""A Harvester support bundle, as a zip or an extracted folder, read in place: only the files that are needed.

Rule: layout and content of support-bundle-kit v0.0.46 (Harvester 1.4) to HEAD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from preflight.check import Need
from preflight.errors import NoSource
from preflight.inventory import Collected, Inventory, JsonObject, namespace_gap, sorted_objects
from preflight.model import Code, Reason, SourceInfo
from preflight.resources import RESOURCES, How, Resource
from preflight.sources.bundle.layout import FileProblem, Layout, open_layout
from preflight.sources.bundle.lists import ListFile, best, index, place_of
from preflight.sources.bundle.log import LOG, MakingLog, Place, read_log
from preflight.sources.bundle.nodes import read_nodes
from preflight.sources.needs import MergedNeed, merge_needs, never_saved
from preflight.sources.text.yaml_reading import YamlProblem, load_documents
from preflight.values.times import parse_time

NEVER_IN_USE = ("kube-node-lease", "kube-public")
"""Namespaces of Kubernetes itself that hold nothing but Leases and one ConfigMap: no bundle collects them."""
MACHINE_PLANS = "secrets/machine-plans"
"""The one kind of Secret that Harvester's collector adds, without what is secret in it."""
LEFT_OUT_SETTINGS = ("additional-ca", "cluster-registration-url", "containerd-registry", "ssl-certificates")
MAX_REASONS = 3
_ELSEWHERE = "check the live cluster for it"
_NAME_TIME = re.compile(r"_(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d)(Z|[+-]\d\d)(?:-(\d\d))?$")


def read(needs: Sequence[Need], *, path: Path, now: datetime | None) -> Inventory:
    """Read a support bundle. Raises NoSource when the path is none, or is damaged as a whole."""
    with open_layout(path) as layout:
        return read_layout(needs, layout, now=now)


def read_layout(needs: Sequence[Need], layout: Layout, *, now: datetime | None) -> Inventory:
    """Read a support bundle from its files. Raises NoSource when it does not say when it was made."""
    merged = merge_needs(needs)
    bundle = _Bundle(layout)
    entries = {name: bundle.collect(need) for name, need in merged.items()}
    moment, words = (now, "the time given with --now") if now else _clock(layout)
    return Inventory(SourceInfo("support-bundle", layout.name, moment, words, tuple(bundle.notes())), entries)


@dataclass
class _Bundle:
    layout: Layout

    @cached_property
    def files(self) -> dict[Place, dict[str, str]]:
        return index(self.layout)

    @cached_property
    def log(self) -> MakingLog:
        return read_log(self.layout)

    @cached_property
    def looked_at(self) -> frozenset[str]:
        """Namespaces the kit looked at. The Secrets it adds to fleet-local come by another way and prove nothing."""
        with_files = {namespace for namespace, _, plural in self.files if namespace and plural != "secrets"}
        return self.log.namespaces | with_files

    @cached_property
    def namespaces(self) -> frozenset[str] | None:
        """All namespaces of the cluster, None when the bundle does not tell."""
        return self._names("namespaces")

    @cached_property
    def served_groups(self) -> frozenset[str] | None:
        """The API groups the cluster served, None when the bundle does not tell."""
        row = Resource("apiservices", "apiregistration.k8s.io", "v1", "apiservices", "APIService", namespaced=False)
        listed = self._list(MergedNeed(row, {"metadata": {"name": {}}}, False), "")
        if listed.missing or listed.gaps or not listed.objects:
            return None
        return frozenset(str(obj["metadata"].get("name")).partition(".")[2] for obj in listed.objects)

    def _names(self, resource: str) -> frozenset[str] | None:
        listed = self._list(MergedNeed(RESOURCES[resource], {"metadata": {"name": {}}}, False), "")
        if listed.missing or listed.gaps or not listed.objects:
            return None
        return frozenset(str(obj["metadata"].get("name")) for obj in listed.objects)

    def collect(self, need: MergedNeed) -> Collected:
        """Answer one need."""
        row = need.resource
        if row.kind == "Secret" and row.name != MACHINE_PLANS:
            return Collected(missing=Reason(Code.NOT_IN_SOURCE, f"a support bundle leaves Secrets out; {_ELSEWHERE}"))
        if row.how is How.NODE:
            nodes = self._names("nodes")
            if nodes is None:
                return Collected(
                    missing=Reason(Code.ERROR, "the bundle has no readable list of nodes to tell whose files it lacks")
                )
            return read_nodes(self.layout, need, sorted(nodes))
        if row.how is not How.LIST:
            return Collected(
                missing=Reason(Code.NOT_IN_SOURCE, f"a support bundle never holds {never_saved(row)}; {_ELSEWHERE}")
            )
        return self._namespaced(need) if row.namespaced else self._list(need, "")

    def _namespaced(self, need: MergedNeed) -> Collected:
        wanted, gaps = self._wanted(need.resource)
        read = [(namespace, self._list(need, namespace)) for namespace in sorted(wanted & self.looked_at)]
        objects = [obj for _, listed in read for obj in listed.objects]
        gaps += [gap for _, listed in read for gap in listed.gaps]
        problems = dict.fromkeys(listed.missing for _, listed in read if listed.missing)
        if (problems or gaps) and all(listed.missing for _, listed in read):
            first, *more = [*problems, *gaps][:MAX_REASONS]
            return Collected(missing=first, gaps=tuple(more))
        return Collected(sorted_objects(objects), gaps=(*problems, *gaps))

    def _wanted(self, row: Resource) -> tuple[frozenset[str], list[Reason]]:
        """Return the namespaces to read, and a gap for each that is not in the bundle."""
        if row.namespaces:
            wanted = frozenset(row.namespaces)
            there = wanted if self.namespaces is None else wanted & self.namespaces
        else:
            wanted = there = self.namespaces or frozenset()
        absent = sorted(there - self.looked_at)
        gaps = [namespace_gap(name) for name in absent if row.namespaces or name not in NEVER_IN_USE]
        if self.namespaces is None and not row.namespaces:
            gaps.append(
                Reason(
                    Code.ERROR, "the bundle has no readable list of namespaces, so nobody can tell which ones it lacks"
                )
            )
        return (wanted if row.namespaces else wanted | self.looked_at), gaps

    def _list(self, need: MergedNeed, namespace: str) -> Collected:
        """Read one file, or say why there is none."""
        row = need.resource
        place = (namespace, row.group, row.plural)
        versions = self.files.get(place)
        if not versions:
            return Collected(missing=self._why_no_file(need, place))
        path = best(versions, row)
        listed = ListFile(self.layout, path, need)
        objects: list[JsonObject] = [obj for obj in listed if row.accepts(obj)]
        problems = listed.problems
        if path in self.log.unwritten:
            problems = [
                *problems,
                Reason(Code.ERROR, f"the bundle's log says that {path} was not written: {self.log.unwritten[path]}"),
            ]
        if problems and not objects:
            return Collected(missing=problems[0], gaps=tuple(problems[1:]))
        return Collected(sorted_objects(objects), gaps=tuple(problems))

    def _why_no_file(self, need: MergedNeed, place: Place) -> Reason | None:
        """Tell an empty list, which gets no file, from one that failed. None: it was empty."""
        namespace, group, plural = place
        name = need.resource.name.partition("/")[0]
        where = f" of namespace {namespace}" if namespace else ""
        if not self.log.there:
            return Reason(
                Code.ERROR, f"the bundle has no {name}{where}, and without {LOG} nobody can tell empty from failed"
            )
        if place in self.log.failed:
            if namespace:
                return Reason(
                    Code.ERROR, f"namespace {namespace} could not be listed for {name}: {self.log.failed[place]}"
                )
            return Reason(Code.ERROR, f"{name} could not be listed when the bundle was made: {self.log.failed[place]}")
        if not namespace and not self._cluster_scope_read():
            reason = self.log.scopes.get("cluster", "there is no file of it")
            return Reason(Code.ERROR, f"cluster-wide resources were not collected: {reason}")
        for path, reason in self.log.unwritten.items():
            if place_of(path) == place:
                return Reason(Code.ERROR, f"the bundle's log says that writing {path} failed: {reason}")
        if group and plural != "apiservices" and not need.unserved_is_empty:
            if self.served_groups is None:
                return Reason(
                    Code.ERROR, f"the bundle has no {name}{where}, and no readable list of API groups to tell why"
                )
            if group not in self.served_groups:
                return Reason(Code.NOT_SERVED, f"the cluster did not serve the API group {group}")
        return None

    def _cluster_scope_read(self) -> bool:
        return any(not namespace and group != "harvesterhci.io" for namespace, group, _ in self.files)

    def notes(self) -> Iterator[str]:
        """Say what the bundle lacks."""
        held = ", ".join(sorted(self.looked_at)) or "none"
        yield (
            f"a support bundle holds only some namespaces, here: {held}; "
            "name more in the setting support-bundle-namespaces and make a new one, or check the live cluster"
        )
        yield (
            "it never holds Secrets but the plans of machines, kubelet figures, certificates of the API servers, or the "
            "settings " + ", ".join(LEFT_OUT_SETTINGS)
        )
        if not self.log.there:
            yield f"{LOG} is missing: a kind without a file may have been empty or may have failed"


def _clock(layout: Layout) -> tuple[datetime, str]:
    """Return when the bundle was made, and who says so."""
    moment = _metadata_time(layout)
    if moment is not None:
        return moment, "the time in the bundle's metadata.yaml"
    match = _NAME_TIME.search(layout.top)
    if match:
        date, hour, minute, second, zone, zone_minute = match.groups()
        offset = zone if zone == "Z" else f"{zone}:{zone_minute or '00'}"
        moment = parse_time(f"{date}{hour}:{minute}:{second}{offset}")
        if moment is not None:
            return moment, "the time in the name of the bundle"
    if layout.newest is not None:
        return layout.newest, f"the time of the newest file in the {layout.what}"
    raise NoSource(f"{layout.name} does not say when it was made: give the time with --now")


def _metadata_time(layout: Layout) -> datetime | None:
    if "metadata.yaml" not in layout.files:
        return None
    try:
        documents = list(load_documents(layout.text("metadata.yaml", 1024 * 1024)))
    except (FileProblem, YamlProblem):
        return None
    text = documents[0].get("bundlecreatedat") if documents and isinstance(documents[0], dict) else None
    return parse_time(text) if isinstance(text, str) else None
