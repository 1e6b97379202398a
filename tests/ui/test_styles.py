"""Styles of apps keep to what is theirs: a class of the house looks the same on every page."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

PACKAGE = Path(str(resources.files("fazt")))
STYLES = sorted(PACKAGE.glob("apps/*/static/*.css"))
ALONE = re.compile(r"(ul|ol|a|button)?\.([\w-]+)")


def list_selectors(text: str) -> set[str]:
    """Each by itself."""
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return {one.strip() for block in re.findall(r"([^{}]+)\{", bare) for one in block.split(",")}


HOUSE = {
    found[2]
    for one in list_selectors((PACKAGE / "ui/static/ui/fazt.css").read_text())
    if (found := re.fullmatch(ALONE, one))
}
"""Classes that the house gives a look of their own, wherever they stand."""


@pytest.mark.parametrize("path", STYLES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_an_app_gives_no_class_of_the_house_another_look(path: Path) -> None:
    assert {"plain", "card", "button"} <= HOUSE
    taken = {one for one in list_selectors(path.read_text()) if re.fullmatch(ALONE, one)}
    assert {one for one in taken if one.rpartition(".")[2] in HOUSE} == set()
