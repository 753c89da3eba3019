"""A Lease that keeps two repairs from running at once.

All its times are the API server's: this machine's clock may be wrong by hours, and the holder's clock as well.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from preflight.cluster.errors import ApiError
from preflight.cluster.writer import LEASE_NAMESPACE, Writer
from preflight.errors import RemediationError, Unreadable
from preflight.fields import integer_at, text_at, time_at
from preflight.inventory import JsonObject
from preflight.remediation.answers import explain
from preflight.remediation.interrupts import uninterrupted
from preflight.values.times import human_duration

NAME = "harvester-preflight-fix"
API_VERSION = "coordination.k8s.io/v1"
SECONDS = 60


class Lease:
    """The lease while it is held."""

    def __init__(self, writer: Writer, monotonic: Callable[[], float]) -> None:
        self._writer = writer
        self._monotonic = monotonic
        self.holder = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._held: JsonObject | None = None
        self._renewed = 0.0

    def acquire(self) -> None:
        """Take the lease, or one that has expired. Raises RemediationError when somebody else holds it."""
        try:
            found = self._writer.get(API_VERSION, "Lease", LEASE_NAMESPACE, NAME)
            now = self._now()
            if found is None:
                metadata = {"name": NAME, "namespace": LEASE_NAMESPACE}
                fresh = {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata}
                self._held = self._writer.create({**fresh, "spec": self._spec(now, now)})
            else:
                _refuse_if_held(found, now)
                self._held = self._writer.put({**found, "spec": self._spec(now, now)})
        except ApiError as error:
            if error.status == 409:
                raise RemediationError("another fix took the lease at this very moment: let it finish") from None
            raise RemediationError(f"cannot take the lease {LEASE_NAMESPACE}/{NAME}: {explain(error)}") from None
        self._renewed = self._monotonic()

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

    def release(self) -> None:
        """Give the lease back; one that cannot be given back runs out by itself."""
        held, self._held = self._held, None
        if held is not None:
            try:
                self._writer.delete(held)
            except (ApiError, RemediationError):
                return

    def _now(self) -> datetime:
        moment = self._writer.api.date
        if moment is None:
            raise RemediationError("the server tells no time, so nobody can say whether a lease has run out")
        return moment

    def _spec(self, began: datetime, now: datetime) -> JsonObject:
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": SECONDS,
            "acquireTime": _micro(began),
            "renewTime": _micro(now),
        }


@contextmanager
def held(lease: Lease) -> Iterator[Lease]:
    """Hold the lease for the time of a `with`."""
    lease.acquire()
    try:
        yield lease
    finally:
        with uninterrupted():
            lease.release()


def _refuse_if_held(lease: JsonObject, now: datetime) -> None:
    try:
        holder = text_at(lease, "spec.holderIdentity")
        renewed = time_at(lease, "spec.renewTime")
        seconds = integer_at(lease, "spec.leaseDurationSeconds") or SECONDS
    except Unreadable as error:
        raise RemediationError(f"the lease of another fix cannot be read: {error}") from None
    if not holder or renewed is None:
        return
    left = renewed + timedelta(seconds=seconds) - now
    if left > timedelta(0):
        raise RemediationError(
            f"another fix is at work ({holder}, last heard of at {renewed:%H:%M:%S} UTC): let it finish; when it was "
            f"killed, its lease runs out in {human_duration(left)}"
        )


def _micro(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
