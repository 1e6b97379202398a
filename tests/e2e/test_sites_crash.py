"""kill -9 in the middle of deploys: each site is wholly its old or its new version, and no byte is orphaned."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import pytest

from fazt.apps.sites import store
from fazt.core.blobs import Blobs
from fazt.core.blobs.store import Graces
from fazt.core.clock import DAY, system_clock
from fazt.core.config import Config
from fazt.core.db import open_database
from tests.apps.sites.archives import make_tar
from tests.conftest import LONG
from tests.program import Program

CRASHES = 50 if LONG else 3
NAMES = ("one", "two", "three")
FILES = 60


def make_version(name: str, number: int) -> dict[str, bytes]:
    """Files that all say which version they are of; some are the same in all versions."""
    mark = f"{name} {number}\n".encode()
    noise = random.Random(f"{name}{number}").randbytes(700_000)
    changing = {f"page{n}.html": mark + b"<p>text</p>" * n for n in range(FILES)}
    return {"index.html": mark, **changing, "same.css": b"a{}" * 900, "film.bin": mark + noise}


class Deployer(threading.Thread):
    """Deploys one version after the other to one site, until the server is gone; remembers what was acknowledged."""

    def __init__(self, program: Program, name: str, number: int, *, in_steps: bool) -> None:
        super().__init__(daemon=True)
        self.program, self.name_of_site, self.in_steps = program, name, in_steps
        self.acknowledged = self.begun = number

    def run(self) -> None:
        with self.program.owner() as owner:
            while True:
                self.begun = self.acknowledged + 1
                try:
                    (self._send_steps if self.in_steps else self._send_archive)(owner)
                except httpx.TransportError:
                    return
                self.acknowledged = self.begun

    def _send_archive(self, owner: httpx.Client) -> None:
        body = make_tar(make_version(self.name_of_site, self.begun), "w:")
        owner.put(f"/api/v1/sites/{self.name_of_site}", content=body).raise_for_status()

    def _send_steps(self, owner: httpx.Client) -> None:
        files = make_version(self.name_of_site, self.begun)
        manifest = {path: (sha256(data).hexdigest(), len(data)) for path, data in files.items()}
        address = f"/api/v1/sites/{self.name_of_site}/deploys"
        plan = owner.post(address, json={"files": manifest}).raise_for_status().json()
        bodies = {sha256(data).hexdigest(): data for data in files.values()}
        for start in range(0, len(plan["missing"]), 10):
            batch = {hash: bodies[hash] for hash in plan["missing"][start : start + 10]}
            content = msgspec.msgpack.encode(batch)
            owner.post(f"{address}/{plan['id']}/blobs", content=content).raise_for_status()
        owner.post(f"{address}/{plan['id']}/finish").raise_for_status()


def find_shown(program: Program, name: str) -> int:
    """The version that the site shows; fails where its files are of more than one. 0 where there is none."""
    with program.client(headers={"host": f"{name}.localhost", "accept-encoding": "identity"}) as visitor:
        index = visitor.get("/")
        if index.status_code == 404:
            return 0
        number = int(index.text.split()[1])
        for path, data in make_version(name, number).items():
            assert visitor.get("/" + path).content == data, (name, number, path)
    return number


async def sweep_all(data: Path) -> None:
    """What the jobs do in some days, at once."""
    db = open_database(Config(data=data), ["sites"])
    later = system_clock() + 3 * DAY
    await db.write(store.sweep_deploys, later)
    while await db.write(store.sweep_uploads, later):
        pass
    for site in await db.read(store.list_sites):
        while await db.write(store.collect_some, site.id):
            pass
    await Blobs(db, lambda: later).sweep(Graces(0, 0))
    await Blobs(db, lambda: later + DAY).sweep(Graces(0, 0))
    await db.close()


def count_references(conn: sqlite3.Connection) -> Counter[str]:
    """How often the rows of sites refer to each blob."""
    rows = conn.execute(
        "SELECT hash, gzip, brotli FROM sites_file UNION ALL SELECT hash, gzip, brotli FROM sites_upload"
    )
    return Counter(hash for row in rows for hash in row if hash)


@pytest.mark.timeout(60 + 30 * CRASHES)
def test_kill_in_the_middle_of_deploys(tmp_path: Path) -> None:
    chance = random.Random(CRASHES)
    shown: Mapping[str, int] = dict.fromkeys(NAMES, 0)
    program = Program(tmp_path)
    for _ in range(CRASHES):
        program.start()
        deployers = [Deployer(program, name, shown[name], in_steps=at % 2 == 0) for at, name in enumerate(NAMES)]
        for deployer in deployers:
            deployer.start()
        threading.Event().wait(chance.uniform(0.05, 2.5))
        program.kill()
        for deployer in deployers:
            deployer.join(30)
        program.start()
        shown = {name: find_shown(program, name) for name in NAMES}
        for deployer in deployers:
            allowed = {deployer.acknowledged, deployer.begun}
            assert shown[deployer.name_of_site] in allowed, (deployer.name_of_site, shown, allowed)
        program.stop()
    asyncio.run(sweep_all(program.data))
    conn = sqlite3.connect(program.data)
    assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = dict(conn.execute("SELECT hash, keeps FROM core_blob WHERE hash IS NOT NULL").fetchall())
    assert kept == dict(count_references(conn))
    orphans = conn.execute("SELECT count(*) FROM core_chunk WHERE blob_id NOT IN (SELECT id FROM core_blob)")
    assert orphans.fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM core_blob WHERE hash IS NULL").fetchone() == (0,)
    conn.close()
    assert all(number > 0 for number in shown.values()), shown
