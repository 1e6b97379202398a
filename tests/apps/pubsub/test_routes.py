"""The hub over real sockets: publishing, its doors, access, and what strangers and broken clients may cost."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.apps.pubsub.streams import listening
from tests.program import Program, wait_until


@pytest.fixture
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    """The owner."""
    with shared_program.owner() as client:
        yield client


def hear(program: Program, path: str, token: str = "", **options: Any) -> ClientConnection:
    """A WebSocket of a client that no one here wrote."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"ws://127.0.0.1:{program.port}{path}"
    stream: ClientConnection = connect(url, additional_headers=headers, proxy=None, **options)
    return stream


def next_of(stream: ClientConnection, event: str = "message") -> dict[str, Any]:
    """The next event of this kind."""
    while True:
        found: dict[str, Any] = json.loads(stream.recv(timeout=10))
        if found["event"] == event:
            return found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_publishing_answers_with_numbers(owner: httpx.Client) -> None:
    first = owner.post("/hub/num/a", content="1").json()
    second = owner.put("/hub/num/a", content="2").json()
    assert (second["seq"] > first["seq"], first["n"], second["n"]) == (True, 1, 2)
    again = owner.post("/hub/num/a?key=k", content="3").json()
    repeated = owner.post("/hub/num/a", content="3", headers={"idempotency-key": "k"}).json()
    assert repeated == again | {"repeated": True}
    many = owner.post("/hub/", json=[{"topic": "num/b", "data": {"x": 1}}, {"topic": "fazt/x", "data": 1}]).json()
    assert (many[0]["n"], many[1]["error"]["kind"]) == (1, "forbidden")
    got = owner.get("/hub/num/b")
    assert (got.json(), got.headers["content-security-policy"]) == ({"x": 1}, "sandbox; default-src 'none'")
    assert owner.get("/hub/num/a").text == "3"
    assert owner.head("/hub/num/a").headers["content-length"] == "1"
    assert owner.get("/hub/num/none").status_code == 404
    assert owner.get("/hub/num/a", headers={"accept": "text/html"}).headers["location"] == "/topics/t/num/a"


def test_a_stream_catches_up_and_goes_on(shared_program: Program, owner: httpx.Client, token: str) -> None:
    seqs = [owner.post("/hub/cup/t", content=str(n)).json()["seq"] for n in range(3)]
    with listening(shared_program, "/hub/cup/t/sse", **bearer(token), last_event_id=str(seqs[0])) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert [stream.message()["data"] for _ in range(2)] == ["1", "2"]
        owner.post("/hub/cup/t", content="3")
        assert stream.message()["data"] == "3"
    with listening(shared_program, "/hub/cup/%23/json?last=2", **bearer(token)) as stream:
        assert [stream.message()["data"] for _ in range(2)] == ["2", "3"]
    with listening(shared_program, "/hub/cup/**/raw?since=all", **bearer(token)) as stream:
        assert [stream.line() for _ in range(4)] == ["0", "1", "2", "3"]
    with listening(shared_program, f"/hub/cup/t/sse?since=latest&format=body&token={token}") as stream:
        lines = [stream.line() for _ in range(5)]
        assert lines[-2:] == [f"id: {owner.get('/hub/cup/t').headers['x-seq']}", "data: 3"]


def test_polling_ends(owner: httpx.Client) -> None:
    for n in range(3):
        owner.post(f"/hub/poll/{n}", content=str(n))
    lines = owner.get("/hub/poll/+/json?poll=1").text.splitlines()
    assert [json.loads(line)["data"] for line in lines] == ["0", "1", "2"]
    assert owner.get("/hub/poll/+/raw?poll=1&last=1").text == "2\n"
    assert owner.get("/hub/json?topics=poll/1,poll/2&poll=1").text.count("\n") == 2
    assert owner.get("/hub/poll/+/raw?poll=1&above=0").text == "1\n2\n"


