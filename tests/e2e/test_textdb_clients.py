"""Clients of /db that no one here wrote, and json-server itself, asked the same."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.program import Program, wait_until

FOLDER = Path(__file__).parent
REQUESTS = 1_500
WORDS = ["alpha", "beta", "gamma", "Delta", "epsilon", "alphabet"]
WATCH_AND_SERVE = """
const server = require('json-server').create();
const router = require('json-server').router({things: []});
server.use(require('json-server').defaults({logger: false}));
server.use(router);
const listening = server.listen(0, '127.0.0.1', () => console.log(listening.address().port));
"""


def test_react_admin_works_on_db(program: Program) -> None:
    with program.owner() as owner:
        token = owner.post("/api/v1/tokens", json={"name": "admin", "scopes": ["textdb:rw"]}).json()["secret"]
    command = ["node", "textdb_admin.mjs", f"{program.url}/db", token]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "whole", done.stdout + done.stderr


@pytest.fixture
def original() -> Iterator[httpx.Client]:
    """json-server 0.17 with an empty list of things."""
    command = ["node", "-e", WATCH_AND_SERVE]
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                wait_until(lambda: client.get("/things").status_code == 200)
                yield client
        finally:
            process.kill()


def random_thing(chance: random.Random) -> dict[str, Any]:
    """A document in which a field has one type everywhere, as in a real collection."""
    thing: dict[str, Any] = {"id": chance.randrange(1, 60), "word": chance.choice(WORDS), "n": chance.randrange(20)}
    if chance.random() < 0.7:
        thing["inner"] = {"deep": chance.choice(WORDS), "flag": chance.random() < 0.5}
    if chance.random() < 0.5:
        thing["tags"] = chance.sample(WORDS, 2)
    return thing


def random_list(chance: random.Random) -> list[tuple[str, str]]:
    """The query of a list, in what the dialects share (docs/guide/textdb.md lists the rest)."""
    query: list[tuple[str, str]] = [("_limit", "1000")]
    options: list[list[tuple[str, str]]] = [
        [("word", chance.choice(WORDS))],
        [("word", chance.choice(WORDS)), ("word", chance.choice(WORDS))],
        [("n", str(chance.randrange(20)))],
        [("n_gte", str(chance.randrange(20)))],
        [("n_lte", str(chance.randrange(20)))],
        [("n_gte", "5"), ("n_lte", "12")],
        [("word_ne", chance.choice(WORDS))],
        [("word_like", chance.choice(["al", "LPH", "eta", "xyz"]))],
        [("inner.deep", chance.choice(WORDS))],
        [("inner.flag", chance.choice(["true", "false"]))],
        [("inner.deep_ne", chance.choice(WORDS))],
        [("tags.0", chance.choice(WORDS))],
        [("id", str(chance.randrange(60))), ("id", str(chance.randrange(60)))],
        [("id_ne", str(chance.randrange(60)))],
        [("q", chance.choice(["alph", "TA", "1", "zzz", "gamma"]))],
    ]
    for option in chance.sample(options, chance.randrange(3)):
        if not {name for name, _ in option} & {name for name, _ in query}:
            query += option
    if chance.random() < 0.5:
        order = chance.choice(["asc", "desc"])
        query += [("_sort", "word,id"), ("_order", f"{chance.choice(['asc', 'desc'])},{order}")]
    if chance.random() < 0.4:
        start = chance.randrange(10)
        query = [pair for pair in query if pair[0] != "_limit"]
        query += [("_start", str(start)), ("_end", str(start + chance.randrange(1, 10)))]
    elif chance.random() < 0.5:
        query = [pair for pair in query if pair[0] != "_limit"]
        query += [("_page", str(chance.randrange(1, 5))), ("_limit", str(chance.randrange(1, 8)))]
    return query


def same_answer(ours: httpx.Response, theirs: httpx.Response) -> bool:
    """Status and body; and of a list the total and which pages are linked."""
    if ours.status_code != theirs.status_code:
        return False
    if ours.is_error:
        return True
    if ours.json() != theirs.json():
        return False
    if "x-total-count" in theirs.headers and ours.headers["x-total-count"] != theirs.headers["x-total-count"]:
        return False
    return set(theirs.links) <= set(ours.links)


def test_the_same_requests_to_json_server(program: Program, original: httpx.Client) -> None:
    chance = random.Random(20)
    with program.owner() as owner:
        configured = owner.put("/api/v1/textdb/collections/things", json={})
        assert configured.status_code == 200
        for number in range(REQUESTS):
            method, path, options = random_request(chance)
            ours = owner.request(method, f"/db{path}", **options)
            theirs = original.request(method, path, **options)
            if method == "POST" and theirs.status_code == 500:  # a difference on purpose: a taken id is a conflict
                assert ours.status_code == 409
                continue
            if method == "PUT" and theirs.status_code == 404:  # likewise: with If-Match, nothing there is a mismatch
                assert ours.status_code == 412
                continue
            shown = f"{number}: {method} {path} {options}\nfazt {ours.status_code} {ours.text[:2000]}\n"
            shown += f"json-server {theirs.status_code} {theirs.text[:2000]}\n{ours.headers}\n{theirs.headers}"
            assert same_answer(ours, theirs), shown


def random_request(chance: random.Random) -> tuple[str, str, dict[str, Any]]:
    """(method, path, options of httpx) in what both understand."""
    id_ = chance.randrange(1, 60)
    thing = random_thing(chance)
    kind = chance.choices(["list", "post", "get", "put", "patch", "delete"], [40, 25, 10, 8, 10, 7])[0]
    if kind == "list":
        return "GET", "/things", {"params": random_list(chance)}
    if kind == "post":
        return "POST", "/things", {"json": thing}
    if kind == "get":
        return "GET", f"/things/{id_}", {}
    if kind == "put":  # json-server answers 404 for what is not there; fazt would make it
        return "PUT", f"/things/{id_}", {"json": thing | {"id": id_}, "headers": {"if-match": "*"}}
    if kind == "patch":
        return "PATCH", f"/things/{id_}", {"json": {"n": chance.randrange(20), "word": chance.choice(WORDS)}}
    return "DELETE", f"/things/{id_}", {}
