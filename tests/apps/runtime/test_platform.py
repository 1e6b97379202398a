"""The web platform: every entry of the WinterTC minimum common API does what it should, and the guide lists them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.apps.runtime.conftest import Cloud

HERE = Path(__file__).parent
GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "runtime.md"


def test_the_minimum_common_api(cloud: Cloud) -> None:
    cloud.deploy("winter", {"main.js": (HERE / "winter.js").read_text()})
    found = cloud.ask("winter").json()
    assert {name: said for name, said in found.items() if said != "yes"} == {}
    listed = re.findall(r"^\| `([^`]+)` \|", GUIDE.read_text().partition("## The web platform")[2], re.MULTILINE)
    assert listed == list(found)
