"""What the server's refusals mean: its own words first, exactly as it sent them, then ours."""

from __future__ import annotations

from preflight.cluster.errors import ApiError

_MEANINGS = (
    (
        "existing operation is in progress",
        "the Addon's condition InProgress is True, and the webhook refuses every edit, even of a label, until the "
        "operation ends; only its Job or its status can be repaired",
    ),
    (
        "addon cannot be deleted",
        "servers from 1.7.0 on protect this Addon; it can be disabled, not deleted and made again",
    ),
    ("metadata.uid", "it was deleted and created again meanwhile; run fix again for a new plan"),
    ("chart field cannot be changed", "an Addon keeps its chart for life"),
    ("already exists, cannot create", "another Addon with the same chart exists: only one of them can"),
    (
        "failed calling webhook",
        "the webhook itself did not answer, so nothing was decided about the object: "
        "kubectl -n harvester-system get pods -l app.kubernetes.io/component=webhook-server",
    ),
)
_BY_STATUS = {
    401: "the credentials are not accepted (any more): log in again",
    403: "this user may not do that: an administrator may, or whoever is given that right",
    404: "it is gone: somebody else removed it meanwhile; run the check again",
    409: "somebody else changed it after the plan was made, so it was left alone; run fix again for a new plan",
    422: "the server finds the object itself invalid",
    429: "the server is too busy: try again later",
}


def is_denial(error: ApiError) -> bool:
    """Say whether an admission webhook refused the request."""
    return "admission webhook" in error.server_message and "denied the request" in error.server_message


def meaning(error: ApiError) -> str:
    """Say what a refusal means and what to do."""
    for words, text in _MEANINGS:
        if words in error.server_message:
            return text
    if is_denial(error):
        return "a webhook of the cluster refuses this; its words say what it wants first"
    if error.status in _BY_STATUS:
        return _BY_STATUS[error.status]
    if not error.status:
        return "the server cannot be reached (any more)"
    return "the server failed: look at its logs"


def explain(error: ApiError) -> str:
    """Give the server's words and what they mean, in one line."""
    said = f'the server said: "{error.server_message}"' if error.server_message else error.message
    if error.status:
        said = f"{error.status} {error.reason}".rstrip() + f"; {said}"
    return f"{said}. That means: {meaning(error)}"


def unreachable(error: ApiError) -> bool:
    """Say whether there was no answer at all."""
    return error.status == 0
