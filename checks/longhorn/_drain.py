"""What Longhorn's settings make of a drain (see longhorn_drain_settings).

Rule: longhorn-manager, instance_manager_controller.go canDeleteInstanceManagerPDB and node_controller.go
shouldEvictReplica (v1.7.2 to v1.11.2): the disruption budget of an instance manager goes once nothing on its node is in
use and, by policy, no replica is left there (block-for-eviction), or each replica has a healthy one on another node
(the others; allow-if-replica-is-stopped asks that of running replicas only; always-allow asks nothing). Both policies
that evict move replicas to other nodes by themselves, block-for-eviction all of them, the other one the last ones.
upgrade_manifests.sh patch_longhorn_settings (v1.4.0 to v1.9.0-rc6): where the values of ManagedChart harvester do not
say it, `value` block-if-contains-last-replica becomes allow-if-replica-is-stopped, and detaching by hand `false`
becomes true. It asks by `yq -e`, to which a plain false in the values counts as not said; the text "false" does not.
"""

from __future__ import annotations

from preflight.api import (
    JsonObject,
    Unreadable,
    View,
    boolean_at,
    condition_status,
    integer_at,
    mapping_at,
    name_of,
    text_at,
    value_at,
)

from .._settings import go_boolean, longhorn_boolean, longhorn_setting
from ._volumes import is_witness

DEFAULTS = "spec.values.longhorn.defaultSettings"
POLICY, POLICY_VALUE = "node-drain-policy", f"{DEFAULTS}.nodeDrainPolicy"
DETACH, DETACH_VALUE = (
    "detach-manually-attached-volumes-when-cordoned",
    f"{DEFAULTS}.detachManuallyAttachedVolumesWhenCordoned",
)
EVICTS_ALL, EVICTS_LAST = "block-for-eviction", "block-for-eviction-if-contains-last-replica"
KEEPS_LAST, RUNNING_ONLY, ALWAYS = "block-if-contains-last-replica", "allow-if-replica-is-stopped", "always-allow"
POLICIES = (EVICTS_ALL, EVICTS_LAST, KEEPS_LAST, RUNNING_ONLY, ALWAYS)


def policy_during(view: View, chart: JsonObject) -> str:
    """Return the policy that holds while nodes are drained.

    Raises NotCollected or Unreadable when nothing says it, or something Longhorn does not know.
    """
    policy = text_at(chart, POLICY_VALUE)
    if not policy:
        policy = longhorn_setting(view, POLICY)[1]
        policy = RUNNING_ONLY if policy == KEEPS_LAST else policy
    if policy not in POLICIES:
        raise Unreadable(f"Longhorn's setting {POLICY} is {policy!r}, which is no policy of Longhorn")
    return policy


def keeps_what_was_attached_by_hand(view: View, chart: JsonObject) -> bool:
    """Say whether volumes attached by hand stay attached while their node is drained. Raises as policy_during."""
    told = value_at(chart, DETACH_VALUE)
    if told is True:
        return False
    if isinstance(told, str) and told:
        truth = go_boolean(told)
        if truth is None:
            raise Unreadable(f"the values of ManagedChart harvester say {told!r} for {DETACH}")
        return not truth
    value = longhorn_setting(view, DETACH)[1]
    if value == "false":
        return False  # the script sets it
    return told is False or not longhorn_boolean(view, DETACH)


def places(view: View) -> int:
    """Count the nodes that can take a replica: no witness, not cordoned, and open in Longhorn."""
    closed = {
        name_of(node)
        for node in view.objects("nodes.longhorn.io")
        if boolean_at(node, "spec.allowScheduling") is False or condition_status(node, "Schedulable") == "False"
    }
    return sum(
        not is_witness(node) and not boolean_at(node, "spec.unschedulable") and name_of(node) not in closed
        for node in view.objects("nodes")
    )


def cannot_move(view: View, policy: str, room: int) -> list[str]:
    """Name the volumes a replica of which cannot leave its node, for one of the policies that evict.

    A volume of as many replicas as there are places has nowhere to move one, unless two may share a node; of the last
    replica alone it needs a second place.
    """
    stuck = []
    for volume in view.objects("volumes.longhorn.io"):
        replicas = integer_at(volume, "spec.numberOfReplicas") or 1
        needed = 1 if policy == EVICTS_LAST else replicas
        if needed > room - 1 and not (room > 1 and shares_nodes(view, volume)):
            stuck.append(name_of(volume))
    return stuck


def shares_nodes(view: View, volume: JsonObject) -> bool:
    """Say whether two replicas of a volume may lie on one node (replica soft anti-affinity)."""
    own = text_at(volume, "spec.replicaSoftAntiAffinity")
    if own in ("enabled", "disabled"):
        return own == "enabled"
    return longhorn_boolean(view, "replica-soft-anti-affinity")


def started_alone(view: View) -> list[str]:
    """Name the volumes of a single replica that has data: one that was never started is let go."""
    used = {
        text_at(replica, "spec.volumeName")
        for replica in view.objects("replicas.longhorn.io")
        if text_at(replica, "spec.healthyAt") or text_at(replica, "spec.failedAt")
    }
    volumes = view.objects("volumes.longhorn.io")
    return [
        name_of(volume)
        for volume in volumes
        if integer_at(volume, "spec.numberOfReplicas") == 1 and name_of(volume) in used
    ]


def attached_by_hand(attachment: JsonObject) -> str:
    """Name the node a volume is attached to by hand (in Longhorn's UI), empty when it is not."""
    for ticket in mapping_at(attachment, "spec.attachmentTickets").values():
        if isinstance(ticket, dict) and ticket.get("type") == "longhorn-api":
            return text_at(ticket, "nodeID") or "?"
    return ""
