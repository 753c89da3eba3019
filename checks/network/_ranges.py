"""How many addresses a whereabouts range has left.

Rule: check.sh: addresses of the IPv4 range without network and broadcast, minus the union of the excludes inside it,
minus the allocations of the pool named after the range (':' and '/' become '-').
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from preflight.api import JsonObject, Unreadable, View, effective_value, mapping_at, parse_json

SETTINGS = "settings.harvesterhci.io"
POOLS = "ippools.whereabouts.cni.cncf.io"


def setting_map(view: View, name: str) -> JsonObject | None:
    """Return a setting's effective value as a map, empty when it is not set, None when there is no such setting.

    Raises Unreadable when it is not a JSON map.
    """
    setting = view.find(SETTINGS, name)
    if setting is None:
        return None
    text = effective_value(setting).strip()
    found = parse_json(text, f"setting {name}") if text else {}
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Unreadable(f"setting {name} is no JSON map")
    return found


def usable(text: str, excludes: Iterable[str]) -> int:
    """Count the addresses a range may hand out. Raises Unreadable for what is no IPv4 range."""
    network = _network(text)
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - 1
    taken = 0
    reached = first - 1
    for excluded in sorted(map(_network, excludes), key=lambda found: int(found.network_address)):
        begin = max(int(excluded.network_address), first, reached + 1)
        end = min(int(excluded.broadcast_address), last)
        if end >= begin:
            taken += end - begin + 1
            reached = end
    return max(last - first + 1 - taken, 0)


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise Unreadable(f"{text!r} is no IPv4 range: {error}") from None


def pool_name(text: str) -> str:
    """Name the pool of a range."""
    return text.replace(":", "-").replace("/", "-")


def allocated(view: View, text: str) -> int | None:
    """Count the addresses handed out of a range, None when its pool does not exist."""
    pool = view.find(POOLS, pool_name(text), "kube-system")
    return None if pool is None else len(mapping_at(pool, "spec.allocations"))
