"""The sync API over real HTTP: what the sheet of the protocol says, and what is refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.apps.joplin.making import NOW, Api, create_member, folder, hexid, note
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


@pytest.fixture(scope="module")
def member(shared_program: Program) -> Iterator[Api]:
    """A member's app."""
    made = create_member(shared_program, "member")
    yield made
    made.http.close()


@pytest.fixture
def api(member: Api) -> Iterator[Api]:
    """The member's app, who has nothing at the beginning of each test."""
    yield member
    member.clear()


@pytest.fixture(scope="module")
def other(shared_program: Program) -> Iterator[Api]:
    """Somebody else."""
    made = create_member(shared_program, "somebody")
    yield made
    made.http.close()


@pytest.fixture
def setting(shared_program: Program) -> Iterator[Callable[[str, Any], None]]:
    """Change a setting until the end of the test."""
    with shared_program.owner() as owner:
        changed: list[str] = []

        def put(name: str, value: Any) -> None:
            changed.append(name)
            owner.put(f"/api/v1/settings/{name}", json={"value": value}).raise_for_status()

        yield put
        for name in changed:
            owner.delete(f"/api/v1/settings/{name}").raise_for_status()


def test_a_wrong_password_is_403_with_words(shared_program: Program) -> None:
    answer = httpx.post(f"{shared_program.url}/joplin/api/sessions", json={"email": OWNER_EMAIL, "password": "no"})
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("Invalid username or password")


def test_sessions_are_handed_out_again(shared_program: Program) -> None:
    body = {"email": OWNER_EMAIL.upper(), "password": OWNER_PASSWORD, "platform": 2, "type": 3, "apiKey": "", "x": 1}
    ids = {httpx.post(f"{shared_program.url}/joplin/api/sessions", json=body).json()["id"] for _ in range(3)}
    assert len(ids) == 1


@pytest.mark.parametrize("headers", [{}, {"x-api-auth": "nonsense"}, {"x-api-auth": "0" * 32}])
def test_without_a_session_it_is_403_so_that_apps_log_in_again(
    shared_program: Program, headers: dict[str, str]
) -> None:
    answer = httpx.get(f"{shared_program.url}/joplin/api/items/root:/:/delta", headers=headers)
    assert answer.status_code == 403
    assert "code" not in answer.json()


