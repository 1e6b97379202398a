"""Copies taken under load, packing, checks, and the swap: on real files."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pyrage
import pytest
from alembic.command import upgrade as run_alembic
from alembic.config import Config as AlembicConfig

from fazt.apps.backup.engine.making import create
from fazt.apps.backup.engine.orders import Order
from fazt.apps.backup.engine.packing import ignore
from fazt.apps.backup.engine.place import Folder, list_entries
from fazt.apps.backup.engine.restoring import prepare, verify
from fazt.apps.backup.model import Summary
from fazt.core.db.copying import copy_database
from fazt.core.db.opening import STEPS, list_steps, prepare_file
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.db.swap import RESTORING, list_replaced, replaced_path, swap, sweep_replaced
from fazt.core.errors import Conflict, Invalid, OverQuota
from fazt.core.instance import InstanceLock
from tests.conftest import NOW
from tests.program import SRC, wait_until

IDENTITY = pyrage.x25519.Identity.generate()


def tell(_doing: str, _done: int, _size: int) -> None:
    """Nobody listens."""


def make_order(data: Path, **more: Any) -> Order:
    """An order with a place beside the data."""
    known = {"work": "create", "data": str(data), "place": str(data.parent / "backups"), "now": NOW, "compress": False}
    return Order(**{**known, **more})


def run(data: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Statements on a file; the rows of the last."""
    with closing(sqlite3.connect(data, isolation_level=None)) as conn:
        return [row for statement in statements for row in [conn.execute(statement).fetchall()]][-1]


def ids(data: Path) -> list[str]:
    """The settings in a file: what these tests change."""
    return [name for (name,) in run(data, "SELECT name FROM core_setting ORDER BY name")]


def put(data: Path, *names: str) -> None:
    """Change the data."""
    with closing(sqlite3.connect(data)) as conn, conn:
        conn.executemany("INSERT INTO core_setting VALUES (?, '1', 1)", [(name,) for name in names])


