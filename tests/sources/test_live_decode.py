"""Decoding to the needed fields gives what decoding everything and cutting gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.cluster.errors import ApiError
from preflight.sources.live.decode import object_decoder, page_decoder
from preflight.values.paths import field_tree, keep_fields

KEYS = st.sampled_from(["a", "b", "c.d/e", "metadata", "name", "labels"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
SEGMENTS = st.sampled_from(["a", "b", "[c.d/e]", "metadata", "name", "*"])
PATHS = st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(".".join), max_size=5)


def lists_in_lists(value: object) -> bool:
    """No API has these; there the decoder may keep more than asked for, never less."""
    if isinstance(value, dict):
        return any(map(lists_in_lists, value.values()))
    return isinstance(value, list) and any(isinstance(item, list) or lists_in_lists(item) for item in value)


@given(PATHS, st.dictionaries(KEYS, VALUES, max_size=5))
def test_the_same_fields_are_kept_whatever_their_types(paths, obj):
    tree = field_tree(paths)
    found = object_decoder(tree)(json.dumps(obj).encode(), "/x")
    assert keep_fields(found, tree) == keep_fields(obj, tree)
    if not lists_in_lists(obj):
        assert found == keep_fields(obj, tree)


@given(PATHS, st.lists(VALUES, max_size=5), st.text())
def test_a_page_holds_every_item_even_one_that_is_no_object(paths, items, token):
    tree = field_tree(paths)
    body = json.dumps({"items": items, "metadata": {"continue": token}}).encode()
    page = page_decoder(tree)(body, "/x")
    assert [keep_fields(item, tree) for item in page.items] == [keep_fields(item, tree) for item in items]
    assert page.next == token


def test_a_list_that_was_never_filled_is_empty():
    assert page_decoder({})(b'{"kind": "PodList", "items": null, "metadata": {}}', "/x").items == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html></html>",
        b"[]",
        b"1",
        b"{}",
        b'{"items": {}}',
        b'{"items": "none"}',
        b'{"items": [], "metadata": []}',
        b'{"items": [], "metadata": {"continue": 7}}',
        b'{"items": ["\xff"]}',
        b'{"items": [' + b"[" * 200_000,
        b'{"kind": "Status", "status": "Failure"}',
    ],
)
def test_what_is_no_list_is_unparsable(body):
    with pytest.raises(ApiError) as error:
        page_decoder(field_tree(["a.b"]))(body, "/api/v1/pods")
    assert str(error.value.why).startswith("unparsable: GET /api/v1/pods: ")


def test_equal_texts_of_a_page_are_one_object():
    body = json.dumps({"items": [{"a": {"node": "harv-node-1"}}, {"a": ["harv-node-1"]}]}).encode()
    first, second = page_decoder(field_tree(["a"]))(body, "/x").items
    assert first["a"]["node"] is second["a"][0]
