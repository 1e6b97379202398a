"""Who asks after a change was answered is never served what was before it, however many ask at that moment."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.apps.sites.archives import make_tar
from tests.program import Program

PASSWORD = "four quiet words here"
CONNECTIONS = 8
Change = Callable[[], httpx.Response]


class Crowd:
    """Connections that ask for the same over and over; `late` are the answers to what was asked after `changed_at`."""

    def __init__(self, program: Program, path: str, headers: dict[str, str]) -> None:
        self.program, self.path, self.headers = program, path, headers
        self.is_over = threading.Event()
        self.counts = [0] * CONNECTIONS
        self.asked: list[tuple[float, int]] = []
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CONNECTIONS)]

    def _ask(self, number: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.program.port, timeout=30)
        while not self.is_over.is_set():
            began = time.monotonic()
            line.request("GET", self.path, headers=self.headers)
            answer = line.getresponse()
            answer.read()
            self.asked.append((began, answer.status))
            self.counts[number] += 1
        line.close()

    def change(self, change: Change) -> tuple[set[int], set[int]]:
        """What is answered to who asks before it is answered that the change was made, and after that."""
        for thread in self.threads:
            thread.start()
        self._wait()
        change().raise_for_status()
        changed_at = time.monotonic()
        self._wait()
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        before = {status for began, status in self.asked if began < changed_at}
        return before, {status for began, status in self.asked if began >= changed_at}

    def _wait(self) -> None:
        """Until each has been answered some more."""
        wanted = [count + 20 for count in self.counts]
        while any(count < most for count, most in zip(self.counts, wanted, strict=True)):
            assert all(thread.is_alive() for thread in self.threads)
            time.sleep(0.001)


@pytest.fixture(scope="module")
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.owner() as client:
        yield client


def member_with_token(program: Program, owner: httpx.Client, name: str) -> tuple[str, dict[str, str]]:
    """The id of a token, and the header of who has it."""
    made = {"email": f"{name}@example.org", "password": PASSWORD, "handle": name}
    owner.post("/api/v1/users", json=made).raise_for_status()
    with program.client(auth=(name, PASSWORD)) as client:
        issued = client.post("/api/v1/tokens", json={"name": "one", "scopes": None}).raise_for_status().json()
    return issued["id"], {"authorization": f"Bearer {issued['secret']}"}


@pytest.mark.parametrize("way", ["revoked", "suspended", "password"])
def test_people(shared_program: Program, owner: httpx.Client, way: str) -> None:
    token_id, bearer = member_with_token(shared_program, owner, f"bob-{way}")
    owner.put("/db/shared/one", json={"a": 1})
    rules = {"read": "members"}
    owner.put("/api/v1/textdb/collections/shared", json={"rules": rules}).raise_for_status()
    with shared_program.client(auth=(f"bob-{way}", PASSWORD)) as bob:
        changes: dict[str, Change] = {
            "revoked": lambda: bob.delete(f"/api/v1/tokens/{token_id}"),
            "suspended": lambda: owner.post(f"/api/v1/users/bob-{way}/suspend"),
            "password": lambda: bob.put("/api/v1/me/password", json={"current": PASSWORD, "new": PASSWORD + "!"}),
        }
        if way == "password":
            bearer = {"authorization": str(httpx.BasicAuth(f"bob-{way}", PASSWORD)._auth_header)}
        path = "/api/v1/me" if way == "password" else "/db/shared/one"
        before, after = Crowd(shared_program, path, bearer).change(changes[way])
    assert (200 in before, after) == (True, {401})


@pytest.mark.parametrize("path", ["/db/open/one", "/db/open", "/db/open?a=1&_sort=-a"])
@pytest.mark.parametrize("way", ["rules", "dropped"])
def test_collections(shared_program: Program, owner: httpx.Client, path: str, way: str) -> None:
    owner.put("/db/open/one", json={"a": 1})
    address = "/api/v1/textdb/collections/open"
    owner.put(address, json={"rules": {"read": "public"}, "indexes": ["a"]}).raise_for_status()
    crowd = Crowd(shared_program, path, {})
    change = (
        (lambda: owner.put(address, json={"rules": {"read": "owner"}}))
        if way == "rules"
        else (lambda: owner.delete(address))
    )
    before, after = crowd.change(change)
    assert (200 in before, after) == (True, {401})
    assert before <= {200, 401, 404}


@pytest.mark.parametrize("way", ["password", "deleted"])
def test_sites(shared_program: Program, owner: httpx.Client, way: str) -> None:
    owner.put(f"/api/v1/sites/{way}", content=make_tar({"index.html": b"hello"})).raise_for_status()
    crowd = Crowd(shared_program, "/", {"host": f"{way}.localhost"})
    change = (
        (lambda: owner.put("/api/v1/sites/password/password", json={"password": "hush hush hush"}))
        if way == "password"
        else (lambda: owner.delete("/api/v1/sites/deleted"))
    )
    before, after = crowd.change(change)
    assert (200 in before, 200 in after) == (True, False)


def test_links(shared_program: Program, owner: httpx.Client) -> None:
    made = owner.post("/api/v1/links", json={"slug": "gone", "target": "https://example.org/"}).raise_for_status()
    crowd = Crowd(shared_program, "/r/gone", {})
    before, after = crowd.change(lambda: owner.delete(f"/api/v1/links/{made.json()['id']}"))
    assert before & {301, 302, 307}
    assert after <= {404, 429}  # who asks so often for what is not there guesses
