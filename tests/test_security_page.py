"""docs/security.md says which test holds what it promises, and that test is there."""

import re

import pytest

from tests.command import ROOT

NAMED = re.findall(r"\| `([a-z_/]+\.py)` \|$", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)


def test_the_page_names_tests() -> None:
    assert len(NAMED) >= 12


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_the_page_names_is_there(name: str) -> None:
    assert "def test_" in (ROOT / "tests" / name).read_text()
