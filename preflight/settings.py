"""What one run was asked to do, settled: flag > environment > configuration file > default.

click does the merging (its own order is exactly that one, with the file as `default_map`); this is the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from preflight.config_file import Config
from preflight.model import Via


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `check` and its siblings were told."""

    source: str = "live"
    to_version: str = ""
    from_version: str = ""
    via: Via = Via.UPGRADE
    expect_version: bool = False
    """The target's Version object arrives with what this run is the gate of."""
    now: datetime | None = None
    select: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    fail_on: str = "fail"
    plugins: bool = True
    knowledge: tuple[str, ...] = ()
    """Files and folders of --knowledge."""
    config: Config = field(default_factory=Config)
    ask_server: bool = False
    probe_nodes: bool = False
    probe_image: str = ""
    timeout: float | None = None
    """Seconds for the whole reading; None: no limit of our own."""
