"""A Lease that keeps two repairs from running at once, and stays behind as a sign where one died in the middle.

All its times are the API server's: this machine's clock may be wrong by hours, and the holder's clock as well.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import LEASE_NAMESPACE, Writer
from preflight.errors import RemediationError, Unreadable
from preflight.fields import annotations_of, integer_at, text_at, time_at
from preflight.inventory import Inventory, JsonObject
from preflight.remediation.answers import explain
from preflight.values.times import human_duration

NAME = "harvester-preflight-fix"
API_VERSION = "coordination.k8s.io/v1"
REPAIR_LEASE = "leases.coordination.k8s.io/repair"
SECONDS = 60
RUN = "preflight.harvesterhci.io/run"
JOURNAL = "preflight.harvesterhci.io/journal"
HOST = "preflight.harvesterhci.io/host"
UNFINISHED = "preflight.harvesterhci.io/unfinished"


@dataclass(frozen=True, slots=True)
class Mark:
    """Which run holds the lease: what somebody needs who finds it after that run has died."""

    run: str
    """The id in its journal."""
    journal: str
    """Where that journal is."""
    host: str
    """On which machine."""

    @property
    def annotations(self) -> dict[str, str]:
        """Write it as annotations of the Lease."""
        return {RUN: self.run, JOURNAL: self.journal, HOST: self.host}


class Lease:
    """The lease while it is held."""

    def __init__(self, writer: Writer, monotonic: Callable[[], float], mark: Mark, adopts: str = "") -> None:
        self._writer = writer
        self._monotonic = monotonic
        self._mark = mark
        self._adopts = adopts
        """The id of the interrupted run that this one settles; only its lease may be taken over."""
        self.holder = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._held: JsonObject | None = None
        self._renewed = 0.0
        self.adopted = False
        """Whether it was taken over from a run that had died."""

    def acquire(self) -> None:
        """Take the lease, also that of the run which is to be settled. Raises RemediationError when it may not."""
        try:
            found = self._writer.get(API_VERSION, "Lease", LEASE_NAMESPACE, NAME)
            now = self._now()
            if found is None:
                metadata = {"name": NAME, "namespace": LEASE_NAMESPACE, "annotations": self._mark.annotations}
                fresh = {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata}
                self._held = self._writer.create({**fresh, "spec": self._spec(now, now)})
            else:
                self._refuse_unless_free(found, now)
                marked = self._annotated(found)
                self._held = self._writer.put({**marked, "spec": self._spec(now, now)})
        except ApiError as error:
            if error.status == 409:
                raise RemediationError("another fix took the lease at this very moment: let it finish") from None
            raise RemediationError(f"cannot take the lease {LEASE_NAMESPACE}/{NAME}: {explain(error)}") from None
        self._renewed = self._monotonic()

    def _refuse_unless_free(self, found: JsonObject, now: datetime) -> None:
        trace = trace_of(found, now)
        if trace is None:
            return
        if trace.left > timedelta(0) or not self._adopts or trace.mark.run != self._adopts:
            raise RemediationError(trace.words)
        self.adopted = True

    def _annotated(self, found: JsonObject, **more: str) -> JsonObject:
        metadata = found["metadata"]
        kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != UNFINISHED}
        return {**found, "metadata": {**metadata, "annotations": {**kept, **self._mark.annotations, **more}}}

    def renew(self) -> None:
        """Keep the lease alive, where a third of its time is over. Raises RemediationError when it was taken away."""
        if self._held is None or self._monotonic() - self._renewed < SECONDS / 3:
            return
        try:
            began = time_at(self._held, "spec.acquireTime") or self._now()
            self._held = self._writer.put({**self._held, "spec": self._spec(began, self._now())})
        except ApiError as error:
            if error.status in (404, 409):
                raise RemediationError("another fix has taken over the lease; stopped, so it goes on alone") from None
            return  # not reached for now: it lasts longer than two missed renewals
        self._renewed = self._monotonic()

    def release(self, *, unfinished: bool = False) -> None:
        """Give the lease back; one that cannot be given back runs out by itself, and is then found.

        With `unfinished` it stays without a holder, as the sign that something is half done.
        """
        held, self._held = self._held, None
        if held is None:
            return
        try:
            if unfinished:
                marked = self._annotated(held, **{UNFINISHED: "true"})
                self._writer.put({**marked, "spec": {**held["spec"], "holderIdentity": ""}})
            else:
                self._writer.delete(held)
        except (ApiError, RemediationError):
            return

    def _now(self) -> datetime:
        return _date(self._writer)

    def _spec(self, began: datetime, now: datetime) -> JsonObject:
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": SECONDS,
            "acquireTime": _micro(began),
            "renewTime": _micro(now),
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """What a Lease says of another run."""

    holder: str
    """Empty for one that ended by itself and left something half done."""
    left: timedelta
    """How long it still holds; not positive: that run has died, or is done."""
    renewed: datetime | None
    mark: Mark

    @property
    def words(self) -> str:
        """Say what is so and what to do."""
        if self.left > timedelta(0):
            return (
                f"another fix is at work ({self.holder}, last heard of at {self.renewed:%H:%M:%S} UTC): let it finish; "
                f"when it was killed, its lease runs out in {human_duration(self.left)}"
            )
        return f"an earlier fix was cut off and may have left something half done: {self.cure}"

    @property
    def cure(self) -> str:
        """Say how to settle what a dead run left."""
        if not self.mark.journal:
            return (
                "nothing says where its journal is. Look at the Addons yourself, then remove its mark: "
                f"kubectl -n {LEASE_NAMESPACE} delete leases.coordination.k8s.io {NAME}"
            )
        return (
            f"its journal is {self.mark.journal} on {self.mark.host}. Finish it with `harvester-preflight fix --resume "
            f"{self.mark.journal} --apply`, or put it back with `harvester-preflight rollback {self.mark.journal} --apply`"
        )


def trace_of(lease: JsonObject, now: datetime) -> Trace | None:
    """Read what a Lease says of another run; None for one that nobody holds. Raises RemediationError."""
    try:
        holder = text_at(lease, "spec.holderIdentity")
        renewed = time_at(lease, "spec.renewTime")
        seconds = integer_at(lease, "spec.leaseDurationSeconds") or SECONDS
        notes = annotations_of(lease)
        mark = Mark(*(text_at(notes, f"[{key}]") for key in (RUN, JOURNAL, HOST)))
        unfinished = text_at(notes, f"[{UNFINISHED}]") == "true"
    except Unreadable as error:
        raise RemediationError(f"the lease of another fix cannot be read: {error}") from None
    if not holder:
        return Trace("", timedelta(0), renewed, mark) if unfinished else None
    left = renewed + timedelta(seconds=seconds) - now if renewed else timedelta(0)
    return Trace(holder, left, renewed, mark)


def trace_in(inventory: Inventory) -> Trace | None:
    """Return what the objects that were read say of another run; None for nothing. Raises RemediationError."""
    found = inventory.get(REPAIR_LEASE).objects
    return trace_of(found[0], inventory.source.collected_at) if found else None


def remove_mark(writer: Writer, run: str) -> None:
    """Remove what a dead run left behind once it has been settled. Raises RemediationError when it cannot be."""
    try:
        found = writer.get(API_VERSION, "Lease", LEASE_NAMESPACE, NAME)
        trace = trace_of(found, _date(writer)) if found else None
        if found is not None and trace is not None and trace.mark.run == run and trace.left <= timedelta(0):
            writer.delete(found)
    except ApiError as error:
        raise RemediationError(f"cannot remove the lease {LEASE_NAMESPACE}/{NAME}: {explain(error)}") from None


def _date(writer: Writer) -> datetime:
    moment = writer.api.date
    if moment is None:
        raise RemediationError("the server tells no time, so nobody can say whether a lease has run out")
    return moment


def _micro(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
