"""What one command was asked to do, as one frozen value: the only place that reads click's parameters by name.

click has merged them by then: flag > environment > configuration file > default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from preflight.cluster.connection import Connection
from preflight.config_file import Config
from preflight.errors import UsageError
from preflight.model import Via
from preflight.render import RENDERERS
from preflight.settings import Settings
from preflight.values.names import split_names

DEFAULT_TIMEOUT = 600.0
"""Seconds to wait for the goal of one step of a repair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How and where to say the answer."""

    format: str = "table"
    reports: tuple[tuple[str, Path], ...] = ()
    """Further formats, each with the file it goes to."""
    color: str = "auto"
    verbose: int = 0
    quiet: bool = False
    show: tuple[str, ...] = ()
    """CHECK or CHECK:OBJECT to write out in the table."""
    publish: bool = False
    watch: float | None = None
    """Seconds between two looks; None: one look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What may be repaired, and how."""

    apply: bool = False
    yes: bool = False
    force: bool = False
    only: tuple[str, ...] = ()
    strategy: str = ""
    backup_dir: Path | None = None
    timeout: float = DEFAULT_TIMEOUT
    """Seconds to wait for one goal."""
    remediate: tuple[str, ...] = ()
    """`check --remediate`: the checks whose findings to repair unasked, or the word for all."""
    wait: float | None = None
    """`check --wait`: seconds to wait for transient findings to pass."""
    during_upgrade: bool = False
    """Repair what a running Upgrade waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything a command was told."""

    settings: Settings = field(default_factory=Settings)
    connection: Connection = field(default_factory=Connection)
    output: Output = field(default_factory=Output)
    repair: Repair = field(default_factory=Repair)
    all_contexts: str | None = None
    """A regular expression, empty for every context; None: only those of --context."""
    baseline: str = ""


def request_from(params: Mapping[str, Any]) -> Request:
    """Make the request of a command from its parsed parameters; what a command has no flag for has its default.

    Raises UsageError for a --report that names no format or no path, or one path twice.
    """
    return Request(
        settings=_settings(params),
        connection=_connection(params),
        output=_output(params),
        repair=_repair(params),
        all_contexts=params.get("all_contexts"),
        baseline=params.get("baseline") or "",
    )


def _settings(params: Mapping[str, Any]) -> Settings:
    now: datetime | None = params.get("now")
    return Settings(
        source=params.get("source") or "live",
        to_version=params.get("to_version") or "",
        from_version=params.get("from_version") or "",
        via=Via(params.get("via") or Via.UPGRADE),
        expect_version=bool(params.get("expect_version")),
        now=now,
        select=split_names(params.get("select") or ()),
        skip=split_names(params.get("skip") or ()),
        require=split_names(params.get("require") or ()),
        fail_on=params.get("fail_on") or "fail",
        plugins=not params.get("no_plugins"),
        knowledge=tuple(params.get("knowledge") or ()),
        config=params.get("config") or Config(),
        ask_server=bool(params.get("ask_server")),
        probe_nodes=bool(params.get("probe_nodes")),
        probe_image=params.get("probe_image") or "",
        timeout=params.get("timeout"),
    )


def _connection(params: Mapping[str, Any]) -> Connection:
    return Connection(
        kubeconfig=params.get("kubeconfig") or "",
        context=params.get("context") or "",
        cluster=params.get("cluster") or "",
        user=params.get("user") or "",
        as_=params.get("as_") or "",
        as_groups=tuple(params.get("as_groups") or ()),
        server=params.get("server") or "",
        token=params.get("token") or "",
        certificate_authority=params.get("certificate_authority") or "",
        insecure_skip_tls_verify=bool(params.get("insecure_skip_tls_verify")),
        request_timeout=params.get("request_timeout"),
    )


def _output(params: Mapping[str, Any]) -> Output:
    return Output(
        format=params.get("output") or "table",
        reports=parse_reports(params.get("reports") or ()),
        color=params.get("color") or "auto",
        verbose=params.get("verbose") or 0,
        quiet=bool(params.get("quiet")),
        show=split_names(params.get("show") or ()),
        publish=bool(params.get("publish")),
        watch=params.get("watch"),
    )


def _repair(params: Mapping[str, Any]) -> Repair:
    timeout = params.get("timeout")
    return Repair(
        apply=bool(params.get("apply")),
        yes=bool(params.get("yes")),
        force=bool(params.get("force")),
        only=split_names(params.get("only") or ()),
        strategy=params.get("strategy") or "",
        backup_dir=params.get("backup_dir"),
        timeout=DEFAULT_TIMEOUT if timeout is None else float(timeout),
        remediate=split_names(params.get("remediate") or ()),
        wait=params.get("wait"),
        during_upgrade=bool(params.get("during_upgrade")),
    )


def parse_reports(values: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Split the values of --report. Raises UsageError for an unknown format, no path, or one path twice."""
    wanted: list[tuple[str, Path]] = []
    for value in values:
        name, sign, path = value.partition("=")
        if not sign or not path or name not in RENDERERS:
            raise UsageError(f"--report {value}: give FORMAT=PATH; formats: {', '.join(RENDERERS)}")
        if any(path == str(other) for _, other in wanted):
            raise UsageError(f"--report {value}: {path} is given twice")
        wanted.append((name, Path(path)))
    return tuple(wanted)