def test_one_websocket_for_everything(shared_program: Program, owner: httpx.Client, token: str) -> None:
    owner.post("/hub/one/a", content="old")
    with hear(shared_program, "/hub/ws", token) as stream:
        stream.send(json.dumps({"do": "subscribe", "topics": ["one/a"], "since": "all", "ref": 1}))
        assert next_of(stream)["data"] == "old"
        assert next_of(stream, "subscribed")["ref"] == 1
        stream.send(json.dumps({"do": "subscribe", "topics": ["one/#"], "since": "all"}))
        assert next_of(stream, "subscribed")["topics"] == ["one/#"]
        stream.send(json.dumps({"do": "publish", "topic": "one/a", "data": [1, 2], "ref": "p"}))
        said = [json.loads(stream.recv(timeout=10)) for _ in range(2)]
        assert {one["event"] for one in said} == {"message", "published"}, "one copy, though two patterns match"
        stream.send(json.dumps({"do": "presence", "topic": "one/a"}))
        assert next_of(stream, "presence")["listeners"] == 1
        stream.send(json.dumps({"do": "unsubscribe", "topics": ["one/a", "one/#"]}))
        assert next_of(stream, "unsubscribed")["topics"] == ["one/a", "one/#"]
        owner.post("/hub/one/a", content="unheard")
        stream.send(json.dumps({"do": "publish", "messages": [{"topic": "one/b", "data": 1}, {"topic": "fazt/x"}]}))
        receipts = next_of(stream, "published")["receipts"]
        assert (receipts[0]["n"], receipts[1]["error"]["kind"]) == (1, "forbidden")
        for wrong in ("nonsense", "{}", '{"do": "fly"}', '{"do": "subscribe", "topics": ["a#"]}'):
            stream.send(wrong)
            assert next_of(stream, "error")["kind"] == "invalid"


def test_a_volatile_topic_keeps_nothing(shared_program: Program, owner: httpx.Client, token: str) -> None:
    assert owner.put("/api/v1/pubsub/topics?topic=vol/a", json={"volatile": True}).status_code == 200
    with hear(shared_program, "/hub/vol/%2B/ws", token) as stream:
        next_of(stream, "subscribed")
        said = wait_until(lambda: "seq" not in owner.post("/hub/vol/a", content="1").json())
        assert said
        assert next_of(stream)["data"] == "1"
        owner.post("/hub/vol/b?volatile=1", content="2")
        assert next_of(stream, "message") is not None
    assert "2" not in owner.get("/hub/vol/b/raw?poll=1").text


def test_presence(shared_program: Program, owner: httpx.Client, token: str) -> None:
    with listening(shared_program, "/hub/here/t/json", **bearer(token)) as stream:
        stream.event()
        found = owner.get("/hub/here/t/presence").json()
        assert (found["listeners"], found["known"][0]["door"]) == (1, "json")
    wait_until(lambda: owner.get("/hub/here/t/presence").json()["listeners"] == 0)


def test_rules_open_and_close_topics(shared_program: Program, owner: httpx.Client) -> None:
    rule = {"pattern": "pub/#", "who": "everyone", "may": "read"}
    owner.post("/hub/pub/a", content="seen")
    with shared_program.client() as stranger:
        assert stranger.get("/hub/pub/a").status_code == 401
        assert owner.put("/api/v1/pubsub/rules", json=rule).status_code == 200
        wait_until(lambda: stranger.get("/hub/pub/a").text == "seen")
        assert stranger.post("/hub/pub/a", content="x").status_code == 401
        assert [json.loads(line)["topic"] for line in stranger.get("/hub/%23/json?poll=1").text.splitlines()] == [
            "pub/a"
        ]
        with listening(shared_program, "/hub/pub/a/json") as stream:
            stream.event()
            owner.delete("/api/v1/pubsub/rules", params={"pattern": "pub/#", "who": "everyone"})
            wait_until(lambda: stranger.get("/hub/pub/a").status_code == 401)
            owner.post("/hub/pub/a", content="secret")
            wait_until(lambda: owner.get("/hub/pub/a/presence").json()["listeners"] == 0)


