"""The pod that checks, and what starts it: once, or by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from preflight.manifests.setup import CONFIG_FILE, Setup, dashed
from preflight.rbac import manifests

JsonObject = dict[str, Any]
LABELS = {"app.kubernetes.io/name": "harvester-preflight"}
DEADLINE = 300
"""Seconds a Job may take."""
GIVES_UP = ("--timeout", "4m")
"""The tool stops reading a minute before its pod is killed, so that it can still report."""


def job(setup: Setup, *more: str) -> JsonObject:
    """Return a Job for one check of one target. Its template cannot be changed: each target has a Job of its own."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(setup, setup.subject.name + dashed(setup.to)),
        "spec": _job_spec(setup, ["check", *_target(setup), *GIVES_UP, "-v", *more, *setup.flags]),
    }


def cronjob(setup: Setup) -> JsonObject:
    """Return a CronJob whose runs never fail for a verdict."""
    where = ["-q", "--publish"] if setup.publish else []  # else the log is the report, and is written in full
    arguments = ["check", *_target(setup), *GIVES_UP, "--fail-on", "never", *where, *setup.flags]
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": _metadata(setup, setup.subject.name),
        "spec": {
            "schedule": setup.schedule,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": _job_spec(setup, arguments)},
        },
    }


def account(setup: Setup) -> list[JsonObject]:
    """Return the namespace, the account, its roles and their bindings: what `rbac` prints."""
    return manifests(setup.permissions, setup.subject)


def config_map(setup: Setup) -> JsonObject:
    """Return the ConfigMap with the configuration file."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(setup, setup.subject.name),
        "data": {CONFIG_FILE: setup.config},
    }


def config_volume(setup: Setup) -> JsonObject:
    """Return the volume that holds the configuration file."""
    return {"name": "config", "configMap": {"name": setup.subject.name}}


CONFIG_ENV = {"name": "HARVESTER_PREFLIGHT_CONFIG", "value": f"/config/{CONFIG_FILE}"}
CONFIG_MOUNT = {"name": "config", "mountPath": "/config", "readOnly": True}
RESOURCES = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def _job_spec(setup: Setup, arguments: Sequence[str]) -> JsonObject:
    container = {
        "name": "check",
        "image": setup.image,
        "args": list(arguments),
        "env": [CONFIG_ENV],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": RESOURCES,
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [CONFIG_MOUNT],
    }
    return {
        "backoffLimit": 0,
        "activeDeadlineSeconds": DEADLINE,
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "serviceAccountName": setup.subject.name,
                "restartPolicy": "Never",
                "securityContext": POD_SECURITY,
                "containers": [container],
                "volumes": [config_volume(setup)],
            },
        },
    }


def _target(setup: Setup) -> list[str]:
    return ["--to", setup.to] if setup.to else []


def _metadata(setup: Setup, name: str) -> JsonObject:
    return {"name": name, "namespace": setup.subject.namespace, "labels": LABELS}
