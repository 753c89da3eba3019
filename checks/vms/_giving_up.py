"""When KubeVirt gives a migration up, and what that means for the upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from preflight.api import (
    FAIL,
    WARN,
    Certainty,
    Finding,
    JsonObject,
    Phase,
    Unreadable,
    UpgradePair,
    boolean_at,
    hangs,
    human_bytes,
    integer_at,
    kubectl,
    lies_in,
    name_of,
    namespace_of,
    parse_quantity,
    ref_of,
    stops_workload,
    value_at,
)

from ._vms import full_name, home_of, stop, touching

MIGRATIONS = "spec.configuration.migrations"
GIGABYTE = 10**9
SLOW_TARGETS, SLOW, QUICK = "<1.5.0", 800, 150
"""Targets with the longer default, and the defaults: seconds for each 10^9 bytes."""
DISRUPTS = ">=1.5.0"
WAITS = hangs(
    Phase.NODE_DRAIN,
    "Migrations are given up and begun again, and the drain waits for them without end (that the whole memory of a guest "
    "is sent is not proven)",
    Certainty.LIKELY,
)
MAY_WAIT = hangs(
    Phase.NODE_DRAIN,
    "The migration may be given up and begun again each time, with the drain waiting for it",
    Certainty.POSSIBLE,
)
STOPPED = stops_workload(
    Phase.NODE_DRAIN, "A migration that is given up may make the drain stop the machine; it stays off, restoreVM or not"
)
LIFT = '{"spec":{"configuration":{"migrations":{"bandwidthPerMigration":"0"}}}}'


class Limit(NamedTuple):
    """What a migration is given."""

    bandwidth: int
    """Bytes per second."""
    seconds: int
    """For each 10^9 bytes of memory."""
    by_setting: bool
    """Whether the setting kubevirt-migration holds these values."""

    @classmethod
    def of(cls, kubevirt: JsonObject, upgrade: UpgradePair) -> Limit | None:
        """Read the limits, None when nothing is given up for them. Raises Unreadable for what is no quantity."""
        raw = value_at(kubevirt, f"{MIGRATIONS}.bandwidthPerMigration")
        bandwidth = parse_quantity(raw)
        if raw is not None and bandwidth is None:
            raise Unreadable(f"bandwidthPerMigration of the KubeVirt object is {raw!r}, not a quantity")
        seconds = integer_at(kubevirt, f"{MIGRATIONS}.completionTimeoutPerGiB")
        if seconds is None:
            seconds = SLOW if lies_in(upgrade.to_version, SLOW_TARGETS) else QUICK
        running = upgrade.from_version
        otherwise = boolean_at(kubevirt, f"{MIGRATIONS}.allowPostCopy") or (
            boolean_at(kubevirt, f"{MIGRATIONS}.allowWorkloadDisruption") and lies_in(running, DISRUPTS)
        )
        if otherwise or not bandwidth or bandwidth < 0 or seconds <= 0:
            return None
        return cls(int(bandwidth), seconds, lies_in(running, ">=1.7.0") is True)


def too_slow(kubevirt: JsonObject, limit: Limit, stopped: bool) -> Iterator[Finding]:
    """Yield the finding about limits that let too little through."""
    carried = limit.bandwidth * limit.seconds
    if carried >= 2 * GIGABYTE:
        return
    certain = carried < GIGABYTE
    if limit.by_setting:
        command = kubectl("get settings.harvesterhci.io kubevirt-migration -o yaml")
    else:
        where = (name_of(kubevirt), namespace_of(kubevirt))
        command = kubectl("patch kubevirts.kubevirt.io {} -n {} --type merge -p {}", *where, LIFT)
    yield Finding(
        severity=FAIL if certain and not stopped else WARN,
        cause="bandwidth-too-low",
        message=f"A migration may send {human_bytes(limit.bandwidth)} a second and has {limit.seconds} s for each GB of "
        f"memory: {carried / GIGABYTE:.2f} GB get through in that time, {'less than' if certain else 'hardly more than'} "
        "the memory itself",
        hint="Raise bandwidthPerMigration or completionTimeoutPerGiB"
        + (" in setting kubevirt-migration" if limit.by_setting else ", or lift the limit"),
        commands=(command,),
        resource=ref_of(kubevirt),
        evidence={"bandwidthPerMigration": limit.bandwidth, "completionTimeoutPerGiB": limit.seconds},
        consequence=STOPPED if stopped else WAITS if certain else MAY_WAIT,
    )


def failed_before(vmi: JsonObject, why: str, stopped: bool, *, transient: bool = False) -> Finding:
    """Make the warning about a machine one of whose migrations was given up."""
    return Finding(
        severity=WARN,
        cause="failed-before",
        message=f"A migration of machine {full_name(vmi)} on {home_of(vmi)} did not get through: {why}",
        hint="Stop the machine for the upgrade, or give its migration more bandwidth or time and try it before",
        commands=stop(vmi),
        resource=ref_of(vmi),
        evidence={"node": home_of(vmi), "reason": why},
        transient=transient,
        consequence=STOPPED if stopped else MAY_WAIT,
        touches=touching(home_of(vmi)),
    )
