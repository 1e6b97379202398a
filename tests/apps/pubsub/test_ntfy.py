"""ntfy's side, in the forms that its own pages document."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.pubsub.wire.ntfy.buttons import parse_actions
from fazt.apps.pubsub.wire.ntfy.delay import find_moment, parse_delay
from fazt.apps.pubsub.wire.ntfy.errors import NtfyError, to_said
from fazt.apps.pubsub.wire.ntfy.parameters import parse_json, read_asked
from fazt.core.clock import DAY, HOUR, MINUTE, to_iso
from tests.apps.pubsub.streams import listening
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z, a Friday


def post(program: Program, path: str, body: bytes | str = b"", **headers: str) -> httpx.Response:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    with program.owner() as client:
        return client.post(f"/ntfy{path}", content=body, headers=named)


def poll(program: Program, path: str) -> list[dict[str, Any]]:
    with program.owner() as client:
        answer = client.get(f"/ntfy{path}")
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


def test_a_message_with_everything(shared_program: Program) -> None:
    said = post(
        shared_program,
        "/full",
        "Remote access detected. Act right away.",
        Title="Unauthorized 😀",
        p="urgent",
        Tags="warning,skull",
        Click="https://home.example/",
        X_Icon="https://home.example/i.png",
        Actions="view, Open portal, https://home.example/, clear=true; http, Shut, https://x.example/, method=PUT, "
        "headers.Authorization=Bearer x, body='{\"a\": 1}'",
        Markdown="yes",
    ).json()
    assert said["event"] == "message"
    assert (said["title"], said["priority"], said["tags"]) == ("Unauthorized 😀", 5, ["warning", "skull"])
    assert said["content_type"] == "text/markdown"
    assert said["expires"] > said["time"]
    view, http = said["actions"]
    assert (view["label"], view["clear"], http["method"]) == ("Open portal", True, "PUT")
    assert http["headers"] == {"Authorization": "Bearer x"}
    assert http["body"] == '{"a": 1}'
    assert poll(shared_program, "/full/json?poll=1") == [said]


def test_the_ways_to_publish(shared_program: Program) -> None:
    assert post(shared_program, "/ways", "").json()["message"] == "triggered"
    with shared_program.owner() as client:
        assert client.put("/ntfy/ways", content="put").json()["message"] == "put"
        assert client.get("/ntfy/ways/publish?message=webhook&priority=high&tags=a,b").json()["priority"] == 4
        assert client.get("/ntfy/ways/trigger").json()["message"] == "triggered"
        sent = {"topic": "ways", "message": "json", "title": "T", "tags": ["x"], "priority": 1, "delay": ""}
        assert client.post("/ntfy/", json=sent).json()["title"] == "T"
        assert client.post("/ntfy", json=sent).status_code == 200
    words = [one["message"] for one in poll(shared_program, "/ways/json?poll=1")]
    assert words == ["triggered", "put", "webhook", "triggered", "json", "json"]


def test_at_its_own_host(shared_program: Program) -> None:
    with shared_program.owner(headers={"host": "ntfy.localhost"}) as client:
        assert client.post("/hosted", content="hi").json()["topic"] == "hosted"
        assert client.get("/v1/health").json() == {"healthy": True}
        assert client.get("/v1/account").json()["role"] == "admin"
        assert client.get("/hosted").headers["location"] == "http://localhost/topics/t/hosted"
        assert client.get("/").headers["location"] == "http://localhost/topics"
    with shared_program.client(headers={"host": "ntfy.localhost"}) as client:
        account = client.get("/v1/account").json()
        assert (account["username"], account["role"]) == ("*", "anonymous")
        assert account["limits"]["attachment_file_size"] == 15 * 1024 * 1024


@pytest.mark.parametrize("door", ["json", "sse", "raw"])
def test_the_streams(shared_program: Program, door: str) -> None:
    auth = {"authorization": httpx.BasicAuth(OWNER_EMAIL, OWNER_PASSWORD)._auth_header}
    with listening(shared_program, f"/ntfy/live,other/{door}", **auth) as stream:
        if door != "raw":
            opened = stream.event()
            assert (opened["event"], opened["topic"]) == ("open", "live,other")
        post(shared_program, "/live", "one\ntwo")
        if door == "raw":
            assert stream.line() == "one two"
        else:
            assert stream.message()["message"] == "one\ntwo"


def test_since_and_filters(shared_program: Program) -> None:
    first = post(shared_program, "/past", "1", Tags="a", Priority="2").json()
    second = post(shared_program, "/past", "2", Tags="a,b", Title="T").json()
    post(shared_program, "/past", "3")

    def words(query: str) -> list[str]:
        return [one["message"] for one in poll(shared_program, f"/past/json?poll=1&{query}")]

    assert words(f"since={first['id']}") == ["2", "3"]
    assert words("since=10m") == words("since=all") == words(f"since={first['time'] - 5}") == ["1", "2", "3"]
    assert words("since=latest") == ["3"]
    assert words("since=none") == []
    assert words("tags=a") == ["1", "2"]
    assert words("tags=a,b") == words("title=T") == words(f"id={second['id']}") == ["2"]
    assert words("priority=low,high") == ["1"]
    assert words("message=3") == ["3"]


def test_scheduled_messages(shared_program: Program) -> None:
    late = post(shared_program, "/later", "late", In="30m").json()
    assert abs(late["time"] - time.time() - 1_800) < 60
    assert poll(shared_program, "/later/json?poll=1") == []
    assert [one["id"] for one in poll(shared_program, "/later/json?poll=1&sched=1")] == [late["id"]]
    with shared_program.owner() as client:
        assert client.delete(f"/ntfy/later/{late['id']}").json()["event"] == "message_delete"
    assert [one["event"] for one in poll(shared_program, "/later/json?poll=1&scheduled=1")] == ["message_delete"]


def test_a_message_is_changed_cleared_and_deleted(shared_program: Program) -> None:
    first = post(shared_program, "/progress", "10%", X_Sequence_ID="backup-1").json()
    assert first["sequence_id"] == "backup-1"
    post(shared_program, "/progress/backup-1", "60%")
    with shared_program.owner() as client:
        client.put("/ntfy/progress/backup-1/clear")
        client.delete("/ntfy/progress/backup-1")
    found = poll(shared_program, "/progress/json?poll=1")
    assert [one["event"] for one in found] == ["message", "message", "message_clear", "message_delete"]
    assert {one["sequence_id"] for one in found} == {"backup-1"}


def test_attachments(shared_program: Program) -> None:
    said = post(shared_program, "/files", b"\x89PNG\r\n\x1a\n" + bytes(9_000), Filename="cat.png", Title="Cat").json()
    attached = said["attachment"]
    assert (attached["name"], attached["type"], attached["size"]) == ("cat.png", "image/png", 9_008)
    assert said["message"] == "You received a file: cat.png"
    with shared_program.client() as client:
        got = client.get(attached["url"])
        assert got.content[:4] == b"\x89PNG"
        assert got.headers["content-security-policy"].startswith("sandbox")
        part = client.get(attached["url"], headers={"range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"PNG")
        assert client.get("/ntfy/file/nobody.png").json()["code"] == 40401
    long = post(shared_program, "/files", "x" * 5_000).json()
    assert long["attachment"]["name"] == "attachment.txt"
    html = post(shared_program, "/files", "<script>", Filename="../../x.html").json()["attachment"]
    with shared_program.client() as client:
        assert client.get(html["url"]).headers["content-disposition"].startswith("attachment;")
    linked = post(shared_program, "/files", "look", Attach="https://x.example/a/b.jpg?c").json()
    assert linked["attachment"] == {"name": "b.jpg", "url": "https://x.example/a/b.jpg?c"}
    assert linked["message"] == "look"


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/bad topic", {}, 40009),
        ("/docs", {}, 40010),
        ("/e", {"priority": "9"}, 40007),
        ("/e", {"delay": "never"}, 40004),
        ("/e", {"delay": "1s"}, 40005),
        ("/e", {"delay": "9d"}, 40006),
        ("/e", {"delay": "1h", "cache": "no"}, 40002),
        ("/e", {"email": "a@example.org"}, 40001),
        ("/e", {"attach": "ftp://x"}, 40013),
        ("/e", {"actions": "fly, Away"}, 40018),
        ("/e", {"icon": "x"}, 40021),
        ("/a/b/c/d", {}, 40401),
    ],
)
def test_errors_are_ntfys(shared_program: Program, path: str, headers: dict[str, str], code: int) -> None:
    answer = post(shared_program, path, "x", **headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["http"]) == (code // 100, code, code // 100)


def test_the_forms_of_credentials(shared_program: Program, token: str) -> None:
    basic = "Basic " + base64.b64encode(f":{token}".encode()).decode()
    raw = base64.urlsafe_b64encode(f"Bearer {token}".encode()).decode().rstrip("=")
    with shared_program.client() as client:
        assert client.post("/ntfy/auth1", content="x").json()["code"] == 40301
        assert client.get("/ntfy/auth1/json?poll=1").json()["code"] == 40301
        wrong = client.post("/ntfy/auth1", content="x", headers={"authorization": "Bearer tk_wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, 40101)
        assert client.post("/ntfy/auth1", content="x", headers={"authorization": basic}).status_code == 200
        assert client.post(f"/ntfy/auth1?auth={raw}", content="x").status_code == 200
        assert client.get(f"/ntfy/auth1/auth?auth={raw}").json() == {"success": True}
        assert len(client.get(f"/ntfy/auth1/json?poll=1&auth={raw}").text.splitlines()) == 2
        assert client.get("/ntfy/auth1/auth").json()["code"] == 40301


def test_push_gateways(shared_program: Program) -> None:
    with shared_program.owner() as client:
        assert client.get("/ntfy/upTopic?up=1").json() == {"unifiedpush": {"version": 1}}
        assert client.get("/ntfy/_matrix/push/v1/notify").json() == {"unifiedpush": {"gateway": "matrix"}}
        key = f"{shared_program.url}/ntfy/upTopic?up=1"
        sent = {"notification": {"devices": [{"pushkey": key}], "counts": {"unread": 1}}}
        assert client.post("/ntfy/_matrix/push/v1/notify", json=sent).json() == {"rejected": []}
        assert client.post("/ntfy/upTopic?up=1", content=b"\xff\x00").json()["encoding"] == "base64"
    assert json.loads(poll(shared_program, "/upTopic/json?poll=1")[0]["message"]) == sent


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW + 30 * MINUTE),
        ("30 min", NOW + 30 * MINUTE),
        ("in 2 hours", NOW + 2 * HOUR),
        ("1h30m", NOW + 90 * MINUTE),
        ("1800003600", NOW + HOUR),
        ("10am", NOW + 2 * HOUR),
        ("7am", NOW + 23 * HOUR),
        ("tomorrow", NOW + DAY),
        ("tomorrow, 10am", NOW + DAY + 2 * HOUR),
        ("Sunday, 8:30", NOW + 2 * DAY + 30 * MINUTE),
        ("friday 9pm", NOW + 7 * DAY + 13 * HOUR),
    ],
)
def test_delays(text: str, moment: int) -> None:
    found = find_moment(text, NOW)
    assert found is not None
    assert to_iso(found) == to_iso(moment)


@given(st.text(max_size=30), st.text(max_size=60), st.binary(max_size=60))
def test_garbage_is_an_error_of_ntfy_at_worst(text: str, actions: str, data: bytes) -> None:
    for call in (
        lambda: parse_delay(text, NOW),
        lambda: parse_actions(actions),
        lambda: parse_json(data),
        lambda: read_asked(lambda names: text if names[0] in {"x-title", "x-tags", "x-icon"} else "", NOW),
    ):
        try:
            call()
        except NtfyError as error:
            assert 400 <= to_said(error).http < 500  # noqa: PT017 - any error will do, of whichever call
