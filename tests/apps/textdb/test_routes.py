"""/db over real HTTP."""

from __future__ import annotations

import json
import socket
import threading
from itertools import count
from typing import Any

import httpx
import pytest

from tests.program import Program, wait_until

NAMES = count()


@pytest.fixture(scope="module")
def owner(shared_program: Program) -> Any:
    with shared_program.owner() as client:
        yield client


@pytest.fixture
def stranger(shared_program: Program) -> Any:
    with shared_program.client() as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"notes{next(NAMES)}"


def configure(owner: httpx.Client, name: str, **settings: Any) -> None:
    answer = owner.put(f"/api/v1/textdb/collections/{name}", json=settings)
    assert answer.status_code == 200, answer.text


def test_a_document_is_kept_as_it_was_sent(owner: httpx.Client, name: str) -> None:
    sent = '{"z": 1, "a": [1.50, 123456789012345678901234567890], "é": "\\u0000"}'
    made = owner.post(f"/db/{name}", content=sent.encode())
    assert made.status_code == 201
    assert made.headers["location"] == f"/db/{name}/{made.json()['id']}"
    got = owner.get(made.headers["location"])
    assert got.text == f'{sent[:-1]},"id":"{made.json()["id"]}"}}'
    assert got.headers["etag"] == made.headers["etag"]


@pytest.mark.parametrize("asked", ["a", "a_gte", "a_like", "q", "_fields", "_sort", "where", "at", "_cursor"])
@pytest.mark.parametrize("sign", ["1", "(", "a,", "%25", "%C3%A9"])
def test_a_very_long_question_is_refused(owner: httpx.Client, name: str, asked: str, sign: str) -> None:
    owner.put(f"/db/{name}/1", content=b'{"a": 1}')
    answer = owner.get(f"/db/{name}?{asked}={sign * 9_000}")
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("value", [1, "text", [1, 2], None, True, {}, [], "", 0.5])
def test_any_json_is_a_document(owner: httpx.Client, name: str, value: Any) -> None:
    answer = owner.put(f"/db/{name}/x", content=json.dumps(value).encode())
    assert answer.status_code == 201
    expected = {"id": "x"} if value == {} else value
    assert owner.get(f"/db/{name}/x").json() == expected
    assert owner.get(f"/db/{name}").json() == [expected]


@pytest.mark.parametrize(
    "sent", [b"", b"{", b"NaN", b'{"a":1,"a":2}', b"\xff", b'"\\ud800"', b"[" * 500 + b"]" * 500, b'{"id":1.5}']
)
def test_what_is_no_json_is_refused(owner: httpx.Client, name: str, sent: bytes) -> None:
    answer = owner.post(f"/db/{name}", content=sent)
    assert answer.status_code in {400, 413}
    assert answer.headers["content-type"] == "application/problem+json"


def test_ids_of_documents_sort_by_time(owner: httpx.Client, name: str) -> None:
    made = [owner.post(f"/db/{name}", json={"n": n}).json()["id"] for n in range(3)]
    assert [row["id"] for row in owner.get(f"/db/{name}").json()] == made


def test_etags_guard_every_change(owner: httpx.Client, name: str) -> None:
    path = f"/db/{name}/a"
    first = owner.put(path, json={"n": 1}, headers={"if-none-match": "*"})
    assert first.status_code == 201
    assert owner.put(path, json={"n": 2}, headers={"if-none-match": "*"}).status_code == 412
    tag = first.headers["etag"]
    assert owner.get(path, headers={"if-none-match": tag}).status_code == 304
    second = owner.put(path, json={"n": 2}, headers={"if-match": tag})
    assert second.status_code == 200
    assert owner.patch(path, json={"n": 3}, headers={"if-match": tag}).status_code == 412
    assert owner.delete(path, headers={"if-match": tag}).status_code == 412
    assert owner.get(path, headers={"if-none-match": tag}).status_code == 200
    assert owner.delete(path, headers={"if-match": second.headers["etag"]}).status_code == 200
    assert owner.get(path).status_code == 404
    assert owner.put(f"/db/{name}/b", json={}, headers={"if-match": "*"}).status_code == 412


