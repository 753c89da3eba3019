"""Every case of every check comes to the same through the encoding of a support bundle."""

import json
from dataclasses import replace

import pytest

from preflight.inventory import sorted_objects
from preflight.sources.bundle.encoding import restore
from preflight.sources.text.yaml_reading import load_documents
from tests.bundles import encode
from tests.cases import all_cases, inventory_for
from tests.sources.test_scrub_cases import CHECKS, judge, shown

# A case that has the text "null" where a list belongs is about a broken object; in a bundle it is how a null is written.
CASES = [case for case in all_cases() if '"null"' not in json.dumps(case.content, default=str)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check_id}/{case.path.stem}")
def test_the_encoding_of_a_bundle_changes_no_result(case):
    direct = inventory_for(CHECKS[case.check_id], case.content)
    entries = {}
    for name, entry in direct.entries.items():
        if "/" in name:  # no list of the API: what a node or an endpoint was asked is written in another way
            entries[name] = entry
            continue
        (document,) = load_documents(encode(list(entry.objects)).encode())
        entries[name] = replace(entry, objects=sorted_objects(restore(obj) for obj in document["items"]))
    assert shown(judge(case, replace(direct, entries=entries))) == shown(judge(case, direct))
