"""The pages of calls without script, invitations, and the signalling of a room."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


@pytest.fixture
def browser(shared_program: Program) -> Iterator[httpx.Client]:
    """A browser in which the owner is logged in."""
    with shared_program.client(follow_redirects=True, headers={"accept": "text/html"}) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD})
        yield client


@pytest.fixture
def stranger(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}) as client:
        yield client


def invite(browser: httpx.Client, room: str) -> tuple[int, str]:
    """(id, path) of a new invitation."""
    made = browser.post(f"/api/v1/turn/rooms/{room}/invitations", json={"hours": 1}).json()
    return made["id"], made["path"]


class Guest:
    """Somebody in a room, by WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, kind: str) -> dict[str, Any]:
        """The next message of this kind; others before it are let pass."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=10))
            if message["type"] == kind:
                return message

    def join(self, name: str, secret: str = "") -> dict[str, Any]:
        self.say(type="join", name=name, secret=secret)
        self.welcome = self.hear("welcome")
        return self.welcome


@contextmanager
def guest(program: Program, path: str) -> Iterator[Guest]:
    room, _, key = path.partition("?")
    with connect(f"ws://127.0.0.1:{program.port}{room}/ws?{key}") as socket:
        yield Guest(socket)


def test_the_page_of_calls(browser: httpx.Client) -> None:
    page = browser.get("/calls")
    assert page.status_code == 200
    assert "Start a call" in page.text
    assert "fazt serve --turn-listen" in page.text


def test_a_new_call_gets_a_room_that_nobody_guesses(browser: httpx.Client) -> None:
    rooms = {browser.post("/calls", data={"room": ""}).url.path for _ in range(2)}
    assert all(re.fullmatch(r"/call/[0-9a-z]{10}", room) for room in rooms)
    assert len(rooms) == 2
    assert browser.post("/calls", data={"room": "Tea Time"}).url.path == "/call/tea-time"


def test_strangers_need_an_invitation(browser: httpx.Client, stranger: httpx.Client) -> None:
    assert stranger.get("/calls").headers["location"].startswith("/login")
    assert stranger.get("/call/tea").headers["location"].startswith("/login")
    assert stranger.get("/call/tea?key=wrong").status_code == 403
    number, path = invite(browser, "tea")
    page = stranger.get(path)
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "send-files" not in page.text  # strangers may send nothing, as the settings begin
    assert "send-files" in browser.get("/call/tea").text
    assert stranger.get(path.replace("/tea?", "/coffee?")).status_code == 403
    browser.post("/calls/take-back", data={"id": str(number)})
    assert stranger.get(path).status_code == 403


def test_an_invitation_from_the_page_is_shown_once(browser: httpx.Client, stranger: httpx.Client) -> None:
    page = browser.post("/calls/invite", data={"room": "tea", "hours": "24"})
    link = re.search(r"http://[^<\"]*/call/tea\?key=[0-9a-z]+", page.text)
    assert link is not None
    assert stranger.get(link[0]).status_code == 200
    assert link[0].partition("key=")[2] not in browser.get("/calls").text


@pytest.mark.parametrize("room", ["A", "a%20b", "x" * 65, "a..b"])
def test_rooms_with_impossible_names(browser: httpx.Client, room: str) -> None:
    assert browser.get(f"/call/{room}").status_code == 400


def test_signals_reach_whom_they_are_for(shared_program: Program, browser: httpx.Client) -> None:
    _, path = invite(browser, "signals")
    with guest(shared_program, path) as ana, guest(shared_program, path) as bo, guest(shared_program, path) as cy:
        assert ana.join("Ana")["people"] == []
        assert [person["name"] for person in bo.join("Bo")["people"]] == ["Ana"]
        assert ana.hear("joined")["person"]["name"] == "Bo"
        cy.join("Cy")
        ana.say(type="signal", to=bo.welcome["you"], data={"x": 1})
        assert bo.hear("signal") == {"type": "signal", "from": ana.welcome["you"], "data": {"x": 1}}
        ana.say(type="chat", text="hello")
        assert bo.hear("chat")["text"] == "hello"
        assert cy.hear("chat")["from"] == ana.welcome["you"]
        bo.say(type="state", audio=False, video=True)
        assert cy.hear("state")["state"] == {"audio": False, "video": True, "screen": False}
        bo.say(type="leave")
        assert cy.hear("left")["id"] == bo.welcome["you"]
        assert ana.welcome["ice"] is None  # there is no relay here


def test_a_room_is_full_with_four(shared_program: Program, browser: httpx.Client) -> None:
    _, path = invite(browser, "full")
    with ExitStack() as stack:
        for number in range(4):
            stack.enter_context(guest(shared_program, path)).join(f"Guest {number}")
        late = stack.enter_context(guest(shared_program, path))
        late.say(type="join", name="late")
        assert "4 people" in late.hear("refused")["why"]


def test_a_place_is_kept_for_who_comes_back(shared_program: Program, browser: httpx.Client) -> None:
    _, path = invite(browser, "back")
    with guest(shared_program, path) as ana:
        ana.join("Ana")
        with guest(shared_program, path) as bo:
            first = bo.join("Bo")
        with guest(shared_program, path) as again:
            second = again.join("Bo", first["secret"])
            assert (second["you"], second["back"]) == (first["you"], True)
            assert ana.hear("back")["person"]["id"] == first["you"]
        with guest(shared_program, path) as thief:
            assert thief.join("Eve", "guess")["you"] != first["you"]


def test_who_has_no_invitation_hears_nothing(shared_program: Program) -> None:
    with guest(shared_program, "/call/tea?key=wrong") as eve:
        assert "invitation" in eve.hear("refused")["why"]
        with pytest.raises(ConnectionClosed):
            eve.socket.recv(timeout=10)
    with pytest.raises(InvalidStatus), guest(shared_program, "/call/No!?key=x"):
        pass


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "1", '{"type": "state"}', '{"type": "join", "name": 7}' + " " * 300_000]
)
def test_nonsense_ends_the_connection(shared_program: Program, browser: httpx.Client, text: str) -> None:
    _, path = invite(browser, "nonsense")
    with guest(shared_program, path) as eve:
        eve.socket.send(text)
        with pytest.raises(ConnectionClosed):
            eve.socket.recv(timeout=10)


def test_a_flood_ends_the_connection(shared_program: Program, browser: httpx.Client) -> None:
    _, path = invite(browser, "flood")
    with guest(shared_program, path) as eve:
        eve.join("Eve")
        with pytest.raises(ConnectionClosed):
            talk_until_cut_off(eve)


def talk_until_cut_off(eve: Guest) -> None:
    """Say far too much; the connection may end before all of it is said."""
    for _ in range(100):
        eve.say(type="ice")
    eve.hear("none")