def test_a_collection_may_demand_if_match(owner: httpx.Client, name: str) -> None:
    configure(owner, name, requireMatch=True)
    tag = owner.put(f"/db/{name}/a", json={}).headers["etag"]
    assert owner.put(f"/db/{name}/a", json={}).status_code == 428
    assert owner.delete(f"/db/{name}/a").status_code == 428
    assert owner.patch(f"/db/{name}/a", json={"x": 1}, headers={"if-match": tag}).status_code == 200


def test_three_kinds_of_patches(owner: httpx.Client, name: str) -> None:
    path = f"/db/{name}/a"
    owner.put(path, json={"a": {"b": 1, "c": 2}, "n": 1, "tags": ["x"]})
    merged = owner.patch(path, json={"a": {"b": None}, "d": 4})
    assert merged.json() == {"a": {"c": 2}, "n": 1, "tags": ["x"], "id": "a", "d": 4}
    operations = [{"op": "test", "path": "/d", "value": 4}, {"op": "remove", "path": "/d"}]
    kind = {"content-type": "application/json-patch+json"}
    assert "d" not in owner.patch(path, json=operations, headers=kind).json()
    assert owner.patch(path, json=operations, headers=kind).status_code == 409
    update = {"$inc": {"n": 2, "hits": 1}, "$push": {"tags": "y"}, "$unset": ["a"]}
    kind = {"content-type": "application/vnd.fazt.update+json"}
    assert owner.patch(path, json=update, headers=kind).json() == {"n": 3, "tags": ["x", "y"], "id": "a", "hits": 1}
    assert owner.patch(path, content=b"<a/>", headers={"content-type": "text/xml"}).status_code == 400
    assert owner.patch(f"/db/{name}/none", json={}).status_code == 404
    made = owner.patch(f"/db/{name}/new?_upsert=true", json={"$inc": {"n": 1}}, headers=kind)
    assert (made.status_code, made.json()) == (201, {"n": 1, "id": "new"})


def test_pages_are_linked_and_counted(owner: httpx.Client, name: str) -> None:
    operations = [{"op": "create", "collection": name, "body": {"n": n, "even": n % 2 == 0}} for n in range(25)]
    assert owner.post("/db/_batch", json={"operations": operations}).status_code == 200
    page = owner.get(f"/db/{name}?even=true&_sort=n&_order=desc&_page=2&_limit=5")
    assert [row["n"] for row in page.json()] == [14, 12, 10, 8, 6]
    assert page.headers["x-total-count"] == "13"
    assert set(page.links) == {"first", "prev", "next", "last"}
    assert owner.get(page.links["next"]["url"]).json()[0]["n"] == 4
    seen, path = [], f"/db/{name}?_cursor=&_limit=7&_sort=-n"
    while path:
        page = owner.get(path)
        seen += [row["n"] for row in page.json()]
        path = page.links.get("next", {}).get("url", "")
    assert seen == list(range(24, -1, -1))
    tag = owner.get(f"/db/{name}?_limit=3").headers["etag"]
    assert owner.get(f"/db/{name}?_limit=3", headers={"if-none-match": tag}).status_code == 304
    owner.post(f"/db/{name}", json={})
    assert owner.get(f"/db/{name}?_limit=3", headers={"if-none-match": tag}).status_code == 200


def test_filters_say_where_they_are_wrong(owner: httpx.Client, name: str) -> None:
    owner.post(f"/db/{name}", json={"age": 3, "tags": ["x"]})
    where = {"where": '(age >= 3 && tags ?= "x")'}
    assert owner.get(f"/db/{name}", params=where).headers["x-total-count"] == "1"
    problem = owner.get(f"/db/{name}", params={"where": "age >= "})
    assert problem.status_code == 400
    assert problem.json()["details"]["position"] == 7
    assert owner.get(f"/db/{name}?_embed=x").status_code == 400
    assert owner.get(f"/db/{name}?_limit=100000").status_code == 400


def test_figures_by_group(owner: httpx.Client, name: str) -> None:
    for status, price in [("open", 2), ("open", 3.5), ("done", 4)]:
        owner.post(f"/db/{name}", json={"status": status, "price": price})
    rows = owner.get(f"/db/{name}/_aggregate?_group=status&_sum=price&_max=price").json()
    assert rows == [
        {"status": "done", "count": 1, "sum": {"price": 4}, "max": {"price": 4}},
        {"status": "open", "count": 2, "sum": {"price": 5.5}, "max": {"price": 3.5}},
    ]


