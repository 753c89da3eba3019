"""The newest revision of each helm release of the system, by whatever tells it.

Rule: helm keeps a Secret for each revision, whose labels say name, revision and status; it writes the status into the
Secret of the revision at work, so the Secret is as old as the operation. Rancher mirrors the newest revision into an App
(catalog.cattle.io) of the release's name: pkg/controllers/dashboard/helm/apps.go, appHandler.OnSecretChange. Apps need
no right to list Secrets and are in support bundles; they lag only while Rancher is away, which is another gate. Where
both were read the higher revision wins, the Secret where both tell the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from preflight.api import (
    Code,
    JsonObject,
    Outcome,
    Unreadable,
    View,
    integer_at,
    labels_of,
    name_of,
    namespace_of,
    text_at,
    time_at,
    unknown,
)

from ._releases import RELEASES

APPS, SECRETS = "apps.catalog.cattle.io", "secrets/helm-releases"
APP_FIELDS = ("spec.version", "spec.info.status", "spec.info.lastDeployed")
Key = tuple[str, str]
"""Namespace and name of a release."""


class Revision(NamedTuple):
    """The newest revision of one release."""

    number: int
    state: str
    since: datetime | None
    told_by: JsonObject


def newest_revisions(view: View, found: dict[Key, Revision]) -> Iterator[Outcome]:
    """Fill in the newest revision of each of RELEASES; yield an unknown for each object that cannot be read."""
    for read, objects in ((_of_secret, view.read(SECRETS)), (_of_app, view.read(APPS))):
        for item in objects:
            try:
                read(item, found)
            except Unreadable as error:
                yield unknown(Code.UNPARSABLE, str(error))


def _of_secret(secret: JsonObject, found: dict[Key, Revision]) -> None:
    labels = labels_of(secret)
    key = namespace_of(secret), text_at(labels, "name")
    if key in RELEASES:
        number, state = integer_at(labels, "version"), text_at(labels, "status")
        _note(found, key, number, state, time_at(secret, "metadata.creationTimestamp"), secret)


def _of_app(app: JsonObject, found: dict[Key, Revision]) -> None:
    key = namespace_of(app), name_of(app)
    if key in RELEASES:
        number, state = integer_at(app, "spec.version"), text_at(app, "spec.info.status")
        _note(found, key, number, state, time_at(app, "spec.info.lastDeployed"), app)


def _note(
    found: dict[Key, Revision], key: Key, number: int | None, state: str, since: datetime | None, told_by: JsonObject
) -> None:
    if number is None or not state:
        raise Unreadable(f"{text_at(told_by, 'kind')} {key[0]}/{name_of(told_by)} does not say revision and status")
    if key not in found or found[key].number < number:
        found[key] = Revision(number, state, since, told_by)
