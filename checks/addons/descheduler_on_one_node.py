"""An enabled descheduler on a single node makes the upgrade's patch of that Addon fail.

Rule: addon webhook, validateDeschedulerAddon (v1.7.0 to v1.9.0-rc6): an update of Addon descheduler that leaves it
enabled is refused while there is one Node object or none, unless the Addon carries
skipDeschedulerAddonWebhookCheck=true. upgrade_manifests.sh of these targets patches kube-system/descheduler always, with
bash -e: the Upgrade is Failed. Witness nodes count as nodes.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Enforcer,
    Finding,
    NotApplicable,
    Outcome,
    Phase,
    View,
    annotations_of,
    boolean_at,
    check,
    fails,
    kubectl,
    need,
    ref_of,
    text_at,
)

ADDONS = "addons.harvesterhci.io"
SKIP = "harvesterhci.io/skipDeschedulerAddonWebhookCheck"


@check(
    id="descheduler-on-one-node",
    title="Addon descheduler is not enabled on a single node",
    category="addons",
    needs=(need(ADDONS, "spec.enabled", f"metadata.annotations[{SKIP}]"), need("nodes")),
    to_versions=">=1.7.0",
    enforced_by=(Enforcer.SCRIPTS,),
    docs="https://docs.harvesterhci.io/v1.8/advanced/addons",
    why="The upgrade patches the Addon late, when Rancher and the charts are already new; a refusal ends it as Failed.",
    how="The Addon was enabled while there were more nodes, or by a forced edit.",
    fix="Disable the Addon before the upgrade: with one node there is nowhere to move a pod to.",
    causes={"one-node": "The Addon is enabled and there is one node: disable it."},
    waived_by=SKIP,
)
def descheduler_on_one_node(view: View) -> Iterator[Outcome]:
    """Yield a finding when the Addon is enabled and the cluster has one node."""
    addon = view.find(ADDONS, "descheduler", "kube-system")
    if addon is None or not boolean_at(addon, "spec.enabled"):
        yield NotApplicable("Addon descheduler is not enabled")
        return
    if text_at(annotations_of(addon), f"[{SKIP}]") == "true":
        yield NotApplicable(f"Addon descheduler carries {SKIP}=true, so the server does not look")
        return
    if len(view.some("nodes")) > 1:
        return
    yield Finding(
        severity=FAIL,
        cause="one-node",
        message="Addon descheduler is enabled on a cluster of one node",
        hint="Disable it before the upgrade",
        commands=(
            kubectl("patch {} descheduler -n kube-system --type merge -p {}", ADDONS, '{"spec":{"enabled":false}}'),
        ),
        resource=ref_of(addon),
        evidence={"nodes": 1},
        consequence=fails(
            Phase.SYSTEM_SERVICES, "The webhook refuses the patch of the enabled Addon, and the Upgrade ends Failed"
        ),
    )