def test_strangers_are_held_to_a_measure(shared_program: Program, owner: httpx.Client) -> None:
    owner.put("/api/v1/pubsub/rules", json={"pattern": "guests", "who": "everyone", "may": "rw"})
    owner.put("/api/v1/settings/pubsub.visitor_burst", json={"value": 5})
    with shared_program.client() as stranger:
        wait_until(lambda: stranger.post("/hub/guests", content="x").status_code == 200)
        answers = [stranger.post("/ntfy/guests", content="x") for _ in range(6)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == 42901
    assert int(answers[-1].headers["retry-after"]) > 0


def test_tokens_are_held_to_their_topics(shared_program: Program, owner: httpx.Client) -> None:
    narrow = shared_program.run("token", "create", "n", "--scope", "pubsub:write:sensors/*").stdout.strip()
    with shared_program.client(headers=bearer(narrow)) as client:
        assert client.post("/hub/sensors/a", content="1").status_code == 200
        assert client.post("/hub/other", content="1").status_code == 403
        assert client.get("/hub/sensors/a").status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        hear(shared_program, "/hub/sensors/a/ws", narrow)
    assert refused.value.response.status_code == 403
    assert b"You may not listen to sensors/a" in refused.value.response.body


def test_a_link_shows_one_topic_until_it_is_revoked(shared_program: Program, owner: httpx.Client) -> None:
    owner.post("/hub/linked/t", content="7")
    share = owner.post("/api/v1/pubsub/shares", json={"topic": "linked/t"}).json()
    with shared_program.client() as stranger:
        assert stranger.get(f"/hub/linked/t/raw?poll=1&share={share['token']}").text == "7\n"
        assert stranger.get(f"/hub/linked/u/raw?poll=1&share={share['token']}").status_code == 401
        assert stranger.post(f"/hub/linked/t?share={share['token']}", content="x").status_code == 401
        owner.delete(f"/api/v1/pubsub/shares/{share['id']}")
        assert stranger.get(f"/hub/linked/t/raw?poll=1&share={share['token']}").status_code == 404


def test_what_apps_tell_and_documents_that_change(shared_program: Program, owner: httpx.Client) -> None:
    with shared_program.owner() as client, client.stream("GET", "/hub/db/fruit,fazt/textdb.changed/json") as answer:
        lines = answer.iter_lines()
        assert json.loads(next(lines))["event"] == "ready"
        owner.post("/db/fruit", json={"name": "apple"})
        found = sorted((json.loads(next(lines)) for _ in range(2)), key=lambda one: str(one["topic"]))
    assert [one["topic"] for one in found] == ["db/fruit", "fazt/textdb.changed"]
    assert (found[0]["data"]["collection"], found[0]["data"]["change"]) == ("fruit", "created")
    wide = shared_program.run("token", "create", "w", "--scope", "pubsub:read").stdout.strip()
    with shared_program.client(headers=bearer(wide)) as client:
        assert client.get("/hub/db/fruit/json?poll=1").status_code == 403


def test_other_origins_may_use_it(shared_program: Program) -> None:
    with shared_program.client(headers={"origin": "https://a.example"}) as client:
        asked = client.options("/hub/x", headers={"access-control-request-method": "POST"})
        assert asked.headers["access-control-allow-origin"] == "*"
        assert "authorization" in asked.headers["access-control-allow-headers"]
        assert client.post("/hub/x", content="1").headers["access-control-allow-origin"] == "*"
        assert client.delete("/hub/x").status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("POST", "/hub/" + "x" * 300, 400, "200 bytes"),
        ("POST", "/hub/a//b", 400, "name of a topic"),
        ("POST", "/hub/%ff", 400, "UTF-8"),
        ("POST", "/hub/a/%23", 400, "name of a topic"),
        ("GET", "/hub/a/%23/b/sse", 400, "come last"),
        ("GET", "/hub/a/sse?since=yesterday", 400, "since is"),
        ("GET", "/hub/a/sse?slow=maybe", 400, "slow is"),
        ("GET", "/hub/a/ws", 400, "WebSockets"),
        ("GET", "/hub/sse", 400, "Name a topic"),
    ],
)
def test_what_is_wrong_is_named(owner: httpx.Client, method: str, path: str, status: int, said: str) -> None:
    answer = owner.request(method, path, content="x" if method == "POST" else None)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text


def test_messages_that_are_too_large(shared_program: Program, owner: httpx.Client, token: str) -> None:
    answer = owner.post("/hub/large", content=b"x" * 300_000)
    assert (answer.status_code, answer.json()["details"]["max_bytes"]) == (413, 262_144)
    assert owner.post("/hub/", json=[{"topic": "a"}] * 1_001).status_code == 413
    with hear(shared_program, "/hub/ws", token) as stream:
        stream.send(json.dumps({"do": "publish", "topic": "large", "data": "x" * 300_000}))
        assert next_of(stream, "error")["max_bytes"] == 262_144
        stream.send(json.dumps({"do": "subscribe", "topics": [f"t{n}" for n in range(10_001)]}))
        assert next_of(stream, "error")["limit"] == 10_000
        stream.send("x" * 1_100_000)
        with pytest.raises(ConnectionClosed) as closed:
            next_of(stream, "never")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    "frame", [b"\x81\x01a", b"\xff\xff\xff\xff", b"\x81\x82\0\0\0\0\xff\xfe", b"\x82\x81\0\0\0\0x"]
)
def test_malformed_frames_end_the_connection(shared_program: Program, token: str, frame: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shared_program.port), timeout=10) as raw:
        raw.sendall(
            b"GET /hub/m/ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"authorization: Bearer " + token.encode() + b"\r\n\r\n" + b""
        )
        assert b"101" in raw.recv(4_096)
        raw.sendall(frame)
        rest = b""
        while piece := raw.recv(4_096):
            rest += piece
        assert rest[rest.rindex(b"\x88") + 2 :][:2] in {b"\x03\xea", b"\x03\xef", b"\x03\xeb"}