def test_a_batch_is_all_or_nothing(owner: httpx.Client, name: str) -> None:
    owner.put(f"/db/{name}/a", json={"n": 1})
    operations = [
        {"op": "merge", "collection": name, "id": "a", "body": {"n": 2}},
        {"op": "create", "collection": f"{name}-other", "body": {"n": 1}},
        {"op": "delete", "collection": name, "id": "missing"},
    ]
    answer = owner.post("/db/_batch", json=operations)
    assert (answer.status_code, answer.json()["details"]) == (404, {"operation": 2})
    assert owner.get(f"/db/{name}/a").json()["n"] == 1
    assert owner.get(f"/db/{name}-other").status_code == 404
    answer = owner.post("/db/_batch", json=operations[:2])
    assert [result["change"] for result in answer.json()["results"]] == ["updated", "created"]


def test_an_index_is_advised_and_then_used(owner: httpx.Client, name: str) -> None:
    owner.post(f"/db/{name}", json={"age": 3})
    asked = {"where": "age == 3", "_sort": "-name"}
    plan = owner.get(f"/db/{name}/_explain", params=asked).json()
    assert (plan["usesIndex"], plan["advice"]) == (False, "age,-name")
    configure(owner, name, indexes=[plan["advice"]])
    plan = owner.get(f"/db/{name}/_explain", params=asked).json()
    assert plan["usesIndex"]
    assert any("textdb_ix_" in step for step in plan["steps"])
    assert not any("TEMP B-TREE" in step for step in plan["steps"])


def test_history_and_the_past(owner: httpx.Client, name: str) -> None:
    path = f"/db/{name}/a"
    first = owner.put(path, json={"n": 1})
    at = owner.get(f"{path}").headers["x-updated-at"]
    wait_until(lambda: owner.put(path, json={"n": 2}).headers and owner.get(path).headers["x-updated-at"] != at)
    assert owner.get(path, params={"at": at}).json()["n"] == 1
    assert [row["n"] for row in owner.get(f"/db/{name}", params={"at": at}).json()] == [1]
    owner.delete(path)
    versions = owner.get(f"{path}/_history").json()
    assert versions[-1]["body"] == {"n": 1, "id": "a"}
    seq = int(first.headers["etag"].strip('"'))
    assert owner.post(f"{path}/_restore", json={"seq": seq}).json() == {"n": 1, "id": "a"}
    assert owner.get(path).json()["n"] == 1


def test_the_feed_by_poll_and_by_stream(owner: httpx.Client, shared_program: Program, name: str) -> None:
    owner.put(f"/db/{name}/a", json={"n": 1})
    owner.delete(f"/db/{name}/a")
    feed = owner.get(f"/db/{name}/_changes").json()
    assert [(entry["id"], entry.get("deleted")) for entry in feed["changes"]] == [("a", True)]
    assert (feed["lastSeq"], feed["more"], feed["reset"]) == (2, False, False)
    heard: list[Any] = []

    def poll() -> None:
        with shared_program.owner() as client:
            heard.append(client.get(f"/db/{name}/_changes?feed=longpoll&since=2&timeout=20000").json())

    waiting = threading.Thread(target=poll)
    waiting.start()
    with owner.stream("GET", f"/db/{name}/_changes?feed=eventsource&since=0") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("id:")) == "id: 2"
        with shared_program.owner() as other:
            other.put(f"/db/{name}/b", json={"n": 2})
        assert next(line for line in lines if line.startswith("id:")) == "id: 3"
        assert json.loads(next(line for line in lines if line.startswith("data:"))[5:])["doc"] == {"n": 2, "id": "b"}
    waiting.join(20)
    assert [entry["id"] for entry in heard[0]["changes"]] == ["b"]
    assert owner.get(f"/db/{name}/_changes?since=now").json()["changes"] == []


