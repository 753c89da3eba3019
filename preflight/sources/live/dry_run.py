"""Ask the server itself: create the Upgrade as a dry run and keep what its webhook answers, word for word.

Rule: both upgrade webhooks declare SideEffects None (pkg/webhook/server/server.go), so `dryRun=All` runs the whole
validation and stores nothing. The server stops at its first rule that fails.
"""

from __future__ import annotations

from preflight.cluster.api import Api
from preflight.cluster.errors import ApiError
from preflight.inventory import Collected, JsonObject
from preflight.model import Code, Reason, UpgradePair

NAMESPACE = "harvester-system"
PATH = f"/apis/harvesterhci.io/v1beta1/namespaces/{NAMESPACE}/upgrades"
VERDICTS = (400, 409, 422, 500)
"""What the webhook denies with. A 500 is one too: the server could not judge, and creating the Upgrade would fail."""


def dry_run_upgrade(api: Api, pair: UpgradePair) -> Collected:
    """Create the Upgrade to the target version with dryRun=All. Nothing is stored, whatever comes back.

    Shape of the one object: {accepted, code, reason, message, version}.
    """
    if pair.to_version is None:
        return Collected(missing=Reason(Code.ERROR, "the target version is not known, so the server cannot be asked"))
    body: JsonObject = {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Upgrade",
        "metadata": {"generateName": "hvst-upgrade-", "namespace": NAMESPACE},
        "spec": {"version": str(pair.to_version)},
    }
    try:
        api.post(PATH, body, {"dryRun": "All"})
    except ApiError as error:
        if error.status in VERDICTS:
            return Collected((_answer(pair, False, error.status, error.reason, error.server_message or error.message),))
        return Collected(missing=error.why)
    return Collected((_answer(pair, True, 201, "", ""),))


def _answer(pair: UpgradePair, accepted: bool, code: int, reason: str, message: str) -> JsonObject:
    return {
        "apiVersion": "harvesterhci.io/v1beta1",
        "kind": "Upgrade",
        "metadata": {"name": "dry-run", "namespace": NAMESPACE},
        "version": str(pair.to_version),
        "accepted": accepted,
        "code": code,
        "reason": reason,
        "message": message,
    }
