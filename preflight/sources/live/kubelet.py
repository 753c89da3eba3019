"""Ask every node's kubelet through the API server: `nodes/N/proxy/...`, the only request per object there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.cluster.jobs import run_jobs, why_failed
from preflight.cluster.wire import resource_path
from preflight.inventory import Collected, JsonObject, sorted_objects
from preflight.model import Code, Reason
from preflight.sources.live.decode import object_decoder
from preflight.sources.needs import MergedNeed

WORKERS = 16
NODE_SECONDS = 20.0
ALLOW = "harvester-preflight rbac --with-kubelet | kubectl apply -f -"
LOOK = "kubectl get nodes -o wide"
_ENDPOINTS = {"nodes/stats-summary": "stats/summary", "nodes/configz": "configz"}


def read_kubelets(
    api: Api, needs: Sequence[MergedNeed], nodes: Collected, deadline: float | None
) -> dict[str, Collected]:
    """Read the kubelet needs from all nodes, several at a time; a node that did not answer is a gap."""
    if nodes.missing:
        return {need.resource.name: Collected(missing=nodes.missing) for need in needs}
    names = [str(node["metadata"]["name"]) for node in nodes.objects if _named(node)]
    asked = [(need, name) for need in needs for name in names]
    jobs: list[Callable[[], JsonObject]] = [partial(_ask, api, need, name) for need, name in asked]
    answers = dict(run_jobs(jobs, workers=WORKERS, deadline=deadline))
    found: dict[str, Collected] = {}
    for need in needs:
        mine = [(index, name) for index, (asker, name) in enumerate(asked) if asker is need]
        found[need.resource.name] = _collected(need, [(name, answers.get(index)) for index, name in mine], nodes.gaps)
    return found


def _named(node: JsonObject) -> bool:
    metadata = node.get("metadata")
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)


def _ask(api: Api, need: MergedNeed, node: str) -> JsonObject:
    endpoint = _ENDPOINTS.get(need.resource.name)
    if endpoint is None:
        raise ApiError("not-in-source", f"there is no kubelet endpoint for {need.resource.name}")
    path = resource_path("v1", "nodes", "", node, f"proxy/{endpoint}")
    answer = object_decoder(need.tree)(api.fetch(path, seconds=NODE_SECONDS).body, path)
    return {
        **answer,
        "apiVersion": need.resource.api_version,
        "kind": need.resource.kind,
        "metadata": {"name": node},
    }


def _collected(
    need: MergedNeed, answers: Sequence[tuple[str, JsonObject | Exception | None]], gaps: tuple[Reason, ...]
) -> Collected:
    objects = [answer for _, answer in answers if isinstance(answer, dict)]
    problems = [(name, answer) for name, answer in answers if not isinstance(answer, dict)]
    refused = [error for _, error in problems if isinstance(error, ApiError) and error.status in (401, 403)]
    if refused and len(refused) == len(answers):  # one sentence in place of one per node
        words = refused[0].server_message or refused[0].message
        text = f"cannot get nodes/proxy, by which kubelets are asked: {words}"
        return Collected(missing=Reason(Code.FORBIDDEN, text, cure=ALLOW))
    return Collected(sorted_objects(objects), gaps=(*gaps, *(_gap(name, error) for name, error in problems)))


def _gap(node: str, error: JsonObject | Exception | None) -> Reason:
    if not isinstance(error, Exception):
        return Reason(Code.TIMED_OUT, "not asked within --timeout", node=node)
    if isinstance(error, ApiError) and error.code == "not-served":
        return Reason(Code.ERROR, "the kubelet has no such answer (404)", node=node)
    if isinstance(error, ApiError) and error.code in ("timed-out", "unreachable"):
        # The same words whatever was asked of it: one kubelet that is down is one thing to look at.
        words = error.server_message or f"no answer within {NODE_SECONDS:.0f} s"
        return Reason(Code(error.code), f"the kubelet does not answer: {words}", node, cure=LOOK)
    return replace(why_failed(error), node=node)
