"""The pages of mail, where there is no browser needed to see what they say."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

RELAY = "smtp://user:secret@127.0.0.1:9"


@pytest.fixture
def browser(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}, follow_redirects=True) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD}).raise_for_status()
        yield client


def test_without_a_relay_nobody_is_told_that_mail_is_on_its_way(browser: httpx.Client) -> None:
    letter = {"to": "bert@example.net", "subject": "Hello", "text": "x", "sender": "", "answers": "", "forwards": ""}
    assert "No relay is set up" in browser.get("/mail/compose").text
    sent = browser.post("/mail/compose", data=letter)
    assert sent.url.path == "/mail/sending"
    assert "It waits here" in sent.text
    relay = browser.post("/api/v1/mail/relays", json={"url": RELAY}).raise_for_status().json()["id"]
    assert "No relay is set up" not in browser.get("/mail/compose").text
    assert "On its way." in browser.post("/mail/compose", data=letter).text
    browser.delete(f"/api/v1/mail/relays/{relay}").raise_for_status()


def test_the_doctor_shows_commands_as_commands(browser: httpx.Client) -> None:
    said = browser.get("/mail/doctor").text
    assert "Domain</h2>" in said
    assert "`" not in said.partition("<main")[2]
