"""kill -9 in the middle of uploads by every door: no half drop, nothing acknowledged lost, no byte left behind.

Two kills by default; 30, and so more than a hundred uploads, with FAZT_TEST_LONG.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import sqlite3
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from fazt.apps.drops import store
from fazt.core.blobs import Blobs
from fazt.core.blobs.store import Graces
from fazt.core.clock import DAY, system_clock
from fazt.core.config import Config
from fazt.core.db import open_database
from fazt.core.errors import NotFound
from tests.program import Program, wait_until

CRASHES = 30 if "FAZT_TEST_LONG" in os.environ else 2
TUS = {"tus-resumable": "1.0.0"}
BODY = {**TUS, "content-type": "application/offset+octet-stream"}


def data_of(name: str) -> bytes:
    """The bytes of a file, which follow from its name."""
    chance = random.Random(name)
    return chance.randbytes(chance.choice([10, 70_000, 400_000, 1_500_000]))


class Sender(threading.Thread):
    """Sends one file after the other by one door, until the server is gone; remembers what was acknowledged."""

    def __init__(self, program: Program, door: str, round_number: int) -> None:
        super().__init__(daemon=True)
        self.program, self.door, self.round_number = program, door, round_number
        self.acknowledged: dict[str, str] = {}
        self.begun = 0
        self.open_upload: tuple[str, str] | None = None

    def run(self) -> None:
        send = {"put": self._put, "form": self._form, "tus": self._tus, "draft": self._draft}[self.door]
        with self.program.owner(headers={"user-agent": "curl"}) as owner:
            while True:
                name = f"{self.door}-{self.round_number}-{self.begun}"
                self.begun += 1
                try:
                    url = send(owner, name)
                except httpx.TransportError:
                    return
                self.acknowledged[name] = urlsplit(url).path

    def _put(self, owner: httpx.Client, name: str) -> str:
        return owner.put(f"/d/{name}", content=data_of(name)).raise_for_status().text.strip()

    def _form(self, owner: httpx.Client, name: str) -> str:
        files = [("file", (one, data_of(one))) for one in (name, name + "+")]
        return owner.post("/d/", files=files).raise_for_status().text.strip() + f"/{name}"

    def _tus(self, owner: httpx.Client, name: str, **headers: str) -> str:
        data = data_of(name)
        metadata = f"filename {base64.b64encode(name.encode()).decode()}" + headers.pop("more", "")
        sized = {**TUS, **headers, "upload-length": str(len(data)), "upload-metadata": metadata}
        path = urlsplit(owner.post("/d/tus", headers=sized).raise_for_status().headers["location"]).path
        self.open_upload = (name, path)
        offset, url = 0, ""
        while offset < len(data):
            more = {**BODY, **headers, "upload-offset": str(offset)}
            answer = owner.patch(path, content=data[offset : offset + 900_000], headers=more).raise_for_status()
            offset, url = int(answer.headers["upload-offset"]), answer.headers.get("x-drop-url", "")
        self.open_upload = None
        return f"{url}/{name}"

    def _draft(self, owner: httpx.Client, name: str) -> str:
        made = owner.post("/api/v1/drops", json={}).raise_for_status().json()
        token = {"x-owner-token": made["owner_token"]}
        more = f",drop {base64.b64encode(made['id'].encode()).decode()}"
        for one in (name, name + "+"):
            self._tus(owner, one, more=more, **token)
        owner.post(f"/api/v1/drops/{made['id']}/finish", headers=token).raise_for_status()
        return f"{made['url']}/{name}"


def has_begun(senders: list[Sender]) -> bool:
    """Whether the first upload of one of them is through."""
    return any(sender.acknowledged for sender in senders)


def check_all(program: Program, acknowledged: dict[str, str]) -> None:
    """Everything that was acknowledged is there, and whatever is there is whole."""
    with program.owner(headers={"user-agent": "curl"}) as owner:
        for name, path in acknowledged.items():
            assert owner.get(path).content == data_of(name), name
        for drop in owner.get("/api/v1/drops").json():
            view = owner.get(f"/api/v1/drops/{drop['id']}").json()
            assert view["file_count"] == len(view["files"]) == (2 if view["source"] in {"form", "api"} else 1), view
            for file in view["files"]:
                if file["path"] not in acknowledged:
                    assert owner.get(urlsplit(file["url"]).path).content == data_of(file["path"]), file


def go_on(program: Program, sender: Sender) -> None:
    """An upload that was cut by the kill goes on where it was, and comes out whole."""
    if sender.open_upload is None or sender.door != "tus":
        return
    name, path = sender.open_upload
    with program.owner(headers={"user-agent": "curl"}) as owner:
        head = owner.head(path, headers=TUS)
        assert head.status_code == 200
        offset, data = int(head.headers["upload-offset"]), data_of(name)
        if offset < len(data):
            owner.patch(path, content=data[offset:], headers={**BODY, "upload-offset": str(offset)}).raise_for_status()
        sender.acknowledged[name] = owner.get(path).headers["location"] + f"/{name}"


async def sweep_all(data: Path) -> None:
    """What the program does in some days, at once."""
    db = open_database(Config(data=data), ["drops"])
    later = system_clock() + 40 * DAY
    blobs = Blobs(db, lambda: later)
    while await db.read(store.is_due, later, ()):
        swept = await db.write(store.sweep, later, ())
        for upload in swept.blob_uploads:
            try:
                await blobs.abandon(upload)
            except NotFound:
                continue
        await blobs.purge(swept.hashes)
    await blobs.sweep(Graces(0, 0))
    await Blobs(db, lambda: later + DAY).sweep(Graces(0, 0))
    await db.close()


def count_references(conn: sqlite3.Connection) -> Counter[str]:
    """How often the rows of drops refer to each blob."""
    rows = conn.execute("SELECT parts FROM drops_file UNION ALL SELECT parts FROM drops_upload").fetchall()
    return Counter(hash for (parts,) in rows for hash, _ in msgspec.json.decode(parts))


@pytest.mark.timeout(60 + 60 * CRASHES)
def test_kill_in_the_middle_of_uploads(tmp_path: Path) -> None:
    chance = random.Random(CRASHES)
    acknowledged: dict[str, str] = {}
    begun = 0
    program = Program(tmp_path)
    for number in range(CRASHES):
        program.start()
        senders = [Sender(program, door, number) for door in ("put", "form", "tus", "draft")]
        for sender in senders:
            sender.start()
        wait_until(partial(has_begun, senders), 30)
        threading.Event().wait(chance.uniform(0, 1))
        program.kill()
        for sender in senders:
            sender.join(30)
        program.start()
        for sender in senders:
            go_on(program, sender)
            acknowledged.update(sender.acknowledged)
            begun += sender.begun
        check_all(program, acknowledged)
        program.stop()
    assert begun >= 4 * CRASHES
    conn = sqlite3.connect(program.data)
    kept = dict(conn.execute("SELECT hash, keeps FROM core_blob WHERE hash IS NOT NULL AND keeps > 0").fetchall())
    assert kept == dict(count_references(conn))
    asyncio.run(sweep_all(program.data))
    assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for table in ("drops_drop", "drops_file", "drops_upload", "core_blob", "core_chunk", "core_upload"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table  # noqa: S608 - names above
    conn.close()
    print(f"{CRASHES} kills in {begun} uploads, {len(acknowledged)} of them acknowledged")  # noqa: T201 - the figure
