"""Killed in the middle of a large upload and of moves of a tree: whole old or whole new, and nothing is leaked."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from fazt.apps.drive import store
from fazt.apps.drive.schema import node, space, version
from fazt.core.blobs.schema import core_blob, core_chunk
from fazt.core.blobs.store import sweep
from fazt.core.clock import DAY, system_clock
from fazt.core.db.sqlite import create_sqlite_engine
from tests.apps.drive.webdav import FILES, propfind, props
from tests.program import Program

IS_LONG = bool(os.environ.get("FAZT_TEST_LONG"))
KILLS = 30 if IS_LONG else 2
MEBIBYTES = 1_024 if IS_LONG else 24
TREE = 200 if IS_LONG else 40
MAX_WAIT_S = 25.0 if IS_LONG else 0.6
pytestmark = pytest.mark.timeout(3_600 if IS_LONG else 120)


def stream(seed: int) -> Iterator[bytes]:
    """The bytes of a large file."""
    block = random.Random(seed).randbytes(1 << 20)
    for number in range(MEBIBYTES):
        yield number.to_bytes(8) + block[8:]


@cache
def sum_of(seed: int) -> str:
    """The ETag of the large file."""
    hasher = hashlib.sha256()
    for piece in stream(seed):
        hasher.update(piece)
    return f'"{hasher.hexdigest()[:32]}"'


def upload_and_move(program: Program, seeds: list[int], stop: threading.Event) -> list[threading.Thread]:
    """Somebody who puts one large file after the other, and somebody who moves a tree to and fro."""

    def put() -> None:
        try:
            with program.owner() as client:
                while not stop.is_set():
                    seeds.append(seeds[-1] + 1)
                    client.put(f"{FILES}/large.bin", content=stream(seeds[-1]), timeout=600)
        except httpx.HTTPError:
            return

    def move() -> None:
        try:
            with program.owner() as client:
                while not stop.is_set():
                    for source, goal in (("one", "two"), ("two", "one")):
                        client.request("MOVE", f"{FILES}/{source}", headers={"destination": f"{FILES}/{goal}"})
        except httpx.HTTPError:
            return

    threads = [threading.Thread(target=put), threading.Thread(target=move)]
    for thread in threads:
        thread.start()
    return threads


def check(program: Program, known: dict[str, int]) -> int:
    """The file is one of those that were sent, the tree is whole and in one place, and the quota says so.

    Answers which file it is.
    """
    with program.owner() as client:
        etag = client.head(f"{FILES}/large.bin").headers["etag"]
        assert etag in known
        hasher = hashlib.sha256()
        with client.stream("GET", f"{FILES}/large.bin", timeout=600) as answer:
            for piece in answer.iter_bytes():
                hasher.update(piece)
        assert f'"{hasher.hexdigest()[:32]}"' == etag
        trees = [propfind(client, f"{FILES}/{name}", "resourcetype", depth="1") for name in ("one", "two")]
        whole = [answer for answer in trees if answer.status_code == 207]
        assert len(whole) == 1
        assert len(props(whole[0])) == TREE + 1
        (usage,) = props(propfind(client, FILES, "quota-used-bytes")).values()
        assert int(usage["quota-used-bytes"]) == (MEBIBYTES << 20) + sum(range(TREE))
    return known[etag]


def check_leaks(data: Path) -> None:
    """After the sweep there are the bytes that files and versions hold, and no others."""
    engine = create_sqlite_engine(data)
    with engine.connect() as conn:
        is_more = True
        while is_more:  # each in a transaction of its own, or the log would become as large as the file
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            is_more = bool(sweep(conn, system_clock() + 10 * DAY) or sweep(conn, system_clock() + 20 * DAY))
            conn.exec_driver_sql("COMMIT")
        held = set(conn.scalars(select(node.c.hash).where(~node.c.is_folder))) | set(
            conn.scalars(select(version.c.hash))
        )
        assert set(conn.scalars(select(core_blob.c.hash))) == held
        chunks = conn.scalar(select(func.sum(func.length(core_chunk.c.data))))
        assert chunks == conn.scalar(select(func.sum(core_blob.c.size)))
        for used, kept, space_id in conn.execute(select(space.c.used, space.c.kept, space.c.id)):
            sizes = conn.scalar(select(func.sum(node.c.size)).where(node.c.space_id == space_id, ~node.c.is_folder))
            assert used == sizes
            assert kept == (conn.scalar(select(func.sum(version.c.size))) or 0)
        assert not store.purge_some(conn)


def test_killed_at_any_moment_the_drive_is_whole(template_file: Path, tmp_path: Path) -> None:
    shutil.copy(template_file, tmp_path / "data.db")
    chance = random.Random(int(os.environ.get("FAZT_TEST_SEED", "1")))
    seeds, shown = [1], 1
    with Program(tmp_path) as program:
        program.run("settings", "set", "drive.versions", "1")
        with program.owner() as client:
            client.request("MKCOL", f"{FILES}/one")
            for number in range(TREE):
                client.put(f"{FILES}/one/{number}", content=b"x" * number)
            assert client.put(f"{FILES}/large.bin", content=stream(1), timeout=600).status_code == 201
        for _ in range(KILLS):
            stop = threading.Event()
            first = len(seeds)
            threads = upload_and_move(program, seeds, stop)
            threading.Event().wait(chance.uniform(0.05, MAX_WAIT_S))
            program.kill()
            stop.set()
            for thread in threads:
                thread.join()
            program.start()
            shown = check(program, {sum_of(seed): seed for seed in (shown, *seeds[first:])})
    check_leaks(tmp_path / "data.db")
