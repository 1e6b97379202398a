"""Odd values at home's addresses are refused; none of them is an error of ours, and none changes anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

HUGE = 10**40


@pytest.fixture(scope="module")
def browser(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD})
        client.post("/db/odd", json={"id": "1"}).raise_for_status()
        yield client


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/api/v1/events?after_id={HUGE}", 400),
        (f"/api/v1/events?before_id=-{HUGE}", 400),
        (f"/activity?before={HUGE}", 400),
        (f"/activity/rows?after={HUGE}", 400),
        ("/activity?person=" + "%25" * 5_000, 200),
        ("/analytics/export?kind=", 404),
        (f"/shares/of?app=drive&target={HUGE}", 400),
        (f"/api/v1/shares?app=drive&target={HUGE}", 400),
        ("/shares/of?app=textdb&target=%00/%00", 404),
        ("/shares/open/%ff", 404),
        (f"/search?app=mail&q=a&offset={HUGE}", 200),
        ('/search?part=box&q="*(%00', 200),
        ("/settings?was=null", 200),
    ],
)
def test_an_odd_address_is_refused(browser: httpx.Client, address: str, status: int) -> None:
    assert browser.get(address).status_code == status


@pytest.mark.parametrize("odd", [{"expires_at": HUGE}, {"expires_at": 1}, {"days": 1e300}, {"days": 1e-12}])
def test_a_link_with_an_odd_end_is_not_made(browser: httpx.Client, odd: dict[str, Any]) -> None:
    made = browser.post("/api/v1/shares", json={"app": "textdb", "target": "odd/1", **odd})
    assert made.status_code == 400
    assert browser.get("/api/v1/shares", params={"app": "textdb", "target": "odd/1"}).json() == []


def test_only_what_was_saved_here_is_undone(browser: httpx.Client) -> None:
    name = "events.keep_days"

    def kept() -> Any:
        return browser.get(f"/api/v1/settings/{name}").json()["value"]

    forged = json.dumps({name: "1"})
    assert "Undo" not in browser.get(f"/settings?was={quote(forged)}").text
    browser.post("/settings/undo", data={"was": forged})
    assert kept() == 30
    saved = browser.post("/settings/group/events", data={name: "40"})
    assert kept() == 40
    shown = browser.get(saved.headers["location"]).text
    (was,) = re.findall(r'name="was" value="([^"]+)"', shown)
    browser.post("/settings/undo", data={"was": was})
    assert kept() == 30
