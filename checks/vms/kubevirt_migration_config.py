"""Migration settings made in the KubeVirt object are overwritten by the setting that 1.7 brings.

Rule: docs 1.6 to 1.7: spec.configuration.migrations is not empty. The new setting kubevirt-migration shows defaults and
replaces them when it is saved for the first time.
"""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import (
    WARN,
    Code,
    Enforcer,
    Finding,
    Outcome,
    Phase,
    View,
    check,
    degrades,
    kubectl,
    mapping_at,
    need,
    ref_of,
    unknown,
)

KUBEVIRTS = "kubevirts.kubevirt.io"


@check(
    title="KubeVirt's migration settings are the defaults",
    needs=(need(KUBEVIRTS, "spec.configuration.migrations"),),
    from_versions="<1.7.0",
    to_versions=">=1.7.0",
    worst=WARN,
    enforced_by=(Enforcer.DOCS,),
    consequence=degrades(
        Phase.AFTER, "The first save of setting kubevirt-migration may replace the values set by hand"
    ),
    docs="https://docs.harvesterhci.io/v1.8/upgrade/v1-6-x-to-v1-7-x",
    why="After the upgrade the UI shows defaults and the first save replaces what you had set by hand.",
    how="Somebody edited the KubeVirt object, for example for bandwidth or parallel migrations.",
    fix="Write the values down and enter them in setting kubevirt-migration after the upgrade.",
    links=("https://github.com/harvester/harvester/issues/11517",),
    causes={"own-migration-settings": "There are values of your own: note them and enter them again afterwards."},
)
def kubevirt_migration_config(view: View) -> Iterator[Outcome]:
    """Yield a warning when the KubeVirt object holds migration settings."""
    kubevirt = next(iter(view.objects(KUBEVIRTS)), None)
    if kubevirt is None:
        yield unknown(Code.ERROR, "there is no KubeVirt object in harvester-system")
        return
    migrations = mapping_at(kubevirt, "spec.configuration.migrations")
    if migrations:
        yield Finding(
            severity=WARN,
            cause="own-migration-settings",
            message=f"KubeVirt holds migration settings ({', '.join(sorted(migrations))}) that the setting of 1.7 "
            "overwrites",
            hint="Write them down and enter them in setting kubevirt-migration after the upgrade",
            commands=(kubectl("get kubevirts.kubevirt.io -n harvester-system -o yaml"),),
            resource=ref_of(kubevirt),
            evidence={"migrations": migrations},
        )
