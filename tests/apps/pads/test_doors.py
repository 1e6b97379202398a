"""Pads by their addresses: texts, merges, who may, links, the past, the end."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fazt.apps.pads.model import Document, Edit
from fazt.apps.pads.wire import messages
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

HTML = {"accept": "text/html"}
PERSON = {
    **HTML,
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
}
JSON = {"accept": "application/json"}


def open_socket(program: Program, address: str, **headers: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{program.port}{address}", additional_headers=headers, max_size=None)


def receive(socket: ClientConnection, kind: int) -> Any:
    """The next message of this kind."""
    while True:
        data = socket.recv(timeout=10)
        assert isinstance(data, bytes)
        if data[0] == kind:
            return data


def wait_for_end(socket: ClientConnection) -> int:
    """The code with which the server ends a connection."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=10)
    return socket.close_code or 0


def make_token(program: Program, *scopes: str) -> str:
    words = [word for scope in scopes for word in ("--scope", scope)]
    return program.run("token", "create", "test", *words).stdout.strip()


def test_text_is_put_appended_read_and_merged(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        first = owner.put("/pad/text", content="one\r\ntwo\n")
        assert (first.status_code, first.text) == (201, "one\ntwo\n")
        assert owner.post("/pad/text", content="three").text == "one\ntwo\nthree"
        tag = first.headers["etag"]
        merged = owner.put("/pad/text", content="ONE\ntwo\n", headers={"if-match": tag})
        assert merged.text == "ONE\ntwo\nthree"
        assert owner.get("/pad/text.txt", headers=HTML).text == owner.get("/pad/text/raw").text == "ONE\ntwo\nthree"
        assert owner.get("/pad/text").headers["content-type"] == "text/plain; charset=utf-8"
        assert owner.get("/pad/text", headers=JSON).json()["seq"] == 3
        assert "<textarea" in owner.get("/pad/text", headers=HTML).text
        again = owner.get("/pad/text", headers={"if-none-match": merged.headers["etag"]})
        assert again.status_code == 304
        assert owner.put("/pad/text", content="x", headers={"if-match": '"other-1"'}).status_code == 412
        assert owner.put("/pad/text", content="x", headers={"if-none-match": "*"}).status_code == 412
        assert owner.put("/pad/none", content="x", headers={"if-match": "*"}).status_code == 412
        assert owner.put("/pad/text", content=b"\xff").status_code == 400
        assert owner.put("/pad/no+name", content="x").status_code == 400
        assert owner.patch("/pad/text").status_code == 405


def test_the_form_of_the_page_merges(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        tag = owner.put("/pad/form", content="a\nb\n").headers["etag"].strip('"')
        owner.post("/pad/form", content="c")
        sent = owner.post("/pad/form/save", data={"base": tag, "text": "A\r\nb\r\n"})
        assert (sent.status_code, sent.headers["location"]) == (303, "/pad/form")
        assert owner.get("/pad/form").text == "A\nb\nc"


def test_the_past_is_listed_compared_and_restored(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        for text in ("first\n", "second\n", "third\n"):
            owner.put("/pad/past", content=text)
        assert [row["seq"] for row in owner.get("/pad/past/history").json()] == [3, 2, 1]
        page = owner.get("/pad/past/history?at=2&from=1", headers=HTML).text
        assert "<ins>second</ins>" in page
        assert "<del>first</del>" in page
        assert owner.get("/pad/past/then?at=1").text == "first\n"
        assert owner.post("/pad/past/restore?seq=1").text == "first\n"
        assert owner.post("/api/v1/pads/past/restore", json={"seq": 2}).json()["text"] == "second\n"
        assert owner.post("/pad/past/restore?seq=99").status_code == 404


def test_strangers_need_leave_a_link_or_a_password(shared_program: Program) -> None:
    with shared_program.owner() as owner, shared_program.client() as stranger:
        owner.put("/pad/mine", content="mine")
        assert stranger.get("/pad/mine").status_code == stranger.get("/pad/absent").status_code == 401
        assert stranger.get("/pad/mine", headers=HTML).headers["location"].startswith("/login")
        reading = owner.post("/api/v1/pads/mine/shares", json={}).json()
        writing = owner.post("/api/v1/pads/mine/shares", json={"may_write": True, "password": "hush hush"}).json()
        read_link, write_link = (httpx.URL(one["url"]).raw_path.decode() for one in (reading, writing))
        assert stranger.get(read_link).text == "mine"
        assert stranger.put(read_link, content="x").status_code == 403
        assert stranger.put(write_link, content="x").status_code == 401
        assert stranger.put(write_link, content="x", headers={"x-password": "hush hush"}).text == "x"
        assert "password" in stranger.get(write_link, headers=HTML).text
        unlock = write_link.replace("?", "/unlock?")
        assert stranger.post(unlock, data={"password": "wrong"}).status_code == 401
        assert stranger.post(unlock, data={"password": "hush hush"}).status_code == 303
        assert stranger.get(write_link).text == "x"
        owner.patch("/api/v1/pads/mine", json={"guests": "read", "password": "open sesame"})
        assert stranger.get("/pad/mine").status_code == 401
        assert stranger.get("/pad/mine", auth=("", "open sesame")).text == "x"
        owner.delete(f"/api/v1/pads/mine/shares/{reading['id']}")
        assert stranger.get(read_link).status_code == 404
        assert stranger.delete("/pad/mine", auth=("", "open sesame")).status_code == 403


def test_tokens_reach_as_far_as_their_scopes(shared_program: Program) -> None:
    reader, one = make_token(shared_program, "pads:read"), make_token(shared_program, "pads:rw:only")
    with shared_program.client() as client, shared_program.owner() as owner:
        owner.put("/pad/other", content="x")
        read, only = {"authorization": f"Bearer {reader}"}, {"authorization": f"Bearer {one}"}
        assert client.get("/pad/other", headers=read).text == "x"
        assert client.put("/pad/other", content="y", headers=read).status_code == 403
        assert client.put("/pad/only", content="y", headers=only).status_code == 201
        assert client.get("/pad/other", headers=only).status_code == 403
        assert client.get("/pad/other?token=wrong").status_code == 401


def test_changes_are_streamed(shared_program: Program) -> None:
    with shared_program.owner() as owner, shared_program.owner() as writer:
        owner.put("/pad/live", content="a")
        with owner.stream("GET", "/pad/live/events?text=1") as stream:
            lines = stream.iter_lines()
            seen = [json.loads(line[6:]) for line in (next(lines) for _ in range(4)) if line.startswith("data: ")]
            assert seen[0]["text"] == "a"
            writer.post("/pad/live", content="b")
            assert next(json.loads(line[6:])["text"] for line in lines if line.startswith("data: ")) == "a\nb"


def test_yjs_clients_sync_and_hear_that_they_are_saved(shared_program: Program) -> None:
    token = make_token(shared_program, "pads:rw")
    auth = {"Authorization": f"Bearer {token}"}
    with (
        open_socket(shared_program, "/pad/yjs/ws?saved=1", **auth) as one,
        open_socket(shared_program, f"/pad/yjs?token={token}") as two,
    ):
        assert receive(one, 0)[1] == messages.STEP_1
        mine = Document(client_id=11)
        one.send(messages.build_update(mine.edit([Edit(0, 0, "typed")])))
        assert receive(one, messages.SAVED) == messages.build_saved(1)
        assert receive(two, 0)[1] == messages.STEP_1
        heard = messages.parse(receive(two, 0))
        assert isinstance(heard, messages.Brings)
        assert Document([heard.update]).text == "typed"
        two.send(messages.build_step_1(b"\x00"))
        whole = messages.parse(receive(two, 0))
        assert isinstance(whole, messages.Brings)
        assert Document([whole.update]).text == "typed"
        lost, kept = mine.edit([Edit(0, 0, "1")]), mine.edit([Edit(0, 0, "2")])
        one.send(messages.build_update(kept))  # what it builds upon has not come: the server asks for it
        asked = messages.parse(receive(one, 0))
        assert isinstance(asked, messages.Asks)
        one.send(messages.build_step_2(mine.missing(asked.state)))
        assert receive(one, messages.SAVED) == messages.build_saved(3)
        assert lost
        with shared_program.owner() as owner:
            assert owner.get("/pad/yjs").text == "21typed"


@pytest.mark.parametrize(
    "message",
    [b"", b"\x00\x02\x03\xff\xff\xff", b"\x00\x07\x00", b"\x01\x05\xff\xff\xff\xff\x0f", b"\x00\x00\x02\xff\xff"],
)
def test_garbage_ends_its_own_connection_and_is_not_kept(shared_program: Program, message: bytes) -> None:
    token = make_token(shared_program, "pads:rw")
    with shared_program.owner() as owner, open_socket(shared_program, f"/pad/garbage?token={token}") as socket:
        owner.put("/pad/garbage", content="whole")
        socket.send(message)
        wait_for_end(socket)
        assert owner.get("/pad/garbage").text == "whole"


def test_readers_change_nothing_and_are_shown_out(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        owner.put("/pad/shown", content="as it is")
        share = owner.post("/api/v1/pads/shown/shares", json={}).json()
        address = httpx.URL(share["url"]).raw_path.decode().replace("?", "/ws?")
        with open_socket(shared_program, address) as socket:
            socket.send(messages.build_update(Document(client_id=3).edit([Edit(0, 0, "no")])))
            assert b"reading only" in receive(socket, messages.AUTH)
            assert owner.get("/pad/shown").text == "as it is"
            owner.delete(f"/api/v1/pads/shown/shares/{share['id']}")
            assert wait_for_end(socket) == 4403
        with pytest.raises(InvalidStatus):
            open_socket(shared_program, "/pad/shown/ws")


def test_pads_are_shared_as_everything_is(shared_program: Program) -> None:
    with shared_program.owner() as owner, shared_program.client(headers=PERSON, follow_redirects=True) as guest:
        owner.put("/pad/party", content="bring cake")
        pad_id = next(one["id"] for one in owner.get("/api/v1/pads").json() if one["name"] == "party")
        assert f"target={pad_id}" in owner.get("/pad/party", headers=HTML).text
        share = owner.post("/api/v1/shares", json={"app": "pads", "target": pad_id, "may_write": True}).json()
        page = guest.get(share["url"])
        assert "bring cake" in page.text
        with open_socket(shared_program, f"/pad/party/ws?{page.url.query.decode()}") as socket:
            assert receive(socket, 0)[1] == messages.STEP_1
            owner.delete(f"/api/v1/shares/{share['id']}")
            assert wait_for_end(socket) == 4403
        assert guest.get(share["url"]).status_code == 404
        wait_until(lambda: "party" in owner.get("/analytics", headers=HTML).text, what="the visit")


def test_a_pad_has_room_for_so_many(shared_program: Program) -> None:
    auth = {"Authorization": basic()}
    shared_program.run("settings", "set", "pads.max_clients", "1")
    try:
        with open_socket(shared_program, "/pad/full/ws", **auth) as socket:
            assert receive(socket, 0)[1] == messages.STEP_1
            with pytest.raises(InvalidStatus) as refused:
                open_socket(shared_program, "/pad/full/ws", **auth)
            assert refused.value.response.status_code == 429
            with shared_program.owner() as owner:
                assert owner.get("/pad/full/events").status_code == 429
                assert owner.put("/pad/full", content="x").is_success, "texts come and go meanwhile"
        with open_socket(shared_program, "/pad/full/ws", **auth) as socket:
            assert receive(socket, 0)[1] == messages.STEP_1
    finally:
        shared_program.run("settings", "set", "pads.max_clients", "200")


def test_a_pad_has_a_largest_size_and_may_get_smaller(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        shared_program.run("settings", "set", "pads.max_kb", "1")
        try:
            assert owner.put("/pad/small", content="x" * 1_000).status_code == 201
            assert owner.put("/pad/small", content="x" * 1_025).status_code == 413
            assert owner.post("/pad/small", content="y" * 100).status_code == 413
            assert owner.put("/pad/small", content="x").text == "x"
        finally:
            shared_program.run("settings", "set", "pads.max_kb", "2048")


def test_what_is_erased_is_not_in_the_file(program: Program) -> None:
    word = "zanzibarquetzal"
    with program.owner() as owner:
        owner.put("/pad/gone", content=f"{word}\n" * 50)
        wait_until(lambda: is_indexed(program, word), what="the index")
        owner.put("/pad/gone", content="nothing now")
        with open_socket(program, "/pad/gone/ws", Authorization=basic()) as socket:
            assert owner.delete("/pad/gone").status_code == 204
            assert wait_for_end(socket) == 4404
        assert owner.get("/pad/gone").status_code == 404
    assert program.stop() == 0
    assert not any(word.encode() in path.read_bytes() for path in files_of(program.data))


def is_indexed(program: Program, word: str) -> bool:
    """Whether search knows the text."""
    with closing(sqlite3.connect(program.data)) as conn:
        return bool(conn.execute("SELECT 1 FROM core_search WHERE text LIKE ?", (f"%{word}%",)).fetchone())


def basic() -> str:
    return str(httpx.BasicAuth(OWNER_EMAIL, OWNER_PASSWORD)._auth_header)


def files_of(data: Path) -> list[Path]:
    return [path for path in data.parent.glob("data.db*") if path.is_file()]


def test_the_terminal(shared_program: Program, tmp_path: Path) -> None:
    run = shared_program.run
    file = tmp_path / "todo.md"
    file.write_text("one\ntwo\n")
    assert run("pad", "edit", "todo", str(file), "--once").stdout.strip().endswith("todo")
    run("pad", "append", "todo", "three")
    assert run("pad", "cat", "todo").stdout == "one\ntwo\nthree"
    assert run("pad", "edit", "todo", str(file), "--once", check=False).returncode != 0
    run("pad", "edit", "todo", str(file), "--once", "--take", "pad")
    assert file.read_text() == "one\ntwo\nthree"
    assert "share=" in run("pad", "share", "todo", "--write").stdout
    assert run("--json", "pad", "list").stdout.count('"todo"') == 1
    run("pad", "restore", "todo", "1")
    assert run("pad", "cat", "todo").stdout == "one\ntwo\n"
    assert "Erased" in run("pad", "erase", "todo", "--yes").stdout
