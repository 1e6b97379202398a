"""Pages of drops without script, request links, visits, who downloads now, and broken downloads of limited drops."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

LARGE = bytes(range(256)) * 40_000
PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}


@pytest.fixture(scope="module")
def browser(program: Program) -> Iterator[httpx.Client]:
    """A browser without script in which the owner is logged in."""
    with program.client(follow_redirects=True, headers=PAGE) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD})
        yield client


def put(owner: httpx.Client, data: bytes = b"text", name: str = "a.txt", **headers: str) -> str:
    """A drop of one file; its id."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    answer = owner.put(f"/d/{name}", content=data, headers=named)
    return urlsplit(answer.text.strip()).path.split("/")[2]


def test_a_form_without_script(browser: httpx.Client) -> None:
    files: dict[str, Any] = {"file": ("a b.txt", b"hello"), "expires_in": (None, "3600"), "max_downloads": (None, "")}
    page = browser.post("/d/", files=files)
    assert page.status_code == 200
    assert re.fullmatch("/d/[0-9a-z]{12}", page.url.path)
    assert "hello" in page.text
    assert "a b.txt" in browser.get("/drops").text


def test_a_paste_without_script(browser: httpx.Client) -> None:
    fields: dict[str, Any] = {"file": ("", b""), "text": (None, "print('hi')"), "name": (None, "x.py")}
    page = browser.post("/d/", files=fields)
    assert '<pre class="highlight">' in page.text
    assert "hi" in page.text


def test_another_sites_page_sends_nothing(browser: httpx.Client) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert browser.post("/d/", files={"file": b"x"}, headers=headers).status_code == 403
    assert browser.post("/drops/requests", data={"title": "x"}, headers=headers).status_code == 403


def test_a_drop_is_changed_and_deleted_by_forms(
    browser: httpx.Client, owner: httpx.Client, stranger: httpx.Client
) -> None:
    drop = put(owner)
    form = {
        "expires_in": "3600",
        "max_downloads": "3",
        "password": "sesame",
        "title": "New",
        "note": "",
        "sliding": "on",
    }
    page = browser.post(f"/drops/{drop}", data=form)
    assert "Saved." in page.text
    view = owner.get(f"/api/v1/drops/{drop}").json()
    assert (view["title"], view["max_downloads"], view["is_sliding"], view["is_protected"]) == ("New", 3, True, True)
    assert 3_500_000 < view["expires_at"] - view["created_at"] < 3_700_000
    assert stranger.get(f"/d/{drop}").status_code == 401
    browser.post(f"/drops/{drop}", data={**form, "password": "", "open": "on"})
    assert stranger.get(f"/d/{drop}").status_code == 200
    assert browser.post(f"/drops/{drop}", data={**form, "password": "x"}).status_code == 400
    assert "deleted" in browser.post(f"/drops/{drop}/delete").text
    assert stranger.get(f"/d/{drop}").status_code == 404
    assert browser.get(f"/drops/{drop}").status_code == 404