def test_an_app_password_needs_the_scope(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        for scope, status in (("joplin:rw", 200), ("drive:rw", 403)):
            made = owner.post("/api/v1/tokens", json={"name": scope, "kind": "app", "scopes": [scope]}).json()
            body = {"email": OWNER_EMAIL, "password": made["secret"], "platform": 4, "type": 2}
            answer = httpx.post(f"{shared_program.url}/joplin/api/sessions", json=body)
            assert answer.status_code == status, answer.text


def test_ping_needs_nobody(shared_program: Program) -> None:
    assert httpx.get(f"{shared_program.url}/joplin/api/ping").json()["status"] == "ok"


def test_an_announced_close_is_announced_back(shared_program: Program) -> None:
    """node-fetch 2 says `Connection: close` and takes an unannounced end for a fault."""
    with socket.create_connection(("127.0.0.1", shared_program.port)) as conn:
        conn.sendall(b"GET /joplin/api/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := conn.recv(4096):
            answer += piece
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\xff\r\n", "漢字 😀\r\n".encode(), bytes(range(256)) * 4_000],
    ids=["none", "odd", "text", "large"],
)
@pytest.mark.parametrize("name", [".resource/" + "a" * 32, "info.json", "temp/timeCheck1.txt", "locks/2_1_x.json"])
def test_bytes_come_back_as_they_went(api: Api, name: str, data: bytes) -> None:
    stat = api.put(name, data)
    assert stat.status_code == 200
    assert set(stat.json()) == {"id", "name", "updated_time", "created_time"}
    assert api.content(name).content == data
    assert api.http.get(f"items/root:/{name}:").json() == stat.json()
    assert api.delta()["items"] == []
    assert api.http.delete(f"items/root:/{name}:").status_code == 200
    assert api.content(name).status_code == 404


def test_items_come_back_as_they_went(api: Api) -> None:
    odd = note(1, "T", "a\r\nb\n\ntype_: 9\n\n\\n", future_field="kept") + b""
    api.put_item(1, odd)
    assert api.item(1) == odd
    (change,) = api.delta()["items"]
    assert (change["item_name"], change["type"]) == (f"{hexid(1)}.md", 1)
    assert change["jop_updated_time"] == NOW


def test_addresses_may_be_encoded_and_queries_empty(api: Api) -> None:
    api.put_item(1, note(1))
    for path in (f"items/root%3A/{hexid(1)}.md%3A/content", f"items/root:%2F{hexid(1)}.md:/content?"):
        assert api.http.get(path).content == note(1)
    for path in ("items/root:/:/delta?", "items/root/delta", "items/root:/:/delta?cursor="):
        assert len(api.http.get(path).json()["items"]) == 1
    assert api.http.get(f"items/root:/{hexid(1)}.md").status_code == 400


def test_delta_goes_on_where_it_was(api: Api) -> None:
    for n in range(1, 8):
        api.put_item(n, note(n))
    found, cursor = api.changes(limit=3)
    assert sorted(found) == list(range(1, 8))
    assert api.changes(cursor) == ({}, cursor)
    api.put_item(3, note(3, body="new", at=NOW + 1))
    api.delete(4)
    api.put_item(9, note(9))
    api.delete(9)
    found, after = api.changes(cursor)
    assert found == {3: 1, 4: 3, 9: 3}
    assert api.changes()[0] == dict.fromkeys((1, 2, 3, 5, 6, 7), 1)
    assert after != cursor


def test_deleting_what_is_gone_is_fine_and_everything_at_once_is_not(api: Api) -> None:
    assert api.delete(77).status_code == 200
    assert api.delete(77).content == b""
    api.put_item(1, note(1))
    assert api.http.delete("items/root:/:").status_code == 403
    assert api.http.delete("items/root").status_code == 403
    assert api.item(1) == note(1)


def test_what_comes_back_is_created(api: Api) -> None:
    api.put_item(1, note(1))
    _, cursor = api.changes()
    api.delete(1)
    api.put_item(1, note(1, at=NOW + 5))
    assert api.changes(cursor)[0] == {1: 1}


@pytest.mark.parametrize("cursor", ["x", "0", "-1", "ffffffffffffffff:1", "1:1", "\0", "'; --", "9" * 400])
def test_a_strange_cursor_asks_for_a_resync(api: Api, cursor: str) -> None:
    answer = api.http.get("items/root:/:/delta", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "resyncRequired")


def test_a_cursor_of_the_future_asks_for_a_resync(api: Api) -> None:
    _, cursor = api.changes()
    tag, _, seq = cursor.partition(":")
    answer = api.http.get("items/root:/:/delta", params={"cursor": f"{tag}:{int(seq) + 1000}"})
    assert answer.json()["code"] == "resyncRequired"


def test_a_batch_answers_for_each_item(api: Api) -> None:
    names = [f"{hexid(n)}.md" for n in range(1, 61)]
    items = [{"name": name, "body": note(n).decode(), "localItemUpdatedTime": 1} for n, name in enumerate(names, 1)]
    items.append({"name": "f" * 32 + ".md", "body": "no item"})
    items.append({"name": "../etc/passwd", "body": "x"})
    items.append({"name": f"{hexid(99)}.md", "body": note(99, body="b" * 600_000).decode()})
    answer = api.http.put("batch_items", json={"items": items}).json()
    assert answer["has_more"] is False
    assert set(answer["items"]) == {item["name"] for item in items}
    assert all(answer["items"][name]["error"] is None for name in [*names, f"{hexid(99)}.md"])
    for name in ("f" * 32 + ".md", "../etc/passwd"):
        assert answer["items"][name]["item"] is None
        assert answer["items"][name]["error"]["httpCode"] == 409
    assert len(api.changes()[0]) == 61
    assert api.item(99) == note(99, body="b" * 600_000)


def test_half_a_surrogate_pair_does_not_fail_the_batch(api: Api) -> None:
    text = json.dumps({"items": [{"name": f"{hexid(1)}.md", "body": note(1, body="x").decode() + "@"}]})
    text = text.replace("x\\n", "\\ud83d\\n").replace("@", "")
    answer = api.http.put("batch_items", content=text.encode())
    assert answer.json()["items"][f"{hexid(1)}.md"]["error"] is None
    assert "\ufffd" in (api.item(1) or b"").decode()


def test_many_are_deleted_at_once(api: Api) -> None:
    for n in (1, 2):
        api.put_item(n, note(n))
    names = [f"{hexid(n)}.md" for n in (1, 2, 3)]
    answer = api.http.request("DELETE", "batch_items", json={"items": names}).json()
    assert answer["items"][names[0]] == answer["items"][names[1]] == {}
    assert answer["items"][names[2]]["error"]["httpCode"] == 404
    assert api.changes()[0] == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"no item", b"title\n\nbody\n\nid: 1\n", b"\xff\xfe", b"type_: x", b"type_: 999", b"t\n\nkey\ntype_: 1"],
)
def test_what_is_no_item_is_refused_and_listed(api: Api, data: bytes) -> None:
    answer = api.put(f"{hexid(1)}.md", data)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert api.item(1) is None


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "a//b", "./x", "a\0b", "x" * 600, "..", "%2e%2e/x", "a\nb"], ids=lambda n: repr(n)[:12]
)
def test_odd_names_are_refused(api: Api, name: str) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in name.encode()) if "%" not in name else name
    answer = api.http.put(f"items/root:/{quoted}:/content", content=b"x")
    assert answer.status_code in {400, 404}


