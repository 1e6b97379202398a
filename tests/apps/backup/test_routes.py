"""Backups of a running cloud, by its API and its commands."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pyrage
import pytest

from tests.program import Program, wait_until

ROOT = "/api/v1/backup"


def finish(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait for the end of a piece of work."""
    assert answer.status_code == 202, answer.text
    path = f"{ROOT}/work/{answer.json()['id']}"
    done: dict[str, Any] = wait_until(
        lambda: work if (work := client.get(path).json())["state"] != "running" else None, 60, "the work"
    )
    return done


def names_of_tokens(client: httpx.Client) -> set[str]:
    """What these tests change."""
    return {token["name"] for token in client.get("/api/v1/tokens").json()}


def add_token(client: httpx.Client, name: str) -> None:
    """Change something."""
    client.post("/api/v1/tokens", json={"name": name, "scopes": ["me:read"]}).raise_for_status()


def find_epoch(client: httpx.Client) -> str:
    """The epoch that is served; "" while the server changes from one file to the other."""
    try:
        return str(client.get(ROOT).json()["epoch"])
    except httpx.HTTPError:
        return ""


@contextmanager
def knocking(program: Program) -> Iterator[list[str]]:
    """Visitors come all the time; who was not let in. That an open connection is cut, they have to live with."""
    refused: list[str] = []
    stop = threading.Event()

    def knock() -> None:
        while not stop.wait(0.02):
            with suppress(httpx.ReadError, httpx.RemoteProtocolError):
                try:
                    httpx.get(f"{program.url}/health", timeout=20)
                except (httpx.ConnectError, httpx.TimeoutException) as error:
                    refused.append(str(error))

    thread = threading.Thread(target=knock)
    thread.start()
    yield refused
    stop.set()
    thread.join(30)


@pytest.mark.timeout(300)
def test_a_cloud_is_saved_checked_and_brought_back_while_it_runs(program: Program) -> None:
    with program.owner() as client:
        add_token(client, "before")
        made = finish(client, client.post(f"{ROOT}/create", json={}))
        assert made["state"] == "done", made
        add_token(client, "after")
        (entry,) = client.get(f"{ROOT}/files").json()
        assert entry["name"] == made["result"]["name"]
        checked = finish(client, client.post(f"{ROOT}/verify", json={"name": entry["name"]}))
        assert (checked["state"], checked["said"]) == ("done", "All tables are as they were saved.")
        before = client.get(ROOT).json()
        assert before["last"]["state"] == "done"
        with knocking(program) as refused:
            restored = finish(client, client.post(f"{ROOT}/restore", json={"name": entry["name"]}))
            epoch = restored["result"]["epoch"]
            assert epoch > before["epoch"]
            wait_until(lambda: find_epoch(client) == epoch, 30, "the new life")
        assert refused == []
        assert names_of_tokens(client) == {"before"}
        events = {event["name"] for event in client.get("/api/v1/events").json()}
        assert "backup.restored" in events
        add_token(client, "later")
    (kept,) = program.data.parent.glob("data.db.replaced-*")
    with closing(sqlite3.connect(kept)) as conn:
        assert {name for (name,) in conn.execute("SELECT name FROM core_token")} == {"before", "after"}
    assert program.stop() == 0


@pytest.mark.timeout(300)
def test_commands_work_on_the_server_and_on_the_file(program: Program, tmp_path: Path) -> None:
    place = tmp_path / "usb stick"
    with program.owner() as client:
        add_token(client, "before")
        path = Path(program.run("backup", "create", str(place)).stdout.strip())
        assert path.parent == place
        assert path.is_file()
        add_token(client, "after")
        said = program.run("backup", "restore", str(path), "--yes").stdout
        assert said.startswith(f"Restored from {path.name}. All tables are as they were saved.")
        assert names_of_tokens(client) == {"before"}

        identity = pyrage.x25519.Identity.generate()
        client.put("/api/v1/settings/backup.recipients", json={"text": str(identity.to_public())}).raise_for_status()
        made = finish(client, client.post(f"{ROOT}/create", json={}))
        assert made["result"]["is_encrypted"]
        shut = finish(client, client.post(f"{ROOT}/verify", json={}))
        assert (shut["state"], shut["said"]) == ("failed", "This backup is encrypted.")
        assert "stays shut" in finish(client, client.post(f"{ROOT}/drill"))["said"]
        client.put("/api/v1/settings/backup.identity", json={"text": str(identity)}).raise_for_status()
        assert finish(client, client.post(f"{ROOT}/verify", json={}))["state"] == "done"
        assert "as they were saved" in finish(client, client.post(f"{ROOT}/drill"))["said"]
        assert client.post(f"{ROOT}/prune", json={}).json()["backups"] == []
    program.stop()
    (tmp_path / "key").write_text(f"# public key: {identity.to_public()}\n{identity}\n")
    program.data.unlink()
    program.run("backup", "restore", "--yes", "--identity", str(tmp_path / "key"))
    with closing(sqlite3.connect(program.data)) as conn:
        assert conn.execute("SELECT name FROM core_token").fetchall() == [("before",)]


def test_what_cannot_be_is_refused(shared_program: Program) -> None:
    with shared_program.owner() as client:
        for name in ("../../etc/passwd", "data.db", "fazt-2026-11-27T20-43-00Z.db"):
            answer = client.post(f"{ROOT}/verify", json={"name": name})
            assert answer.status_code == 400 or finish(client, answer)["state"] == "failed"
        for body in ({"file": "/etc/passwd"}, {"source": "/tmp"}, {"identity": "x"}):
            assert client.post(f"{ROOT}/restore", json=body).status_code == 403
        assert client.post(f"{ROOT}/create", json={"place": "/tmp/x"}).status_code == 403
        assert client.post(f"{ROOT}/restore", json={"replica": True}).status_code == 400
        assert client.post(f"{ROOT}/restore", json={"at": "yesterday"}).status_code == 400
        assert client.get(f"{ROOT}/work/{'nothing'}").status_code == 404
        assert finish(client, client.post(f"{ROOT}/drill"))["state"] == "failed"
        assert client.delete(f"{ROOT}/files/fazt-2026-11-27T20-43-00Z.db").status_code == 404
        failed = finish(client, client.post(f"{ROOT}/restore", json={}))
        assert (failed["state"], failed["said"]) == ("failed", "There is no backup yet.")
        (alarm,) = [one for one in client.get(ROOT).json()["alarms"] if one["kind"] == "restore"]
        assert "There is no backup yet." in alarm["text"]
    with shared_program.client() as stranger:
        assert stranger.get(ROOT).status_code == 401
        assert stranger.post(f"{ROOT}/create", json={}).status_code == 401
        token = shared_program.run("token", "create", "t", "--scope", "me:read").stdout.strip()
        assert stranger.get(ROOT, headers={"authorization": f"Bearer {token}"}).status_code == 403
