"""What a set of manifests is made from, and the words that are checked before anything is made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from preflight.errors import UsageError
from preflight.rbac import Permission, Subject
from preflight.values.versions import parse_version

CONFIG_FILE = ".harvester-preflight.yaml"
DEFAULT_CONFIG = """\
# Waivers, attestations, thresholds and defaults: see the README. Checked by `harvester-preflight validate`.
# defaults:
#   to: v1.4.1 # the target; without it the only Version object that is newer than the running version
#   expect-version: true # in the gate of a commit that brings that Version object itself
# What only a node itself shows stays undecided (exit code 4) until somebody has looked:
# attestations:
#   - {check: passive-image-sparse, nodes: ["*"], who: kim, when: "2026-11-01", expires: "2026-12-01"}
"""
RELEASED = "ghcr.io/harvester/harvester-preflight"
"""Where the release workflow pushes the image; its tag is the version with a leading v."""
OPTIONAL_NAMESPACES = ("rancher-vcluster",)
"""Not in every cluster; a Role cannot be made in a namespace that is not there, and would fail a whole sync."""

_HOST = r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::(?P<tag>[A-Za-z0-9_][\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Image:
    """A reference to a container image that says which one: by tag, by digest, or by both."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        """Write it as a container runtime takes it."""
        return f"{self.name}{f':{self.tag}' if self.tag else ''}{f'@{self.digest}' if self.digest else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that a set of manifests follows from."""

    image: str
    to: str = ""
    """The target version; empty lets each run choose the only newer Version object."""
    permissions: Sequence[Permission] = ()
    """What the account may do: reading, and what was opted in to."""
    flags: Sequence[str] = ()
    """Flags of `check` that go with what was opted in to."""
    config: str = DEFAULT_CONFIG
    """The text of the configuration file."""
    subject: Subject = field(default_factory=Subject)
    schedule: str = "17 * * * *"
    publish: bool = False


def image_of(text: str) -> Image:
    """Read an image reference. Raises UsageError for one that is none, and for one without tag and digest.

    Rule: the reference grammar of the distribution project, with lower-case hosts only.
    """
    found = _IMAGE.fullmatch(text)
    if not found:
        raise UsageError(f"--image {text}: not an image; give REGISTRY/NAME@sha256:DIGEST or REGISTRY/NAME:TAG")
    if not found["tag"] and not found["digest"]:
        raise UsageError(
            f"--image {text}: says not which one, and would be another one tomorrow; give {text}@sha256:DIGEST or {text}:TAG"
        )
    return Image(found["name"], found["tag"] or "", found["digest"] or "")


def release_of(text: str) -> str:
    """Return a target version as it was given. Raises UsageError for what cannot be one.

    A Version object may have a name of the administrator's, which only the cluster knows; a word without any digit that
    is no branch of Harvester's (`master-head`) stands for no release: `latest` would be another one tomorrow.
    """
    version = parse_version(text) if re.fullmatch(r"[\w.+-]+", text) else None
    if version is None or (not re.search(r"\d", version.raw) and not version.is_build):
        raise UsageError(f"--to {text}: not a version such as v1.4.1")
    return version.raw


def dashed(version: str) -> str:
    """Write a version so that it can end an object's name, empty for none: v1.4.1 is `-v1-4-1`."""
    word = re.sub(r"[^a-z0-9]+", "-", version.lower()).strip("-")
    return f"-{word}" if word else ""