def test_a_file_is_taken_out(browser: httpx.Client, owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = owner.post("/d/", files=[("file", ("a", b"1")), ("file", ("b", b"2"))])
    drop = answer.text.strip().rpartition("/")[2]
    first = owner.get(f"/api/v1/drops/{drop}").json()["files"][0]["id"]
    assert "The file is out." in browser.post(f"/drops/{drop}/files/{first}").text
    assert stranger.get(f"/d/{drop}/a").status_code == 404
    assert stranger.get(f"/d/{drop}/b").content == b"2"


def test_members_see_their_own_drops_only(program: Program, owner: httpx.Client) -> None:
    owner.post(
        "/api/v1/users", json={"email": "bo@example.org", "name": "Bo", "handle": "bo", "password": "long enough 1"}
    )
    drop = put(owner)
    with program.client(auth=("bo@example.org", "long enough 1"), headers={"user-agent": "curl"}) as member:
        assert member.get("/api/v1/drops").json() == []
        assert member.get(f"/api/v1/drops/{drop}").status_code == 404
        assert member.delete(f"/api/v1/drops/{drop}").status_code == 404
        assert member.get(f"/drops/{drop}").status_code == 404
        own = put(member)
        assert [one["id"] for one in member.get("/api/v1/drops").json()] == [own]
    assert own in [one["id"] for one in owner.get("/api/v1/drops").json()]


def test_guests_send_through_a_request(browser: httpx.Client, owner: httpx.Client, stranger: httpx.Client) -> None:
    form = {"title": "Papers", "types": ".txt", "max_mb": "1", "max_files": "2", "lifetime": "86400", "keep": "7"}
    page = browser.post("/drops/requests", data=form)
    found = re.search(r"/d/r/([0-9a-z]{12})", page.text)
    assert found is not None
    link = found[0]
    assert "Papers" in stranger.get(link, headers=PAGE).text
    assert stranger.put(f"{link}/a.exe", content=b"x").status_code == 400
    assert stranger.put(f"{link}/a.txt", content=b"x" * 1_000_001).status_code == 413
    assert stranger.put(f"{link}/a.txt", content=b"for you").text == "Thank you: it has arrived.\n"
    sent = stranger.post(link, files=[("file", (f"{n}.txt", b"x")) for n in range(3)])
    assert sent.status_code == 413
    sent = stranger.post(link, files=[("file", (f"{n}.txt", b"x")) for n in range(2)], headers=PAGE)
    assert sent.headers["location"] == f"{link}?sent=1"
    received = [one for one in owner.get("/api/v1/drops").json() if one["request"] == found[1]]
    assert sorted(one["file_count"] for one in received) == [1, 2]
    for one in received:
        assert stranger.get(f"/d/{one['id']}").status_code == 404
        assert owner.get(f"/d/{one['id']}").status_code == 200
        assert one["expires_at"] - one["created_at"] <= 7 * 86_400_000 + 1_000
    assert "Papers" in browser.get("/account/notices").text
    browser.post(f"/drops/requests/{found[1]}/delete")
    assert stranger.put(f"{link}/a.txt", content=b"late").status_code == 404


def test_a_guest_does_not_read_what_guests_sent(owner: httpx.Client, stranger: httpx.Client) -> None:
    asked = owner.post("/api/v1/drop-requests", json={"title": "Papers"}).json()
    made = stranger.post("/api/v1/drops", json={"request": asked["id"]}).json()
    token = {"x-owner-token": made["owner_token"]}
    put_more = stranger.put(f"/d/{made['id']}/a.txt", content=b"1", headers=token)
    assert put_more.status_code == 200
    refused = stranger.patch(f"/api/v1/drops/{made['id']}", json={"max_downloads": 1}, headers=token)
    assert refused.status_code == 403
    assert stranger.post(f"/api/v1/drops/{made['id']}/finish", headers=token).status_code == 200
    for method, path in (("GET", f"/d/{made['id']}"), ("DELETE", f"/api/v1/drops/{made['id']}")):
        assert stranger.request(method, path, headers=token).status_code == 404
    assert owner.get(f"/d/{made['id']}/a.txt").content == b"1"


def test_visits_are_counted(browser: httpx.Client, owner: httpx.Client, stranger: httpx.Client) -> None:
    drop = put(owner)
    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
    stranger.get(f"/d/{drop}", headers={**PAGE, **agent})
    stranger.get(f"/d/{drop}/a.txt", headers=agent)
    shown = re.compile(r"<dt>Visits</dt><dd>(\d+)</dd>")

    def visits() -> int:
        found = shown.search(browser.get(f"/drops/{drop}").text)
        assert found is not None
        return int(found[1])

    wait_until(lambda: visits() == 2)


class Slow:
    """A download that is read as slowly as the test wants."""

    def __init__(self, program: Program, path: str, first: int = 0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", program.port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        ranged = f"Range: bytes={first}-\r\n" if first else ""
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: slow\r\nConnection: close\r\n{ranged}\r\n"
        self.socket.sendall(head.encode())
        self.body = b""
        while b"\r\n\r\n" not in self.body:
            self.body += self.socket.recv(4096)
        self.head, _, self.body = self.body.partition(b"\r\n\r\n")

    def read(self, size: int = 1 << 40) -> bytes:
        """Go on until so many bytes are there, or the end."""
        kept, have = [self.body], 0
        while (have := have + len(kept[-1])) < size:
            piece = self.socket.recv(65_536)
            if not piece:
                self.socket.close()
                break
            kept.append(piece)
        self.body = b"".join(kept)
        return self.body

    def cut(self) -> None:
        """The network breaks."""
        self.socket.close()


def list_now(owner: httpx.Client, drop: str) -> list[dict[str, Any]]:
    """Who downloads at this moment."""
    found: list[dict[str, Any]] = owner.get(f"/api/v1/drops/{drop}").json()["now"]
    return found


def test_who_downloads_now(program: Program, browser: httpx.Client, owner: httpx.Client) -> None:
    drop = put(owner, LARGE, "large.bin")
    slow = Slow(program, f"/d/{drop}/large.bin")
    (now,) = wait_until(lambda: list_now(owner, drop))
    assert (now["path"], now["size"]) == ("large.bin", len(LARGE))
    assert now["sent"] < len(LARGE)
    assert "large.bin" in browser.get(f"/drops/now?drop={drop}").text
    slow.cut()
    wait_until(lambda: list_now(owner, drop) == [])


def test_a_download_outlives_its_drop(program: Program, owner: httpx.Client, stranger: httpx.Client) -> None:
    files = [("file", ("one.bin", LARGE)), ("file", ("two.bin", LARGE[::-1]))]
    drop = owner.post("/d/", files=files).text.strip().rpartition("/")[2]
    slow = Slow(program, f"/d/{drop}.zip")
    slow.read(100_000)
    assert owner.delete(f"/api/v1/drops/{drop}").status_code == 204
    assert stranger.get(f"/d/{drop}").status_code == 404
    body = slow.read()
    assert LARGE in body
    assert LARGE[::-1] in body


def test_a_limited_download_that_broke_goes_on(program: Program, owner: httpx.Client, stranger: httpx.Client) -> None:
    drop = put(owner, LARGE, "large.bin", max_downloads="1")
    path = f"/d/{drop}/large.bin"
    slow = Slow(program, path)
    begun = slow.read(300_000)
    slow.cut()
    wait_until(lambda: list_now(owner, drop) == [])
    assert stranger.get(path).status_code == 404
    assert stranger.get(path, headers={"range": f"bytes={len(begun)}-"}).status_code == 404
    again = Slow(program, path, len(begun))
    assert again.head.startswith(b"HTTP/1.1 206")
    assert begun + again.read() == LARGE
    late = Slow(program, path)
    assert late.head.startswith(b"HTTP/1.1 404")
    late.cut()
