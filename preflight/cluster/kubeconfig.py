"""Choose context, cluster and user from kubeconfig files, and give the choice to the kubernetes package."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from preflight.cluster.connection import (
    RKE2_KUBECONFIG,
    Connection,
    impersonation,
    kubeconfig_paths,
    text_of,
)
from preflight.cluster.exec_plugin import run_plugin
from preflight.cluster.identity import Login
from preflight.errors import FlagError, SourceError
from preflight.values.foreign_text import one_line, plain_url
from preflight.values.names import perhaps


@dataclass(frozen=True, slots=True)
class Aim:
    """Which cluster is meant."""

    context: str
    """The context's name; empty where there is none."""
    server: str
    """Its address."""
    contexts: tuple[str, ...]
    """All contexts that could have been meant, in the order of the files."""


def from_kubeconfig(paths: Sequence[Path], connection: Connection, configuration: Any) -> Login:
    """Read the files (the first that names a thing wins), apply --context, --cluster and --user.

    Raises SourceError, which never holds the content of a file.
    """
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    where = ", ".join(map(str, paths))
    merger = _merged(paths)
    try:
        context_name, context = _context(merger, connection, where)
        cluster_name = connection.cluster or text_of(context, "cluster")
        user_name = connection.user or text_of(context, "user")
        cluster = _named(merger, "clusters", cluster_name, where, connection.cluster, required=not connection.server)
        user = _named(merger, "users", user_name, where, connection.user, required=bool(connection.user))
        loader = KubeConfigLoader(
            config_dict=_chosen(cluster, user, connection),
            active_context="chosen",
            config_base_path=None,
            config_persister=merger.save_changes,
        )
        loader.load_and_set(configuration)
    except SourceError:
        raise
    except ConfigException as error:
        raise SourceError(f"the kubeconfig {where} is broken: {_safe(error)}") from None
    except Exception as error:  # the package lets whatever goes wrong in an OIDC refresh or a broken entry through
        raise SourceError(f"the kubeconfig {where} cannot be used: {_safe(error)}") from None
    _proxy_password(configuration)
    label = f"user {user_name}" if user_name else "no user"
    notes = [f"context {context_name or 'none'}, {label} ({where})"]
    if list(paths) == [RKE2_KUBECONFIG]:
        notes.append(f"no kubeconfig of yours was found: this node's own {RKE2_KUBECONFIG} was used, with full rights")
    several = len(merger.config.value["contexts"]) > 1
    found = Login("", label, notes, configuration, [], context=context_name, several=several)
    if user is not None:
        _identity(found, user, cluster, connection)
    return found


def context_names(connection: Connection) -> list[str]:
    """Return the names of all contexts, in the order of the files. Raises SourceError when there is no kubeconfig."""
    paths = kubeconfig_paths(connection)
    if not paths:
        raise FlagError("no kubeconfig was found, so there are no contexts to choose from (give --kubeconfig)")
    contexts = _merged(paths).config.safe_get("contexts")
    return [str(entry.value["name"]) for entry in contexts or ()]


def aim_of(connection: Connection) -> Aim:
    """Say which cluster the flags mean, without sending anything; empty where the files do not tell."""
    try:
        paths = kubeconfig_paths(connection)
        if not paths:
            return Aim("", connection.server, ())
        merger = _merged(paths)
        names = tuple(str(item.value["name"]) for item in merger.config.value["contexts"])
        name, context = _context(merger, connection, "")
        cluster = _named(merger, "clusters", connection.cluster or text_of(context, "cluster"), "", "", required=False)
        server = connection.server or (text_of(cluster.value.get("cluster") or {}, "server") if cluster else "")
    except (SourceError, KeyError, TypeError, AttributeError):  # whoever reads the file to connect says what is wrong
        return Aim(connection.context, connection.server, ())
    return Aim(one_line(name), plain_url(server) if server else "", names)


def _merged(paths: Sequence[Path]) -> Any:
    import yaml
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigMerger

    path = paths[0]
    try:
        for path in paths:
            content = yaml.safe_load(path.read_bytes())
            if not isinstance(content, dict):
                raise SourceError(f"the kubeconfig {path} is not a kubeconfig (it is no map of keys)")
        return KubeConfigMerger(os.pathsep.join(map(str, paths)))
    except PermissionError:
        raise SourceError(f"no permission to read the kubeconfig {path}; on a Harvester node: sudo") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise SourceError(f"the kubeconfig {path} is not YAML: error{line}") from None
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SourceError(f"the kubeconfig {path} cannot be used: {_safe(error)}") from None


