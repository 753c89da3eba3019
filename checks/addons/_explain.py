"""What `explain addon-stuck` says."""

from __future__ import annotations

WHY = (
    "While an Addon has an operation in progress, the addon webhook denies every change to it, labels included. The "
    "upgrade scripts of every target version write to some Addons; the first denied write ends the script, each retry "
    "starts over, and the upgrade fails late, with Rancher and the charts already upgraded. Servers from 1.7.0 on refuse "
    "the Upgrade at once; older ones accept it."
)
HOW = (
    "The controller trusts a Job only when its creation time is not earlier than the time the operation began. The first "
    "is stamped by the API server, the second by the node the harvester pod runs on: where clocks differ, as they do "
    "without NTP, a good Job looks too old and is ignored for ever. Other ways in: images that an air-gapped node does not "
    "have, a Job whose pods the Job controller lost count of, a failure with a reason the controller does not know, a "
    "HelmChart somebody else made."
)
FIX = (
    "Find the cause in the report. In most cases deleting the helm-install Job is enough: helm-controller creates it again, "
    "the new one is young enough, and the Addon settles within seconds. Set the clocks right first, or it will come back. "
    "Never remove rancher-logging-crd or rancher-monitoring-crd, never edit webhooks, never touch PVCs."
)
LINKS = (
    "https://github.com/harvester/harvester/issues/7376",
    "https://github.com/harvester/harvester/issues/4402",
    "https://github.com/harvester/harvester/issues/9645",
)
CAUSES = {
    "operation-time-missing": (
        "InProgress is True and its time cannot be read. The controller cannot compare it with any Job and retries for "
        "ever. Settling the status by hand is the only way."
    ),
    "enabled-while-disabling": (
        "spec.enabled became true while the status was AddonDisabling. The controller has no branch for that. "
        "Disabling the Addon again, waiting for AddonDisabled and enabling it leads out."
    ),
    "helm-chart-missing": (
        "The HelmChart is gone. The controller notices, calls the Addon disabled and starts over. If it does not within "
        "ten minutes, the harvester pod is not working."
    ),
    "helm-chart-terminating": "The HelmChart waits for its finalizers, that is for the Job that uninstalls the release.",
    "helm-chart-foreign": (
        "A HelmChart of the Addon's name is owned by nobody or by an earlier Addon of that name. The controller waits for "
        "it to disappear. Up to 1.6 the Addon can be rebuilt; from 1.7 on the HelmChart's owner must remove it."
    ),
    "job-not-created": "helm-controller has not made a Job for the HelmChart. It runs inside rke2-server.",
    "job-missing": "The Job that the HelmChart names is gone. helm-controller makes it again when the HelmChart changes.",
    "job-predates-operation": (
        "The Job has done its work but is older than the operation, by the clocks of two machines that disagree. It will "
        "never count. Deleting it makes helm-controller create a younger one."
    ),
    "job-image-pull": (
        "A container of the Job cannot get its image. Usual in air-gapped clusters. Import the image on the nodes; nothing "
        "else helps, and the Job goes on by itself."
    ),
    "job-accounting-stale": (
        "The Job's pod succeeded, yet the Job shows no completion: the Job was replaced faster than the Job controller "
        "could follow. Deleting the Job cures it."
    ),
    "job-retrying": "The Job's pods fail and are tried again. The last message of the container says why.",
    "job-running": "The Job is at work, or its pod waits to be scheduled.",
    "job-failed": (
        "The Job used up its attempts and the controller has recorded the failure. It does nothing more until the Addon is "
        "disabled. Remove the reason, then disable and enable it."
    ),
    "failure-latched": (
        "The controller recorded a failure, later the Job succeeded after all, and nobody looks again. Disabling and "
        "enabling the Addon clears it."
    ),
    "job-failed-unrecognised": (
        "The Job failed with a reason other than BackoffLimitExceeded (a deadline, a pod failure policy). The controller "
        "waits for a reason it knows. Deleting the Job starts it again."
    ),
    "status-not-updated": (
        "The Job is done and counts, and the status has not followed for over a minute: the addon controller in the "
        "harvester pod is down or stuck."
    ),
    "disabling-stalled": (
        "The Addon is to be disabled and the uninstall has not ended. Look at the helm-delete Job. One that failed for "
        "good is never tried again; once it is deleted, helm-controller makes another."
    ),
    "idle-operation": "InProgress was left True on a settled Addon, so that nobody can change it any more.",
    "helm-release-pending": (
        "The newest Helm release is in a pending state and nothing works on it, usually since its pod was killed in the "
        "middle. Helm refuses to touch it until somebody rolls it back or uninstalls it."
    ),
    "progressing": "An operation began a short time ago and nothing is wrong with it. Wait.",
    "unknown": "The Addon is not settled and what was read does not tell why. It is never repaired automatically.",
}
