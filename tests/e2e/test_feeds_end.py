"""Answers that stay open end when what opened them has: a token revoked, a session signed out, a person suspended."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.program import OWNER_PASSWORD, Program

PASSWORD = "four quiet words here"
SOON_S = 10.0
"""Far below every heartbeat, and above what a busy machine takes."""

FEEDS = [
    "/hub/news/sse",
    "/hub/news/json",
    "/home/live",
    "/mail/live",
    "/links/live/stream",
    "/db/posts/_changes?feed=eventsource",
    "/db/posts/_changes?feed=longpoll&since=now&timeout=30000",
    "/pad/plan/events",
]
RULES = "/api/v1/pubsub/rules"
SOCKETS = [("/hub/news/ws", 1008), ("/pad/plan/ws", 4403)]


@pytest.fixture(scope="module")
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.owner() as client:
        client.put("/db/posts/one", json={"a": 1}).raise_for_status()
        rules = {"read": "members", "create": "members", "update": "members", "delete": "members"}
        client.put("/api/v1/textdb/collections/posts", json={"rules": rules}).raise_for_status()
        for topic in ("news", "secret"):
            client.put(RULES, json={"pattern": topic, "who": "members", "may": "rw"}).raise_for_status()
        yield client


class Person:
    """A member with a token and a session, and what ends them."""

    def __init__(self, program: Program, owner: httpx.Client, name: str) -> None:
        made = owner.post("/api/v1/users", json={"email": f"{name}@example.org", "password": PASSWORD, "handle": name})
        made.raise_for_status()
        self.program, self.name, self.owner = program, name, owner
        issued = self.ask("POST", "/api/v1/tokens", {"name": "one", "scopes": None}).raise_for_status()
        self.token_id, self.token = issued.json()["id"], issued.json()["secret"]

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        with self.program.client(auth=(self.name, PASSWORD)) as client:
            return client.request(method, path, json=body)

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def revoke(self) -> None:
        self.ask("DELETE", f"/api/v1/tokens/{self.token_id}").raise_for_status()

    def suspend(self) -> None:
        self.owner.post(f"/api/v1/users/{self.name}/suspend").raise_for_status()

    def change_password(self) -> None:
        change = {"current": PASSWORD, "new": OWNER_PASSWORD}
        self.ask("PUT", "/api/v1/me/password", change).raise_for_status()


def open_feed(program: Program, path: str, headers: dict[str, str]) -> socket.socket:
    """A request whose answer stays open; its connection ends with it."""
    opened = socket.create_connection(("127.0.0.1", program.port), 10)
    head = {"host": "localhost", "connection": "close", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    opened.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    return opened


def is_open(feed: socket.socket) -> bool:
    """Whether a feed has begun, or waits, and goes on."""
    feed.settimeout(0.1)
    with suppress(TimeoutError):
        while True:
            if not feed.recv(65_536):
                return False
    return True


def read_to_end(feed: socket.socket, until: float) -> bytes:
    """What is still said; fails where the end does not come by then."""
    said = b""
    while True:
        feed.settimeout(max(0.01, until - time.monotonic()))
        piece = feed.recv(65_536)
        if not piece:
            return said
        said += piece


def has_ended(feed: socket.socket, until: float) -> bool:
    """Whether the end comes by then."""
    try:
        read_to_end(feed, until)
    except TimeoutError:
        return False
    return True


def code_at_end(opened: ClientConnection, until: float) -> int:
    """The code with which the server ends a WebSocket."""
    with suppress(ConnectionClosed):
        while True:
            opened.recv(timeout=max(0.01, until - time.monotonic()))
    return opened.close_code or 0


@pytest.mark.parametrize("way", ["revoke", "suspend"])
def test_feeds_end_soon_after_what_opened_them(shared_program: Program, owner: httpx.Client, way: str) -> None:
    person, other = (Person(shared_program, owner, f"{who}-{way}") for who in ("ann", "bob"))
    owner.put("/pad/plan", content="plan")
    owner.patch("/api/v1/pads/plan", json={"members": "write"}).raise_for_status()
    with ExitStack() as stack:
        feeds = {path: stack.enter_context(open_feed(shared_program, path, person.bearer)) for path in FEEDS}
        others = {path: stack.enter_context(open_feed(shared_program, path, other.bearer)) for path in FEEDS}
        sockets = [
            stack.enter_context(
                connect(f"ws://127.0.0.1:{shared_program.port}{path}", additional_headers=person.bearer)
            )
            for path, _ in SOCKETS
        ]
        assert [path for path, feed in feeds.items() if not is_open(feed)] == []
        getattr(person, way)()
        until = time.monotonic() + SOON_S
        assert [path for path, feed in feeds.items() if not has_ended(feed, until)] == []
        assert [code_at_end(opened, until) for opened in sockets] == [code for _, code in SOCKETS]
        assert [path for path, feed in others.items() if not is_open(feed)] == []


def test_a_long_poll_is_told_that_its_token_has_ended(shared_program: Program, owner: httpx.Client) -> None:
    person = Person(shared_program, owner, "cleo")
    path = "/db/posts/_changes?feed=longpoll&since=now&timeout=30000"
    with open_feed(shared_program, path, person.bearer) as feed:
        assert is_open(feed)
        person.revoke()
        assert read_to_end(feed, time.monotonic() + SOON_S).startswith(b"HTTP/1.1 401 ")


def test_a_session_that_is_signed_out_and_a_password_that_is_changed_end_feeds(
    shared_program: Program, owner: httpx.Client
) -> None:
    person = Person(shared_program, owner, "dora")
    with ExitStack() as stack:
        browser = stack.enter_context(shared_program.client())
        browser.post("/login", data={"login": "dora", "password": PASSWORD})
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
        basic = {"authorization": str(httpx.BasicAuth("dora", PASSWORD)._auth_header)}
        by_session = stack.enter_context(open_feed(shared_program, "/home/live", cookie))
        by_password = stack.enter_context(open_feed(shared_program, "/hub/news/sse", basic))
        by_token = stack.enter_context(open_feed(shared_program, "/hub/news/sse", person.bearer))
        assert is_open(by_session)
        assert is_open(by_password)
        assert browser.post("/logout").status_code == 303
        read_to_end(by_session, time.monotonic() + SOON_S)
        person.change_password()
        read_to_end(by_password, time.monotonic() + SOON_S)
        assert is_open(by_token)


def test_who_may_hear_no_longer_is_shown_out(shared_program: Program, owner: httpx.Client) -> None:
    person = Person(shared_program, owner, "eva")
    topic, posts = "/hub/secret/sse", "/db/posts/_changes?feed=eventsource"
    with ExitStack() as stack:
        hub = stack.enter_context(open_feed(shared_program, topic, person.bearer))
        db = stack.enter_context(open_feed(shared_program, posts, person.bearer))
        assert is_open(hub)
        assert is_open(db)
        owner.put(RULES, json={"pattern": "secret", "who": "members", "may": "none"}).raise_for_status()
        assert person.ask("GET", "/hub/secret/presence").status_code == 403
        assert b"closed" in read_to_end(hub, time.monotonic() + SOON_S)
        owner.put("/api/v1/textdb/collections/posts", json={"rules": {"read": "owner"}}).raise_for_status()
        read_to_end(db, time.monotonic() + SOON_S)


def test_a_link_to_a_topic_ends_with_who_made_it(shared_program: Program, owner: httpx.Client) -> None:
    person = Person(shared_program, owner, "finn")
    made = person.ask("POST", "/api/v1/pubsub/shares", {"topic": "finn/a"}).raise_for_status()
    token = made.json()["token"]
    with open_feed(shared_program, f"/hub/finn/a/sse?share={token}", {}) as feed:
        assert is_open(feed)
        person.suspend()
        read_to_end(feed, time.monotonic() + SOON_S)