def test_nobody_sees_the_items_of_others(api: Api, other: Api) -> None:
    api.put_item(1, note(1, body="secret"))
    api.put("info.json", b"{}")
    stat = api.http.get(f"items/root:/{hexid(1)}.md:").json()
    assert other.item(1) is None
    for path in (f"items/{stat['id']}", f"items/{stat['id']}/content", f"items/root:/{stat['id']}:/content"):
        assert other.http.get(path).status_code in {400, 404}
    assert other.http.get(f"users/{api.user_id}").status_code == 403
    assert other.content("info.json").status_code == 404
    assert other.delete(1).status_code == 200
    other.put_item(1, note(1, body="mine"))
    assert api.item(1) == note(1, body="secret")
    assert other.changes()[0] == {1: 1}
    other.delete(1)
    assert api.item(1) == note(1, body="secret")


def test_too_large_is_refused_before_and_while_reading(api: Api, setting: Callable[[str, Any], None]) -> None:
    setting("joplin.max_item_mb", 1)
    setting("joplin.max_note_mb", 1)
    blob, name = b"x" * 1_500_000, ".resource/" + "b" * 32
    assert api.put(name, blob).status_code == 413
    answer = api.http.put(f"items/root:/{name}:/content", content=iter([blob]))
    assert answer.status_code == 413
    assert "1 MiB" in answer.json()["error"]
    large = note(1, body="n" * 1_200_000)
    assert api.put(f"{hexid(1)}.md", large).status_code == 413
    body = {"items": [{"name": f"{hexid(1)}.md", "body": large.decode()}]}
    answer = api.http.put("batch_items", json=body)
    assert answer.json()["items"][f"{hexid(1)}.md"]["error"]["httpCode"] == 413
    assert api.content(name).status_code == 404


def test_a_full_quota_lets_people_clean_up(api: Api, setting: Callable[[str, Any], None]) -> None:
    name = ".resource/" + "c" * 32
    assert api.put(name, b"x" * 900_000).status_code == 200
    setting("joplin.quota_mb", 1)
    assert api.put(f"{hexid(1)}.md", note(1, body="n" * 300_000)).status_code == 413
    assert api.put("info.json", b"{}" * 200_000).status_code == 200
    assert api.put(name, b"x" * 1_000).status_code == 200
    assert api.put(f"{hexid(1)}.md", note(1, body="n" * 300_000)).status_code == 200


