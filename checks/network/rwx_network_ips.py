"""Without a free address on their own network, share volumes and so the upgrade's repository do not start.

Rule: check.sh, running 1.8.0 and later, a network of its own for share volumes (setting rwx-network): one free address,
counted as for the storage network. Skipped when it is empty, shares the storage network, or holds no network; a network
without a range is one that nothing can be handed out of.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Finding,
    JsonObject,
    NotApplicable,
    Outcome,
    Phase,
    ResourceRef,
    View,
    boolean_at,
    check,
    hangs,
    kubectl,
    mapping_at,
    need,
    text_at,
    texts_at,
    unknown,
)

from ._ranges import POOLS, SETTINGS, allocated, pool_name, setting_map, usable

WANTED = 1


@check(
    id="rwx-network-ips",
    title="The network of share volumes has a free address",
    category="network",
    needs=(
        need(SETTINGS, "value", "default", values=("rwx-network",)),
        need(POOLS, "spec.allocations", unserved_is_empty=True),
    ),
    from_versions=">=1.8.0",
    enforced_by=(Enforcer.SCRIPTS, Enforcer.CHECK_SH),
    docs="https://docs.harvesterhci.io/v1.8/advanced/storagenetwork",
    why="The repository of the upgrade serves its files from a share volume, which needs an address of this network.",
    how="The range is small, or much of it is excluded.",
    fix="Widen the range of setting rwx-network, or free addresses.",
    causes={
        "too-few-addresses": "The range has no free address: widen it.",
        "pool-missing": "The range has no whereabouts pool: look at the range and at the share-manager pods.",
        "range-missing": "The network of share volumes has no range: no address can be handed out. Set it.",
    },
    consequence=hangs(
        Phase.IMAGE, "The share volume of the upgrade's repository does not start, and nothing ends the wait for it"
    ),
)
def rwx_network_ips(view: View) -> Iterator[Outcome]:
    """Yield a finding when the network of share volumes has no free address."""
    setting = setting_map(view, "rwx-network")
    if setting is None:
        yield unknown(Code.ERROR, "there is no setting rwx-network")
        return
    if boolean_at(setting, "share-storage-network") or not mapping_at(setting, "network"):
        yield NotApplicable("share volumes have no network of their own")
        return
    span = text_at(setting, "network.range")
    if not span:
        yield _finding("range-missing", "The network of share volumes has no range", {})
        return
    used = allocated(view, span)
    room = usable(span, texts_at(setting, "network.exclude"))
    if used is not None and room - used >= WANTED:
        return
    yield _finding(
        "pool-missing" if used is None else "too-few-addresses",
        f"The network of share volumes {span} has "
        + (f"no address pool {pool_name(span)}" if used is None else f"no free address ({room} usable, {used} in use)"),
        {"usable": room, "used": used, "wanted": WANTED},
    )


def _finding(cause: str, problem: str, evidence: JsonObject) -> Finding:
    return Finding(
        severity=FAIL,
        cause=cause,
        message=problem,
        hint="Widen the range of setting rwx-network, or set it right",
        commands=(kubectl("edit settings.harvesterhci.io rwx-network"), kubectl("get {} -n kube-system", POOLS)),
        resource=ResourceRef("harvesterhci.io/v1beta1", "Setting", "", "rwx-network"),
        evidence=evidence,
    )
