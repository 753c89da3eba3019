"""`--probe-nodes`: ask each node by a short-lived pod what the API does not show.

One pod per node, all at once, from an image that is already on the node; every pod is removed again on success, failure
and Ctrl-C, and what a killed run left behind is found by its labels and removed by the next. A node that did not answer
is a gap by its name: its checks stay unknown.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.wire import resource_path
from preflight.fields import list_at, maps_at, name_of, text_at, time_at
from preflight.inventory import Collected, JsonObject, sorted_objects
from preflight.model import Code, Reason
from preflight.sources.live.probe_pod import DEADLINE_SECONDS, LABELS, RUN_LABEL, probe_pod, read_answer

NAMESPACE = "harvester-system"
AT_A_TIME = 8
POLL_SECONDS = 1.0
IMAGES = (
    "busybox",
    "bci-base",
    "bci-micro",
    "rancher/shell",
    "support-bundle-kit",
    "longhorn-manager",
    "harvester-upgrade",
)
"""Parts of image names that have a shell, df, du and awk, smallest first; one of them is on every Harvester node."""
MAX_LOG_BYTES = 8 << 20


@dataclass(slots=True)
class Probes:
    """The probe pods of one run."""

    api: Api
    wanted: Sequence[str]
    image: str = ""
    """Empty: choose on each node one of those that are there."""
    wait: Callable[[float], None] = time.sleep
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def ask(self, nodes: Iterable[JsonObject]) -> Collected:
        """Ask all nodes; always leaves no pod of this run behind."""
        nodes = list(nodes)
        gaps: list[Reason] = []
        answers: list[JsonObject] = []
        try:
            self._sweep()
            pods = dict(self._create(nodes, gaps))
            answers = [answer for answer in self._collect(pods, gaps) if answer]
        except ApiError as error:
            gaps += [error.because(error.message, name_of(node)) for node in nodes]
        finally:
            self._remove_all()
        if not answers:
            first, *more = dict.fromkeys(gaps) or [Reason(Code.ERROR, "there are no nodes to probe")]
            return Collected(missing=first, gaps=tuple(more))
        return Collected(sorted_objects(answers), gaps=tuple(gaps))

    def _sweep(self) -> None:
        """Remove what a killed run left; a pod that is younger than its deadline may be another run's at work."""
        for pod in self._list(""):
            created = time_at(pod, "metadata.creationTimestamp")
            limit = timedelta(seconds=2 * DEADLINE_SECONDS)
            if self.api.date and created and self.api.date - created > limit:
                self._delete(pod)

    def _create(self, nodes: Sequence[JsonObject], gaps: list[Reason]) -> Iterator[tuple[str, str]]:
        """Create a pod for each node; yields (name of the pod, name of the node)."""

        def one(node: JsonObject) -> tuple[str, str] | Reason:
            name = name_of(node)
            image = self.image or choose_image(node)
            if not image:
                return Reason(Code.ERROR, "none of its images is known to have a shell; give --probe-image", node=name)
            body = probe_pod(name, image, NAMESPACE, self.run, self.wanted)
            try:
                made = self.api.post(resource_path("v1", "pods", NAMESPACE), body)
            except ApiError as error:
                return error.because(error.message, name)
            return name_of(made), name

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for result in pool.map(one, nodes):
                if isinstance(result, Reason):
                    gaps.append(result)
                else:
                    yield result

    def _collect(self, pods: Mapping[str, str], gaps: list[Reason]) -> Iterator[JsonObject | None]:
        waiting = dict(pods)
        for _ in range(int(DEADLINE_SECONDS / POLL_SECONDS) + 1):
            for pod in self._list(f",{RUN_LABEL}={self.run}") if waiting else ():
                node = waiting.get(name_of(pod))
                phase = text_at(pod, "status.phase")
                if node is None or phase not in ("Succeeded", "Failed"):
                    continue
                del waiting[name_of(pod)]
                yield self._answer(pod, node, phase, gaps)
            if not waiting:
                return
            self.wait(POLL_SECONDS)
        states = {name_of(pod): _state(pod) for pod in self._list(f",{RUN_LABEL}={self.run}")}
        for pod_name, node in waiting.items():
            gaps.append(Reason(Code.TIMED_OUT, f"its probe pod is {states.get(pod_name, 'gone')}", node=node))

    def _answer(self, pod: JsonObject, node: str, phase: str, gaps: list[Reason]) -> JsonObject | None:
        try:
            path = resource_path("v1", "pods", NAMESPACE, name_of(pod), "log")
            body = self.api.fetch(path, {"limitBytes": MAX_LOG_BYTES}, accept="*/*").body
        except ApiError as error:
            gaps.append(error.because(error.message, node))
            return None
        answer = read_answer(node, body.decode("utf-8", "replace"))
        if answer is None:
            gaps.append(Reason(Code.ERROR, f"its probe ended as {phase} without an answer ({_state(pod)})", node=node))
        return answer

    def _list(self, selector: str) -> list[JsonObject]:
        labels = ",".join(f"{key}={value}" for key, value in LABELS.items())
        found = self.api.get(resource_path("v1", "pods", NAMESPACE), {"labelSelector": labels + selector})
        return maps_at(found, "items")

    def _remove_all(self) -> None:
        """Remove this run's pods, whatever has happened; a server that is gone cannot be asked to."""
        try:
            for pod in self._list(f",{RUN_LABEL}={self.run}"):
                self._delete(pod)
        except ApiError:
            return

    def _delete(self, pod: JsonObject) -> None:
        options = {"preconditions": {"uid": text_at(pod, "metadata.uid")}, "gracePeriodSeconds": 0}
        try:
            self.api.delete(resource_path("v1", "pods", NAMESPACE, name_of(pod)), options)
        except ApiError as error:
            if error.status not in (404, 409):
                raise


def choose_image(node: JsonObject) -> str:
    """Choose an image that is on the node and has a shell; empty when none is known to."""
    names = [name for image in list_at(node, "status.images") for name in _names(image)]
    for part in IMAGES:
        found = sorted(name for name in names if part in name and "@sha256:" not in name)
        if found:
            return found[0]
    return ""


def _names(image: object) -> list[str]:
    names = image.get("names") if isinstance(image, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _state(pod: JsonObject) -> str:
    """Say in words why a pod has not come to its end."""
    for status in maps_at(pod, "status.containerStatuses"):
        why = text_at(status, "state.waiting.reason") or text_at(status, "state.terminated.reason")
        if why:
            return f"{text_at(pod, 'status.phase')}, {why}"
    return text_at(pod, "status.phase") or "not started"