def test_a_lying_body_leaves_nothing(shared_program: Program, api: Api) -> None:
    name = ".resource/" + "d" * 32
    head = (
        f"PUT /joplin/api/items/root:/{name}:/content HTTP/1.1\r\nHost: localhost\r\n"
        f"X-API-AUTH: {api.http.headers['x-api-auth']}\r\nContent-Length: 1000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", shared_program.port)) as conn:
        conn.sendall(head.encode() + b"x" * 600_000)
    assert api.content(name).status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"email":1}', b'{"items":5}', b"[" * 5_000, b"\xff"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "shares"), ("PUT", "batch_items"), ("DELETE", "batch_items"), ("POST", "locks")]
)
def test_bodies_that_fit_nothing_are_400(api: Api, method: str, path: str, body: bytes) -> None:
    answer = api.http.request(method, path, content=body)
    assert answer.status_code == 400
    assert set(answer.json()) <= {"error", "code"}


@pytest.mark.parametrize("path", ["", "items", "items/x", "nothing", "users", "shares/x/y", "debug", "batch", "../x"])
def test_other_addresses_are_404(api: Api, path: str) -> None:
    assert api.http.get(path).status_code in {400, 404}


def test_locks_of_old_clients(api: Api) -> None:
    def take(type_: int, client: str) -> httpx.Response:
        return api.http.post("locks", json={"type": type_, "clientType": 1, "clientId": client})

    first = take(1, "a").json()
    assert first["id"] == "1_1_a"
    assert take(1, "b").status_code == 200
    assert take(2, "c").json()["code"] == "hasSyncLock"
    assert len(api.http.get("locks").json()["items"]) == 2
    assert api.http.delete("locks/1_1_b").status_code == 200
    assert take(2, "a").status_code == 200
    refused = take(1, "b")
    assert (refused.status_code, refused.json()["code"]) == (409, "hasExclusiveLock")
    assert take(2, "b").json()["code"] == "hasExclusiveLock"
    assert api.http.delete("locks/2_1_a").content == b""
    assert take(3, "a").status_code == 400
    assert take(1, "x" * 65).status_code == 400


def test_a_user_knows_only_themselves(api: Api) -> None:
    user = api.http.get(f"users/{api.user_id}").json()
    assert user["account_type"] == 0
    assert user["email"] == api.email
    assert not [key for key in user if "password" in key]


def test_a_public_key_is_given_without_telling_who_exists(api: Api, other: Api) -> None:
    assert other.http.get(f"users/{api.email}/public_key").content == b""
    assert other.http.get("users/nobody%40example.org/public_key").status_code == 200
    info = {"ppk": {"value": {"id": "k1", "publicKey": "PEM", "privateKey": {"ciphertext": "no"}}}}
    api.put("info.json", json.dumps(info).encode())
    assert other.http.get(f"users/{api.email.replace('@', '%40')}/public_key").json() == {
        "id": "k1",
        "publicKey": "PEM",
    }


def test_joplins_web_app_may_read_the_answers(shared_program: Program) -> None:
    url = f"{shared_program.url}/joplin/api/items/root:/:/delta"
    asked = httpx.options(url, headers={"origin": "https://app.joplincloud.com"})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == "https://app.joplincloud.com"
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-origin" not in httpx.options(url, headers={"origin": "https://evil.example"}).headers


def test_children_are_listed(api: Api) -> None:
    for n in range(3):
        api.put(f"temp/{n}.txt", b"x")
    api.put_item(1, folder(1))
    found = api.http.get("items/root:/temp/*:/children").json()
    assert {one["name"] for one in found["items"]} == {f"temp/{n}.txt" for n in range(3)}
    assert len(api.http.get("items/root:/:/children", params={"limit": 2}).json()["items"]) == 2
