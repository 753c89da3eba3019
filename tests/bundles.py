"""Write a support bundle as the kit does: its layout, its log, its encoding with all the traps.

Rule: support-bundle-kit v0.0.46 to HEAD: a text substitution on the JSON of each list, numbers through 64-bit fractions
(Go's shortest %g: an exponent from a million on), YAML with sorted keys, `=` unquoted.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

NAMESPACES = (
    "default", "kube-system", "cattle-system", "cattle-dashboards", "cattle-fleet-local-system",
    "cattle-monitoring-system", "fleet-local", "harvester-system", "longhorn-system", "cattle-logging-system",
)  # fmt: skip
NAME = "supportbundle_6629f312_2026-11-23T19-53-00Z"
NOT_ALLOWED = "the server does not allow this method on the requested resource"
PLURALS = {"Endpoints": "endpoints", "NetworkPolicy": "networkpolicies", "IPAddress": "ipaddresses"}


def encode(items: list[dict[str, Any]]) -> str:
    """Return the text of one List file."""
    metadata = {"continue": "", "resourceVersion": "5"}
    whole = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": metadata}
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    text = re.sub(r'("[a-zA-Z]+":)(null,)', r'\1"null",', text)
    text = re.sub(r'(\\"[a-zA-Z]+\\":)(null,)', lambda match: match[1] + '\\"null\\",', text)
    text = text.replace('""', '"null"')
    dumped = yaml.dump(json.loads(text, parse_int=float), Dumper=_Dumper, width=10**9, allow_unicode=True)
    return re.sub(r"(?m)(: |- )'(?:(=|<<)|@(\S+)@)'$", lambda match: match[1] + (match[2] or match[3]), dumped)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    """Mark a number, for `encode` to unmark: PyYAML would write the type before what it takes for no number."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", f"@{go_number(value)}@")


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    if "\n" in value:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
    quoted = re.fullmatch(r"null|[-+.\d].*|true|false|yes|no|y|n|~", value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if quoted else None)


_Dumper.add_representer(float, _number)
_Dumper.add_representer(str, _text)


def go_number(value: float) -> str:
    """Write a number as Go's strconv.FormatFloat(value, 'g', -1, 64) does."""
    digits, _, exponent = f"{value:.17e}".partition("e")
    for precision in range(18):
        short = f"{value:.{precision}e}"
        if float(short) == value:
            digits, _, exponent = short.partition("e")
            break
    if value and not -4 <= int(exponent) < 6:
        return f"{digits}e{int(exponent):+03d}"
    return str(int(value)) if value == int(value) else repr(value)


def bundle_files(
    objects: Iterable[Mapping[str, Any]],
    *,
    collected: Iterable[str] = NAMESPACES,
    log: str = "",
    groups: Iterable[str] = (),
    created: str = "2026-11-23T19:53:04Z",
) -> dict[str, bytes]:
    """Return path → content of a bundle of these objects. Namespaces and API groups in use are added to them."""
    objects = [json.loads(json.dumps(item)) for item in objects]
    collected = tuple(collected)
    have = {item["metadata"]["name"] for item in objects if item["kind"] == "Namespace"}
    used = {item["metadata"]["namespace"] for item in objects if item["metadata"].get("namespace")} | set(collected)
    objects += [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(used - have)]
    versions = {item["apiVersion"] for item in objects} | set(groups)
    objects += [
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
         "metadata": {"name": ".".join(reversed(f"/{version}".split("/")[-2:]))}}
        for version in sorted(versions)
    ]  # fmt: skip
    lists: dict[str, list[dict[str, Any]]] = {}
    for item in objects:
        namespace = item["metadata"].get("namespace")
        if item["kind"] == "Secret" or (namespace and namespace not in collected):
            continue
        plural = PLURALS.get(item["kind"], item["kind"].lower() + "s")
        scope = f"namespaced/{namespace}" if namespace else "cluster"
        lists.setdefault(f"yamls/{scope}/{item['apiVersion']}/{plural}.yaml", []).append(item)
    noise = "".join(f"Failed to get /api/v1/namespaces/{name}/bindings: {NOT_ALLOWED}\n" for name in collected)
    metadata = {
        "bundlename": "local",
        "bundleversion": "0.1.0",
        "kubernetesversion": "v1.29.9+rke2r1",
        "projectnamespaceuuid": "6629f312",
        "bundlecreatedat": created,
        "issueurl": "",
        "issuedescription": "",
    }
    return {
        "metadata.yaml": yaml.safe_dump(metadata, sort_keys=False).encode(),
        "bundleGenerationError.log": (noise + log).encode(),
        **{path: encode(items).encode() for path, items in lists.items()},
    }


def node_archive(node: str, files: Mapping[str, str]) -> bytes:
    """Return the content of nodes/NODE.zip."""
    return zipped({f"{node}/{path}": text.encode() for path, text in files.items()})


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def write_zip(
    folder: Path, files: Mapping[str, bytes], name: str = "supportbundle_6629f312_2026-11-23T19-53-00Z"
) -> Path:
    path = folder / f"{name}.zip"
    path.write_bytes(zipped({f"{name}/{below}": content for below, content in files.items()}))
    return path


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for below, content in files.items():
        path = folder / below
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