def _safe(error: Exception) -> str:
    """Name an error without the values it may quote: the package puts whole entries, keys and all, behind ` in `."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if type(error).__name__ == "ConfigException":
        return one_line(str(error).removeprefix("Invalid kube-config file.").partition(" in ")[0], 160)
    return type(error).__name__


def _context(merger: Any, connection: Connection, where: str) -> tuple[str, Mapping[str, Any]]:
    # The first file with a current-context wins for kubectl; the package would take the last.
    current = (text_of(content, "current-context") for content in merger.config_files.values())
    name = connection.context or next((found for found in current if found), "")
    known = [item.value["name"] for item in merger.config.value["contexts"]]
    for item in merger.config.value["contexts"]:
        if item.value["name"] == name:
            return name, item.value.get("context") or {}
    if not name and (connection.server or connection.cluster):
        return "", {}
    there = f"there: {', '.join(map(str, known))}" if known else "it has no contexts"
    if not name:
        raise FlagError(f"the kubeconfig {where} has no current context; choose one with --context ({there})")
    wrong = FlagError if connection.context else SourceError
    raise wrong(f"the kubeconfig {where} has no context {one_line(name)}{perhaps(name, map(str, known))} ({there})")


def _named(merger: Any, section: str, name: str, where: str, flag: str, *, required: bool) -> Any:
    for item in merger.config.value[section]:
        if name and item.value["name"] == name:
            return item
    if required:
        name = one_line(name, 80)
        what = f"no {section[:-1]} named {name}" if name else f"no {section[:-1]} for that context"
        others = perhaps(name, (str(item.value["name"]) for item in merger.config.value[section]))
        raise (FlagError if flag else SourceError)(f"the kubeconfig {where} has {what}{others}")
    return None


def _chosen(cluster: Any, user: Any, connection: Connection) -> dict[str, Any]:
    """Shape: a kubeconfig of one context; the entries keep the folder that their relative paths start from."""
    from kubernetes.config.kube_config import ConfigNode

    users = []
    if user is not None:
        entry = user
        if (user.value.get("user") or {}).get("exec") or connection.token:  # exec_plugin, or the flag, gives the token
            kept = {k: v for k, v in (user.value.get("user") or {}).items() if k in _CERTIFICATE_KEYS}
            entry = ConfigNode(user.name, {"name": user.value["name"], "user": kept}, user.path)
        users = [entry]
    if cluster is not None and not (cluster.value.get("cluster") or {}).get("server") and not connection.server:
        raise SourceError(f"the cluster {one_line(cluster.value['name'], 80)} of the kubeconfig has no server address")
    if cluster is None:
        cluster = ConfigNode("clusters", {"name": "none", "cluster": {"server": connection.server}}, None)
    context = {"cluster": cluster.value["name"], "user": user.value["name"] if user is not None else ""}
    return {
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": context}],
        "clusters": [cluster],
        "users": users,
    }


_CERTIFICATE_KEYS = ("client-certificate", "client-certificate-data", "client-key", "client-key-data")


def _identity(found: Login, user: Any, cluster: Any, connection: Connection) -> None:
    """Add what the package does not know of: impersonation, and plugins in bounded time."""
    section = user.value.get("user") or {}
    groups = section.get("as-groups") or []
    found.impersonation = impersonation(text_of(section, "as"), tuple(map(str, groups)))
    spec = section.get("exec")
    if spec and not connection.token:
        if not isinstance(spec, dict):
            raise SourceError("the kubeconfig is broken: exec is not a map")
        about = (cluster.value.get("cluster") if cluster is not None else None) or {}
        found.plugin = partial(run_plugin, spec, about, os.path.dirname(os.path.abspath(user.path)))
        found.credential = found.plugin()


def _proxy_password(configuration: Any) -> None:
    """Send the user and password of a proxy address, which the transport leaves out."""
    from urllib.parse import unquote, urlsplit

    from urllib3.util import make_headers

    parts = urlsplit(configuration.proxy or "")
    if parts.username:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        configuration.proxy_headers = make_headers(proxy_basic_auth=credentials)