@contextmanager
def writing(data: Path) -> Iterator[list[int]]:
    """Pairs of rows written in one transaction each, as fast as can be; how many until now."""
    done, stop = [0], threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(data, isolation_level=None, timeout=30)) as conn:
            conn.execute("PRAGMA synchronous=OFF")
            while not stop.is_set():
                name = f"n{done[0]:09}"
                conn.execute("BEGIN IMMEDIATE")
                conn.execute("INSERT INTO core_setting VALUES (?, 'a', 1)", (name,))
                conn.execute("UPDATE core_epoch SET reason = ?", (name,))
                conn.execute("COMMIT")
                done[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def test_a_copy_is_one_moment_and_writers_go_on_meanwhile(data_file: Path, tmp_path: Path) -> None:
    run(data_file, "CREATE TABLE ballast (id INTEGER PRIMARY KEY, data BLOB)")
    with closing(sqlite3.connect(data_file)) as conn, conn:
        conn.executemany("INSERT INTO ballast (data) VALUES (?)", ((os.urandom(500_000),) for _ in range(80)))
    seen: list[int] = []
    with writing(data_file) as done:
        wait_until(lambda: done[0] > 10)
        copy_database(data_file, tmp_path / "copy.db", lambda _done, _size: seen.append(done[0]))
    assert len(seen) > 5
    assert seen[-1] > seen[0]
    newest = ids(tmp_path / "copy.db")[-1]
    assert run(tmp_path / "copy.db", "SELECT reason FROM core_epoch") == [(newest,)]
    assert int(newest[1:]) <= seen[0] + 1
    assert run(tmp_path / "copy.db", "PRAGMA integrity_check") == [("ok",)]
    assert run(tmp_path / "copy.db", "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("recipients", [[], [str(IDENTITY.to_public())]])
def test_there_and_back(data_file: Path, compress: bool, recipients: list[str]) -> None:
    put(data_file, "a", "b")
    made = create(make_order(data_file, compress=compress, recipients=recipients), tell)
    assert isinstance(made, Summary)
    place = Folder(data_file.parent / "backups")
    (entry,) = list_entries(place)
    assert entry.summary == made
    assert entry.is_encrypted == bool(recipients)
    assert sorted(path.name for path in place.path.iterdir()) == [made.name, made.name + ".json"]
    assert (place.path / made.name).stat().st_mode & 0o77 == 0
    order = make_order(data_file, identities=[str(IDENTITY)])
    report = verify(order, tell)
    assert (report.problems, report.compared, report.rows) == ([], True, made.rows)
    put(data_file, "c")
    prepared = prepare(order, tell)
    assert ids(Path(prepared.path)) == ["a", "b"]
    assert ids(data_file) == ["a", "b", "c"]
    assert not Path(prepared.path + "-wal").exists()
    (epoch,) = run(Path(prepared.path), "SELECT id FROM core_epoch ORDER BY id DESC LIMIT 1")
    assert epoch == (prepared.epoch,)
    assert prepared.epoch > made.epoch


def test_a_backup_of_a_second_that_has_one_gets_another_name(data_file: Path) -> None:
    names = {create(make_order(data_file), tell).name for _ in range(3)}
    assert len(names) == 3


def test_without_its_key_an_encrypted_backup_stays_shut(data_file: Path) -> None:
    create(make_order(data_file, recipients=[str(IDENTITY.to_public())]), tell)
    with pytest.raises(Invalid, match="encrypted"):
        verify(make_order(data_file), tell)
    other = str(pyrage.x25519.Identity.generate())
    with pytest.raises(Invalid, match="decrypted"):
        verify(make_order(data_file, identities=[other]), tell)
    for wrong in ({"recipients": ["age1nonsense"]}, {"recipients": ["ssh-ed25519 nonsense"]}):
        with pytest.raises(Invalid, match="key to encrypt"):
            create(make_order(data_file, **wrong), tell)
    assert len(list(Path(make_order(data_file).place).iterdir())) == 2


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("how", ["flipped", "cut", "emptied"])
@pytest.mark.parametrize("with_sidecar", [False, True])
def test_damage_is_found(data_file: Path, compress: bool, how: str, with_sidecar: bool) -> None:
    made = create(make_order(data_file, compress=compress), tell)
    path = data_file.parent / "backups" / made.name
    data = bytearray(path.read_bytes())
    if how == "flipped":
        # In what the file says, not in the unused part of a page, where it would do no harm.
        data[len(data) // 2 if compress else data.find(b"CREATE TABLE")] ^= 0x55
    elif how == "cut":
        del data[-len(data) // 3 :]
    else:
        data.clear()
    path.write_bytes(data)
    if not with_sidecar:
        path.with_name(path.name + ".json").unlink()
    with suppress(Invalid):
        assert verify(make_order(data_file), tell).problems
    before = data_file.read_bytes()
    with pytest.raises(Invalid):
        prepare(make_order(data_file), tell)
    assert data_file.read_bytes() == before
    assert not data_file.with_name(data_file.name + RESTORING).exists()


def test_a_row_that_was_changed_in_a_sound_file_is_found(data_file: Path) -> None:
    put(data_file, "a")
    made = create(make_order(data_file), tell)
    path = data_file.parent / "backups" / made.name
    path.with_name(path.name + ".json").unlink()
    run(path, "UPDATE core_setting SET value = '2'")
    (problem,) = verify(make_order(data_file), tell).problems
    assert "core_setting" in problem


def test_a_file_of_something_else_is_refused(data_file: Path, tmp_path: Path) -> None:
    run(tmp_path / "other.db", "CREATE TABLE a (b)")
    (tmp_path / "text.db").write_text("hello" * 1_000)
    for name in ("other.db", "text.db", "missing.db"):
        with pytest.raises(Invalid):
            prepare(make_order(data_file, file=str(tmp_path / name)), tell)


def test_a_file_of_a_newer_fazt_is_refused(data_file: Path) -> None:
    run(data_file, "UPDATE alembic_version SET version_num = '9999_future'")
    create(make_order(data_file), tell)
    with pytest.raises(Invalid, match="newer"):
        prepare(make_order(data_file), tell)


def test_a_file_of_an_older_fazt_is_brought_up_to_date_before_it_is_used(data_file: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    prepare_file(old)
    config = AlembicConfig()
    config.set_main_option("script_location", str(STEPS.parent))
    config.attributes["engine"] = create_sqlite_engine(old)
    run_alembic(config, "0008_textdb")
    put(old, "a")
    prepared = prepare(make_order(data_file, file=str(old)), tell)
    assert run(Path(prepared.path), "SELECT version_num FROM alembic_version") == [(list_steps()[-1],)]
    assert ids(Path(prepared.path)) == ["a"]
    assert "0008_textdb" in run(Path(prepared.path), "SELECT said FROM backup_run")[0][0]


def test_a_plain_copy_of_data_db_with_its_log_is_as_good_as_a_backup(data_file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data_file, isolation_level=None)) as conn:
        conn.execute("INSERT INTO core_setting VALUES ('in the log', '1', 1)")
        for suffix in ("", "-wal"):
            (tmp_path / f"cp.db{suffix}").write_bytes(data_file.with_name(data_file.name + suffix).read_bytes())
    prepared = prepare(make_order(data_file, file=str(tmp_path / "cp.db")), tell)
    assert ids(Path(prepared.path)) == ["in the log"]


def test_too_little_room_is_said_before_anything_is_written(data_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.core.db.copying.KEEP_FREE_BYTES", 1 << 60)
    with pytest.raises(OverQuota, match="MB are free"):
        create(make_order(data_file), tell)
    assert list((data_file.parent / "backups").iterdir()) == []


def prepare_other(data: Path) -> Path:
    """A file to take the place of `data`, without what has been put into it since."""
    create(make_order(data), tell)
    return Path(prepare(make_order(data), tell).path)


def test_the_swap_keeps_the_old_file_whole_with_what_was_in_its_log(data_file: Path) -> None:
    prepared = prepare_other(data_file)
    with closing(sqlite3.connect(data_file, isolation_level=None)) as conn:
        conn.execute("INSERT INTO core_setting VALUES ('late', '1', 1)")
        log = data_file.with_name(data_file.name + "-wal").read_bytes()
        data = data_file.read_bytes()
    data_file.write_bytes(data)
    data_file.with_name(data_file.name + "-wal").write_bytes(log)  # as after a kill -9
    kept = replaced_path(data_file, NOW)
    swap(data_file, prepared, kept)
    assert ids(data_file) == []
    assert ids(kept) == ["late"]
    assert list_replaced(data_file) == [kept]
    assert sorted(path.name for path in data_file.parent.glob("data.db*")) == [
        data_file.name,
        "data.db.lock",
        kept.name,
    ]


def test_a_damaged_file_is_replaced_and_kept_with_its_log(data_file: Path) -> None:
    prepared = prepare_other(data_file)
    data_file.write_bytes(b"rubbish" * 10_000)
    data_file.with_name(data_file.name + "-wal").write_bytes(b"log")
    kept = replaced_path(data_file, NOW)
    swap(data_file, prepared, kept)
    assert ids(data_file) == []
    assert kept.read_bytes()[:7] == b"rubbish"
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"log"


def test_a_lost_file_is_simply_put_there(data_file: Path) -> None:
    prepared = prepare_other(data_file)
    data_file.unlink()
    swap(data_file, prepared, replaced_path(data_file, NOW))
    assert ids(data_file) == []


def test_a_file_that_another_program_reads_is_left_alone(data_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.core.db.swap.BUSY_S", 0.1)
    prepared = prepare_other(data_file)
    with closing(sqlite3.connect(data_file, isolation_level=None)) as conn:
        conn.execute("BEGIN")
        conn.execute("SELECT count(*) FROM core_setting").fetchone()
        put(data_file, "a")
        with pytest.raises(Conflict, match="open"):
            swap(data_file, prepared, replaced_path(data_file, NOW))
    assert ids(data_file) == ["a"]


def test_a_file_that_fazt_serves_is_left_alone(data_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare_other(data_file)
    monkeypatch.setattr("fazt.core.db.swap.LOCK_S", 0.1)
    lock = InstanceLock(data_file)
    assert lock.acquire()
    with pytest.raises(Exception, match="Another fazt"):
        swap(data_file, prepared, replaced_path(data_file, NOW))
    lock.release()


def test_replaced_files_go_but_never_the_newest(data_file: Path) -> None:
    kept = [replaced_path(data_file, NOW + n) for n in range(3)]
    for path in kept:
        path.touch()
        os.utime(path, (1, 1))
    assert sweep_replaced(data_file, older_than=2) == [kept[1].name, kept[0].name]
    assert list_replaced(data_file) == [kept[2]]


def test_an_order_can_be_sent_to_the_process(data_file: Path) -> None:
    order = make_order(data_file, at=NOW, identities=["a"])
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
    ignore(1, 2)


def work(order: Order, *, max_bytes: int) -> dict[str, Any]:
    """Have the process do it, with files of at most so many bytes; the last it says."""
    command = ["prlimit", f"--fsize={max_bytes}", sys.executable, "-m", "fazt.apps.backup.engine.worker"]
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        said: dict[str, Any] = json.loads(process.stdout.read().splitlines()[-1])
    return said


def test_a_disk_that_fills_up_on_the_way_leaves_nothing_behind_and_the_data_as_it_was(data_file: Path) -> None:
    run(data_file, "CREATE TABLE ballast (id INTEGER PRIMARY KEY, data BLOB)")
    with closing(sqlite3.connect(data_file)) as conn, conn:
        conn.executemany("INSERT INTO ballast (data) VALUES (?)", ((os.urandom(500_000),) for _ in range(20)))
    size, folder = data_file.stat().st_size, data_file.parent / "backups"
    for compress in (False, True):
        said = work(make_order(data_file, compress=compress), max_bytes=size // 3)
        assert said["error"]["kind"] in {"over_quota", "unavailable"}
        assert list(folder.iterdir()) == []
    create(make_order(data_file, compress=True), tell)
    before = ids(data_file), data_file.read_bytes()
    said = work(make_order(data_file, work="restore"), max_bytes=size // 2)
    assert said["error"]["kind"] in {"over_quota", "unavailable"}
    assert (ids(data_file), data_file.read_bytes()) == before
    assert sorted(path.name for path in data_file.parent.iterdir() if "partial" in path.name) == []
    assert not data_file.with_name(data_file.name + RESTORING).exists()
