"""The probe pod: what it may see, what it runs, and how its answer is read.

The pod mounts only the host paths that the facts in question need, read-only; it has no service account token, no
capabilities, a read-only root and a deadline of its own. /oem holds passwords and tokens: they are masked inside the pod,
before anything is printed, since a pod's log can be read by others than us.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any

from preflight.inventory import JsonObject

DEADLINE_SECONDS = 60
MANAGED = "app.kubernetes.io/managed-by"
COMPONENT = "app.kubernetes.io/component"
LABELS = {MANAGED: "harvester-preflight", COMPONENT: "node-probe"}
RUN_LABEL = "harvester-preflight/run"

HOST_PATHS: Mapping[str, tuple[str, ...]] = {
    "files/configs/oem/": ("/oem",),
    "files/configs/etc/hostname": ("/etc/hostname",),
    "facts/cosStateKiB": ("/run/initramfs/cos-state",),
    "facts/passiveImageKiB": ("/run/initramfs/cos-state",),
    "facts/efi": ("/sys",),
    "facts/drivers": ("/sys",),
}
"""What is asked for (a name, or its beginning) → the host paths it takes."""

_MASK = r"""mask() {
  awk '
    /-----BEGIN / { print "***"; hidden = 1 }
    hidden { if (/-----END /) hidden = 0; next }
    { line = $0; low = tolower(line) }
    low ~ /(passw|secret|token|credential|private|apikey|api_key|access_key|ssh_authorized|ssh-)/ {
      at = match(line, /[:=]/)
      if (at) print substr(line, 1, at) " \"***\""; else print "***"
      next
    }
    { print line }
  '
}
"""

_COMMANDS: Mapping[str, str] = {
    "facts/cosStateKiB": "df -kP $H/run/initramfs/cos-state 2>/dev/null"
    " | awk 'NR == 2 { print \"==fact cosStateKiB \" $2 }'",
    "facts/passiveImageKiB": "du -k $H/run/initramfs/cos-state/cOS/passive.img 2>/dev/null"
    " | awk '{ print \"==fact passiveImageKiB \" $1 }'",
    "facts/efi": "if [ -d $H/sys/firmware/efi ]; then echo '==fact efi true';"
    " elif [ -d $H/sys/firmware ]; then echo '==fact efi false'; fi",
    "facts/drivers": "if [ -d $H/sys/class/net ]; then echo '==fact drivers '"
    '$(for d in $H/sys/class/net/*/device/driver; do [ -e "$d" ] && basename "$(readlink "$d")"; done | sort -u); fi',
}


def wanted_of(fields: Iterable[str]) -> tuple[str, ...]:
    """Return what a probe can answer of the fields of `nodes/files`, as `files/PATH` and `facts/NAME`."""
    from preflight.values.paths import split_path

    wanted = {"/".join(split_path(field)) for field in fields}
    return tuple(sorted(name for name in wanted if host_paths([name])))


def host_paths(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the host paths that these take."""
    found = {path for name in wanted for begin, paths in HOST_PATHS.items() if name.startswith(begin) for path in paths}
    return tuple(sorted(found))


def script(wanted: Iterable[str]) -> str:
    """Write the shell script that prints the facts and files, secrets masked, and `==end` when it got so far."""
    lines = ["H=${HOST:-/host}", _MASK]
    for name in sorted(wanted):
        if name.startswith("files/configs/"):
            path = name.removeprefix("files/configs/")
            place = quote(path.removesuffix("*")) + "*" * path.endswith("*")
            lines.append(
                f'for f in $H/{place}; do if [ -f "$f" ]; then echo "==file configs/${{f#$H/}}"; '
                "mask < \"$f\" | sed 's/^/|/'; fi; done"
            )
        elif name in _COMMANDS:
            lines.append(_COMMANDS[name])
    return "\n".join([*lines, "echo ==end"])


def probe_pod(node: str, image: str, namespace: str, run: str, wanted: Iterable[str]) -> JsonObject:
    """Write the pod that answers for one node."""
    wanted = tuple(wanted)
    paths = host_paths(wanted)
    names = {path: f"host-{number}" for number, path in enumerate(paths)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "harvester-preflight-probe-",
            "namespace": namespace,
            "labels": {**LABELS, RUN_LABEL: run},
            "annotations": {"harvester-preflight/node": node},
        },
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [_container(image, script(wanted), names)],
            "volumes": [{"name": name, "hostPath": {"path": path}} for path, name in names.items()],
        },
    }


def _container(image: str, command: str, names: Mapping[str, str]) -> JsonObject:
    return {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "Never",  # an air-gapped node must not be sent out for it
        "command": ["sh", "-c", command],
        "resources": {
            "requests": {"cpu": "10m", "memory": "16Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": name, "mountPath": f"/host{path}", "readOnly": True} for path, name in names.items()],
    }


def read_answer(node: str, text: str) -> JsonObject | None:
    """Read what a probe printed; None when it did not get to its end.

    Shape: {kind: NodeFiles, metadata: {name}, files: {path: text}, facts: {cosStateKiB, passiveImageKiB, efi, drivers}}.
    """
    files: dict[str, list[str]] = {}
    facts: dict[str, Any] = {}
    current: list[str] | None = None
    ended = False
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "==file":
            current = files.setdefault(rest, [])
        elif word == "==fact":
            name, _, value = rest.partition(" ")
            facts[name] = _fact(name, value)
        elif line == "==end":
            ended = True
        elif line.startswith("|") and current is not None:
            current.append(line[1:])
    if not ended:
        return None
    return {
        "apiVersion": "v1",
        "kind": "NodeFiles",
        "metadata": {"name": node},
        "files": {path: "\n".join(lines) + "\n" for path, lines in files.items()},
        "facts": {name: value for name, value in facts.items() if value is not None},
    }


def _fact(name: str, value: str) -> Any:
    if name.endswith("KiB"):
        return int(value) if value.isdecimal() else None
    if name == "efi":
        return {"true": True, "false": False}.get(value)
    return sorted(value.split())