def test_rules_hold_everywhere(owner: httpx.Client, stranger: httpx.Client, name: str) -> None:
    owner.put(f"/db/{name}/secret", json={"public": False})
    owner.put(f"/db/{name}/open", json={"public": True})
    for path in ("", "/secret", "/_changes", "/_aggregate", "/_export", "/secret/_history"):
        assert stranger.get(f"/db/{name}{path}").status_code == 401
    assert stranger.get("/db/does-not-exist").status_code == 401
    configure(owner, name, rules={"read": "public == true", "create": "public"})
    assert [row["id"] for row in stranger.get(f"/db/{name}").json()] == ["open"]
    assert stranger.get(f"/db/{name}").headers["x-total-count"] == "1"
    assert stranger.get(f"/db/{name}/secret").status_code == 404
    assert stranger.get(f"/db/{name}/secret/_history").status_code == 404
    assert stranger.get(f"/db/{name}/_aggregate").json() == [{"count": 1}]
    assert [json.loads(line)["id"] for line in stranger.get(f"/db/{name}/_export").text.splitlines()] == ["open"]
    assert [entry["id"] for entry in stranger.get(f"/db/{name}/_changes").json()["changes"]] == ["open"]
    assert stranger.post(f"/db/{name}", json={"public": False}).status_code == 201
    assert stranger.put(f"/db/{name}/open", json={}).status_code == 401
    assert stranger.delete(f"/db/{name}/open").status_code == 401
    assert stranger.get(f"/db/{name}/_explain").status_code == 401
    since = stranger.get(f"/db/{name}/_changes").json()["lastSeq"]
    owner.put(f"/db/{name}/open", json={"public": False})
    gone = stranger.get(f"/db/{name}/_changes", params={"since": since}).json()["changes"]
    assert [(entry["id"], entry["deleted"]) for entry in gone] == [("open", True)]


def test_tokens_are_held_to_their_collection(owner: httpx.Client, stranger: httpx.Client, name: str) -> None:
    owner.put(f"/db/{name}/a", json={})
    scopes = [f"textdb:read:{name}", f"textdb:rw:{name}-mine"]
    token = owner.post("/api/v1/tokens", json={"name": name, "scopes": scopes}).json()["secret"]
    stranger.headers["authorization"] = f"Bearer {token}"
    assert stranger.get(f"/db/{name}/a").status_code == 200
    assert stranger.put(f"/db/{name}/a", json={}).status_code == 403
    assert stranger.put(f"/db/{name}-mine/a", json={}).status_code == 201
    assert stranger.get(f"/db/{name}-else").status_code in {401, 403}
    assert stranger.put(f"/db/{name}-else/a", json={}).status_code in {401, 403}


def test_schema_size_and_count_are_limits(owner: httpx.Client, name: str) -> None:
    schema = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}
    configure(owner, name, schema=schema, maxBytes=100, maxDocuments=1)
    problem = owner.post(f"/db/{name}", json={"title": 1})
    assert problem.status_code == 400
    assert "/title" in problem.json()["details"]["fields"]
    assert owner.post(f"/db/{name}", json={"title": "x" * 200}).status_code == 413
    assert owner.put(f"/db/{name}/a", json={"title": "x"}).status_code == 201
    assert owner.patch(f"/db/{name}/a", json={"title": None}).status_code == 400
    assert owner.post(f"/db/{name}", json={"title": "y"}).status_code == 507
    assert owner.put("/api/v1/textdb/collections/x", json={"schema": {"type": 3}}).status_code == 400


def test_words_are_found_with_and_without_an_index(owner: httpx.Client, name: str) -> None:
    owner.put(f"/db/{name}/a", json={"title": "Crème brûlée", "key": "nothing"})
    assert [row["id"] for row in owner.get(f"/db/{name}?q=brûl").json()] == ["a"]
    assert owner.get(f"/db/{name}?q=title").json() == []
    configure(owner, name, search=["*"])
    assert [row["id"] for row in owner.get(f"/db/{name}?q=creme").json()] == ["a"]
    owner.patch(f"/db/{name}/a", json={"title": "Apple pie"})
    assert owner.get(f"/db/{name}?q=creme").json() == []
    assert [row["id"] for row in owner.get(f"/db/{name}?q=pie appl").json()] == ["a"]


