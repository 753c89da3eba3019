"""A paused cluster object takes no changes: the server lets the upgrade start, and then nothing moves.

Rule: check.sh check_cluster_paused: clusters.cluster.x-k8s.io fleet-local/local, spec.paused true fails. The webhook
does not look (v1.4.0 to v1.9.0-rc6), so the upgrade would stall where its scripts wait for the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    FAIL,
    Code,
    Enforcer,
    Explains,
    Finding,
    Outcome,
    Phase,
    Tie,
    View,
    boolean_at,
    check,
    hangs,
    kubectl,
    need,
    ref_of,
    unknown,
)

CLUSTERS = "clusters.cluster.x-k8s.io"


@check(
    title="The cluster object is not paused",
    needs=(need(CLUSTERS, "spec.paused"),),
    enforced_by=(Enforcer.CHECK_SH, Enforcer.SCRIPTS),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/troubleshooting",
    why="While it is paused no controller works on the cluster, so the upgrade waits for a change that never comes.",
    how="Somebody paused it during maintenance, or a restore or an earlier upgrade left it so.",
    fix="Set spec.paused of the cluster to false.",
    causes={"cluster-paused": "spec.paused is true: set it to false."},
    consequence=hangs(
        Phase.SYSTEM_SERVICES,
        "No controller works on the cluster while it is paused, and the script waits without limit for what they would do",
    ),
    explains=(Explains("rancher-control-plane-settled", Tie.CLUSTER), Explains("capi-cluster-provisioned", Tie.OBJECT)),
)
def capi_cluster_paused(view: View) -> Iterator[Outcome]:
    """Yield a finding when the local cluster is paused."""
    cluster = view.find(CLUSTERS, "local", "fleet-local")
    if cluster is None:
        yield unknown(Code.ERROR, "there is no cluster fleet-local/local to look at (see capi-cluster-provisioned)")
    elif boolean_at(cluster, "spec.paused"):
        yield Finding(
            severity=FAIL,
            cause="cluster-paused",
            message="Cluster fleet-local/local is paused (spec.paused is true)",
            hint="Unpause it",
            commands=(
                kubectl(
                    "patch clusters.cluster.x-k8s.io local -n fleet-local --type merge -p {}",
                    '{"spec":{"paused":false}}',
                ),
            ),
            resource=ref_of(cluster),
            evidence={"paused": True},
        )
