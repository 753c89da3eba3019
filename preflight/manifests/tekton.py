"""The check as a Task of Tekton: its results are there also when the step fails."""

from __future__ import annotations

from typing import Any

from preflight.manifests.pods import (
    CONFIG_ENV,
    CONFIG_MOUNT,
    CONTAINER_SECURITY,
    LABELS,
    POD_SECURITY,
    RESOURCES,
    JsonObject,
    account,
    config_map,
    config_volume,
)
from preflight.manifests.setup import Setup

RESULTS = {
    "verdict": "ready, blocked or undecided; empty when none was reached",
    "blockers": "How many checks failed.",
    "exit-code": "The tool's exit code.",
    "report-path": "Path of the JSON report; empty without the workspace reports.",
}
ENV = {
    "PREFLIGHT_TO": "$(params.target)",
    "PREFLIGHT_SOURCE": "$(params.source)",
    "PREFLIGHT_CONTEXT": "$(params.context)",
    "PREFLIGHT_FAIL_ON": "$(params.fail-on)",
    "PREFLIGHT_FLAGS": "$(params.flags)",
    "PREFLIGHT_KUBECONFIG": "$(workspaces.kubeconfig.path)",
    "PREFLIGHT_REPORTS": "$(workspaces.reports.path)",
    "RESULT_VERDICT": "$(results.verdict.path)",
    "RESULT_BLOCKERS": "$(results.blockers.path)",
    "RESULT_CODE": "$(results.exit-code.path)",
    "RESULT_REPORT": "$(results.report-path.path)",
}
SCRIPT = """\
#!/usr/bin/env python3
import json, os, pathlib, subprocess, sys, tempfile
env = os.environ
reports = pathlib.Path(env["PREFLIGHT_REPORTS"] or tempfile.mkdtemp())
report = reports / "report.json"
command = ["harvester-preflight", "check", "--source", env["PREFLIGHT_SOURCE"], "--fail-on", env["PREFLIGHT_FAIL_ON"]]
command += ["--report", f"json={report}", "--report", f"junit={reports / 'junit.xml'}", *env["PREFLIGHT_FLAGS"].split()]
for flag, value in (("--to", env["PREFLIGHT_TO"]), ("--context", env["PREFLIGHT_CONTEXT"])):
    command += [flag, value] if value else []
if env["PREFLIGHT_KUBECONFIG"]:
    command += ["--kubeconfig", str(pathlib.Path(env["PREFLIGHT_KUBECONFIG"], "kubeconfig"))]
code = subprocess.run(command, cwd=reports).returncode
found = json.loads(report.read_text()) if report.exists() else {}
blockers = found.get("summary", {}).get("fail", "")
for name, value in (
    ("RESULT_VERDICT", found.get("verdict", "")),
    ("RESULT_BLOCKERS", blockers),
    ("RESULT_CODE", code),
    ("RESULT_REPORT", report if env["PREFLIGHT_REPORTS"] and found else ""),
):
    pathlib.Path(env[name]).write_text(str(value))
sys.exit(code)
"""


def tekton(setup: Setup) -> list[JsonObject]:
    """Return the account, the configuration and the Task; a TaskRun names the account as its serviceAccountName."""
    return [*account(setup), config_map(setup), task(setup, configured=True)]


def task(setup: Setup, *, configured: bool) -> JsonObject:
    """Return the Task; `configured`: it reads the configuration from the ConfigMap of its account."""
    params = [
        ("image", setup.image, "Pin it by digest."),
        ("target", setup.to, "Version to upgrade to; empty takes the only newer one."),
        ("source", "live", "live, or a file in the workspace reports"),
        ("context", "", "Context of the kubeconfig."),
        ("fail-on", "fail", "fail, warn or never"),
        ("flags", " ".join(setup.flags), "Further flags of check, such as --expect-version."),
    ]
    metadata: dict[str, Any] = {"name": setup.subject.name}
    if configured:
        metadata["namespace"] = setup.subject.namespace
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "Task",
        "metadata": {**metadata, "labels": LABELS},
        "spec": {
            "description": "Find out whether a Harvester cluster can be upgraded, why not, and what to do.",
            "params": [
                {"name": name, "type": "string", "default": default, "description": text}
                for name, default, text in params
            ],
            "workspaces": [
                {
                    "name": "kubeconfig",
                    "optional": True,
                    "readOnly": True,
                    "description": "A Secret with the key kubeconfig.",
                },
                {"name": "reports", "optional": True, "description": "Where report.json and junit.xml go."},
            ],
            "results": [{"name": name, "type": "string", "description": text} for name, text in RESULTS.items()],
            "steps": [_step(configured)],
            **({"volumes": [config_volume(setup)]} if configured else {}),
        },
    }


def _step(configured: bool) -> JsonObject:
    security = {key: value for key, value in CONTAINER_SECURITY.items() if key != "readOnlyRootFilesystem"}
    pod = {key: value for key, value in POD_SECURITY.items() if key != "runAsGroup"}
    env = [{"name": name, "value": value} for name, value in ENV.items()]
    return {
        "name": "check",
        "image": "$(params.image)",
        "computeResources": RESOURCES,
        "securityContext": {**security, **pod},
        "timeout": "15m",
        "env": [*env, CONFIG_ENV] if configured else env,
        **({"volumeMounts": [CONFIG_MOUNT]} if configured else {}),
        "script": SCRIPT,
    }