def test_other_origins_may_read_answers_and_errors(owner: httpx.Client, stranger: httpx.Client, name: str) -> None:
    origin = {"origin": "https://app.example"}
    asks = {**origin, "access-control-request-method": "PUT", "access-control-request-headers": "if-match"}
    preflight = stranger.options(f"/db/{name}/a", headers=asks)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    refused = stranger.get(f"/db/{name}", headers=origin)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "*")
    configure(owner, name, cors=["https://app.example"], rules={"read": "public"})
    allowed = stranger.get(f"/db/{name}", headers=origin)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    other = stranger.get(f"/db/{name}", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_in_and_out_as_ndjson_and_csv(owner: httpx.Client, name: str) -> None:
    text = '{"id":"a","n":1}\n\n{"id":"b","t":"x,\\"y\\"\\nz"}\n{broken\n'
    report = owner.post(f"/db/{name}/_import", content=text, headers={"content-type": "application/x-ndjson"}).json()
    assert (report["created"], report["failed"], report["problems"][0]["line"]) == (2, 1, 4)
    out = owner.get(f"/db/{name}/_export?format=csv").text
    assert out == 'id,n,t\r\na,1,\r\nb,,"x,""y""\nz"\r\n'
    report = owner.post(f"/db/{name}/_import", content=out, headers={"content-type": "text/csv"}).json()
    assert report == {"created": 0, "replaced": 2, "failed": 0, "problems": []}
    assert [json.loads(line) for line in owner.get(f"/db/{name}/_export").text.splitlines()] == [
        {"id": "a", "n": 1},
        {"id": "b", "t": 'x,"y"\nz'},
    ]


def test_documents_expire(owner: httpx.Client, name: str) -> None:
    owner.put(f"/db/{name}/stays", json={})
    owner.put(f"/db/{name}/goes?_ttl=1", json={})
    assert owner.get(f"/db/{name}").headers["x-total-count"] == "2"
    wait_until(lambda: owner.get(f"/db/{name}/goes").status_code == 404)
    assert [row["id"] for row in owner.get(f"/db/{name}").json()] == ["stays"]
    assert owner.get(f"/db/{name}").headers["x-total-count"] == "1"
    assert owner.post(f"/db/{name}", json={"id": "goes"}).status_code == 201


def test_odd_addresses(owner: httpx.Client, name: str) -> None:
    owner.put(f"/db/{name}/a%20b%3F", json={})
    assert owner.get(f"/db/{name}").json() == [{"id": "a b?"}]
    for path in ("/db/_x", f"/db/{name}/_x", "/db/a%2Fb", f"/db/{name}/a/b", f"/db/{name}/%00", "/db/%ff"):
        assert owner.get(path).status_code in {400, 404}, path
    answer = owner.request("DELETE", f"/db/{name}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert owner.head(f"/db/{name}").headers["x-total-count"] == "1"


def before_the_body(program: Program, head: str) -> bytes:
    """What is said to a request whose client waits to be asked for the body; nobody sends one."""
    with socket.create_connection(("127.0.0.1", program.port), 10) as opened:
        lines = f"{head}\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n"
        opened.sendall(lines.encode())
        return opened.recv(65_536)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_who_may_not_write_is_refused_before_the_body_is_asked_for(
    shared_program: Program, owner: httpx.Client, name: str, method: str
) -> None:
    one, missing = (f"/db/{place}" + ("" if method == "POST" else "/1") for place in (name, "missing"))
    owner.put(f"/db/{name}/1", content=b'{"a": 1}')
    reading = shared_program.run("token", "create", "reads", "--scope", "textdb:read").stdout.strip()
    for path in (one, missing):
        assert before_the_body(shared_program, f"{method} {path} HTTP/1.1").startswith(b"HTTP/1.1 401 ")
        told = before_the_body(shared_program, f"{method} {path} HTTP/1.1\r\nauthorization: Bearer {reading}")
        assert told.startswith(b"HTTP/1.1 403 ")
    writing = shared_program.run("token", "create", "writes", "--scope", "textdb:rw").stdout.strip()
    asked = before_the_body(shared_program, f"{method} {one} HTTP/1.1\r\nauthorization: Bearer {writing}")
    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    configure(owner, name, rules={"read": "public", "create": "public"})
    asked = before_the_body(shared_program, f"{method} {one} HTTP/1.1")
    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
