"""Links lead into the documentation of the version one upgrades to, where that has the page."""

from __future__ import annotations

import json

import pytest

from preflight.registry import find_plugins, load_checks
from preflight.values.docs_links import IN_EACH, docs_of
from preflight.values.versions import parse_version
from tests.command import preflight

SITE = "https://docs.harvesterhci.io"


@pytest.mark.parametrize(
    ("page", "version", "found"),
    [
        ("v1.8/upgrade/troubleshooting", "v1.5.0", "v1.5/upgrade/troubleshooting"),
        ("v1.8/upgrade/index", "v1.9.0-rc2", "v1.9/upgrade/index"),
        ("v1.8/advanced/index#ntp-servers", "v1.4.3", "v1.4/advanced/index#ntp-servers"),
        ("v1.8/upgrade/v1-4-0-to-v1-4-1", "v1.4.1", "v1.4/upgrade/v1-4-0-to-v1-4-1"),
        ("v1.8/upgrade/v1-6-x-to-v1-7-x", "v1.7.2", "v1.7/upgrade/v1-6-x-to-v1-7-x"),
        ("v1.8/upgrade/v1-6-x-to-v1-7-x", "v1.6.1", "v1.8/upgrade/v1-6-x-to-v1-7-x"),
        ("v1.9/upgrade/v1-9-x-to-v1-10-x", "v1.9.1", "v1.9/upgrade/v1-9-x-to-v1-10-x"),
        ("v1.4/advanced/witness", "v1.6.0", "v1.4/advanced/witness"),
        ("v1.8/upgrade/index", "v1.3.2", "v1.8/upgrade/index"),
        ("v1.8/upgrade/index", "v1.12.0", "v1.8/upgrade/index"),
        ("v1.8/upgrade/index", "master-head", "v1.8/upgrade/index"),
    ],
)
def test_the_page_is_that_of_the_version_where_it_has_it(page: str, version: str, found: str) -> None:
    assert docs_of(f"{SITE}/{page}", parse_version(version)) == f"{SITE}/{found}"


def test_other_links_stay_as_they_are() -> None:
    for link in ("", "https://longhorn.io/docs/1.7.0/", "https://docs.harvesterhci.io/", f"{SITE}/dev/upgrade/index"):
        assert docs_of(link, parse_version("v1.5.0")) == link
    assert docs_of(f"{SITE}/v1.8/upgrade/index", None) == f"{SITE}/v1.8/upgrade/index"


def test_most_checks_point_to_a_page_that_each_version_has() -> None:
    links = [check.docs for check in load_checks(find_plugins()) if check.docs.startswith(SITE)]
    moved = [link for link in links if docs_of(link, parse_version("v1.9.0")) != link or "/v1.9/" in link]
    assert len(moved) > 0.9 * len(links)
    assert all(f"{SITE}/v1.9/{page}" == docs_of(f"{SITE}/v1.8/{page}", parse_version("v1.9.0")) for page in IN_EACH)


def test_an_explanation_links_to_the_target_that_was_named() -> None:
    assert f"{SITE}/v1.5/" in preflight("explain", "addon-stuck", "--to", "v1.5.0").stdout
    assert f"{SITE}/v1.5/" not in preflight("explain", "addon-stuck").stdout


def test_a_report_links_to_the_target_of_the_upgrade() -> None:
    report = json.loads(preflight("check", "--source", "demo", "--select", "addon-stuck", "-o", "json").stdout)
    (docs,) = [check["docs"] for check in report["checks"] if check["id"] == "addon-stuck"]
    assert report["upgrade"]["to"] == "v1.4.1"
    assert docs.startswith(f"{SITE}/v1.4/")
