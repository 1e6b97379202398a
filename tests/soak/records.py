"""Writers of small things: documents, topics, links and clicks, functions, tokens, and backups of all of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

import httpx

from tests.apps.sites.archives import make_tar
from tests.program import wait_until
from tests.soak.writer import Writer

FUNCTION = b"""
export default { async fetch(request) {
  const name = new URL(request.url).pathname.slice(1);
  await db.set(name, { name });
  return new Response(name, { status: 201 });
} };
"""


class Documents(Writer):
    """Documents of TextDB."""

    app = "textdb"

    def prepare(self, owner: httpx.Client) -> None:
        owner.put("/db/soak/first", json={}).raise_for_status()

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.put(f"/db/soak/{name}", json={"name": name}).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        return (name for name in names if owner.get(f"/db/soak/{name}").json().get("name") != name)


class Topics(Writer):
    """Messages on topics, a new topic every few thousand, so that none has to be forgotten."""

    app = "pubsub"
    most = 4_000

    def prepare(self, owner: httpx.Client) -> None:
        """Topics are there when they are spoken to."""

    def _topic_of(self, name: str) -> str:
        return f"soak{int(name.rpartition('-')[2]) // self.most}"

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.post(f"/hub/{self._topic_of(name)}?key={name}", content=name).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        topics = {self._topic_of(name) for name in names}
        kept = "".join(owner.get(f"/hub/{topic}/raw?poll=1&since=all").raise_for_status().text for topic in topics)
        there = set(kept.split())
        return (name for name in names if name not in there)


class Pads(Writer):
    """Lines at the end of a pad, a new pad every few hundred."""

    app = "pads"
    most = 500

    def prepare(self, owner: httpx.Client) -> None:
        """Pads are there when they are written to."""

    def _pad_of(self, name: str) -> str:
        return f"/pad/soak{int(name.rpartition('-')[2]) // self.most}"

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.post(self._pad_of(name), content=f"{name}\n").raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        texts = {pad: set(owner.get(pad).text.split("\n")) for pad in {self._pad_of(name) for name in names}}
        return (name for name in names if name not in texts[self._pad_of(name)])


class Links(Writer):
    """Short links."""

    app = "links"

    def prepare(self, owner: httpx.Client) -> None:
        owner.put("/api/v1/settings/links.fetch_titles", json={"value": False}).raise_for_status()

    def write(self, owner: httpx.Client, name: str) -> None:
        body = {"target": f"https://example.org/{name}", "slug": name}
        owner.post("/api/v1/links", json=body).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        return (name for name in names if owner.get(f"/r/{name}").headers.get("location", "")[20:] != name)


class Clicks(Writer):
    """Visits of a short link; each says where it comes from."""

    app = "clicks"

    def prepare(self, owner: httpx.Client) -> None:
        body = {"target": "https://example.org/", "slug": "soak"}
        owner.post("/api/v1/links", json=body).raise_for_status()

    def connect(self) -> httpx.Client:
        return self.program.client(headers={"user-agent": "Mozilla/5.0 Firefox/145.0"})

    def write(self, owner: httpx.Client, name: str) -> None:
        answer = owner.get("/r/soak", headers={"referer": f"https://{name}.example/"})
        if answer.status_code != 302:
            answer.raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterable[str]:
        with closing(sqlite3.connect(self.program.data)) as conn:
            rows = conn.execute("SELECT referrer FROM core_visit WHERE kind = 'link'").fetchall()
        return {f"{name}.example" for name in names} - {referrer for (referrer,) in rows}


class Functions(Writer):
    """A function in JavaScript that keeps what it is asked for."""

    app = "runtime"

    def prepare(self, owner: httpx.Client) -> None:
        owner.put("/api/v1/sites/worker", content=make_tar({"main.js": FUNCTION})).raise_for_status()
        with self.connect() as visitor:
            wait_until(lambda: visitor.get("/first").status_code == 201, 30, "the function")

    def connect(self) -> httpx.Client:
        return self.program.client(headers={"host": "worker.localhost"})

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.get(f"/{name}").raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterable[str]:
        wanted, start = set(names), self.app
        with self.program.owner() as reader:
            while wanted:
                asked: dict[str, str | int] = {"prefix": self.app, "start": start, "limit": 1_000}
                page = reader.get("/api/v1/functions/worker/kv", params=asked).raise_for_status().json()
                if not page:
                    break
                wanted -= {entry["key"] for entry in page}
                start = page[-1]["key"] + "\x01"
        return wanted


class Tokens(Writer):
    """Tokens, which are core's own; a person may have a thousand."""

    app = "core"
    pause_s = 1.0

    def prepare(self, owner: httpx.Client) -> None:
        """Nothing."""

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.post("/api/v1/tokens", json={"name": name, "scopes": ["me:read"]}).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterable[str]:
        kept = {token["name"] for token in owner.get("/api/v1/tokens").raise_for_status().json()}
        return set(names) - kept


class Backups(Writer):
    """Backups of the whole while it is written to; each is there afterwards, and the last is whole."""

    app = "backup"
    pause_s = 20.0

    def prepare(self, owner: httpx.Client) -> None:
        self.files: dict[str, str] = {}

    def _do(self, owner: httpx.Client, what: str, **body: str) -> dict[str, str]:
        work = owner.post(f"/api/v1/backup/{what}", json=body).raise_for_status().json()
        while work["state"] == "running":
            work = owner.get(f"/api/v1/backup/work/{work['id']}").raise_for_status().json()
        assert work["state"] == "done", work
        result: dict[str, str] = work["result"]
        return result

    def write(self, owner: httpx.Client, name: str) -> None:
        self.files[name] = self._do(owner, "create")["name"]

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterable[str]:
        kept = {file["name"] for file in owner.get("/api/v1/backup/files").raise_for_status().json()}
        return {name for name in names if self.files[name] not in kept}
