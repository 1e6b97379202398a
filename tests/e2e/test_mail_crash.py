"""kill -9 under load, in and out: what was answered 250 is there, what was queued leaves, once."""

from __future__ import annotations

import os
import random
import re
import shutil
import smtplib
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Self

import httpx

from tests.apps.mail.servers import Relay, ports
from tests.program import Program, wait_until

KILLS = 30 if os.environ.get("FAZT_TEST_LONG") else 2


class Load:
    """Senders that go on until they are told to stop, and what was promised to them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.kept: set[str] = set()
        self.queued: set[str] = set()
        self.tried_out: set[str] = set()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._send_in, args=(n,)) for n in range(3)]
        self._threads.append(threading.Thread(target=self._send_out))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def promised(self) -> int:
        """How many messages were said to be safe."""
        return len(self.kept) + len(self.queued)

    def _send_in(self, number: int) -> None:
        count = 0
        while not self._end.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", ports(self.program)[-1], timeout=10) as client:
                    while not self._end.is_set():
                        count += 1
                        name = f"in-{number}-{count}"
                        size = 60_000 if count % 20 == 0 else 300_000 if count % 33 == 0 else 500
                        text = f"Subject: {name}\r\nMessage-ID: <{name}@x>\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72)
                        client.sendmail("a@example.net", ["admin@example.org"], text)
                        self.kept.add(name)
            except (smtplib.SMTPException, OSError):
                self._end.wait(0.05)

    def _send_out(self) -> None:
        count = 0
        with self.program.owner() as owner:
            while not self._end.is_set():
                count += 1
                name = f"out-{count}"
                self.tried_out.add(name)
                try:
                    body = {"to": [f"{name}@example.net"], "subject": name, "text": "x"}
                    if owner.post("/api/v1/mail/messages", json=body).status_code == 202:
                        self.queued.add(name)
                except httpx.HTTPError:
                    self._end.wait(0.05)


def test_nothing_that_was_promised_is_lost(template_file: Path, tmp_path: Path) -> None:
    shutil.copy(template_file, tmp_path / "data.db")
    chance = random.Random(3)
    arguments = ("--smtp-listen", "127.0.0.1:0", "--domain", "example.org")
    with Relay() as relay, Program(tmp_path, *arguments) as program:
        wait_until(lambda: ports(program), what="the listener")
        with program.owner() as owner:
            owner.post("/api/v1/mail/relays", json={"url": relay.url}).raise_for_status()
        with Load(program) as load:
            for _ in range(KILLS):
                enough = load.promised() + 20
                wait_until(lambda: load.promised() > enough, 60, "load")  # noqa: B023 - called at once
                threading.Event().wait(chance.uniform(0.0, 0.5))
                program.kill()
                program.start()
                wait_until(lambda: program.log.count("fazt takes mail"), 30)
        with program.owner() as owner:
            wait_until(lambda: not waiting(owner), 90, "an empty queue")
            there = subjects(owner, "inbox")
            sent = subjects(owner, "sent")
            unsure = owner.get("/api/v1/mail/queue").json()["counts"]["unsure"]
    left = Counter(str(re.search(rb"(?m)^Subject: (\S+)", data)[1], "ascii") for _, _, data in relay.taken)  # type: ignore[index]
    twice = {name: times for name, times in left.items() if times > 1}
    told = f"{len(load.kept)} kept, {len(load.queued)} queued, {KILLS} kills, {unsure} answers lost, {twice} twice"
    sys.stdout.write(told + "\n")
    assert load.kept <= there
    assert load.queued <= sent
    assert load.queued <= set(left)
    assert set(left) <= load.tried_out
    assert sum(twice.values()) - len(twice) <= unsure
    assert max(left.values()) <= 2


def waiting(owner: httpx.Client) -> bool:
    """Whether something has not left yet."""
    counts = owner.get("/api/v1/mail/queue").json()["counts"]
    return bool(counts.get("queued", 0) + counts.get("sending", 0))


def subjects(owner: httpx.Client, view: str) -> set[str]:
    """Of all messages of a view."""
    found: set[str] = set()
    before = ""
    while True:
        asked: dict[str, str | int] = {"view": view, "limit": 200, "before": before}
        page = owner.get("/api/v1/mail/messages", params=asked).json()
        if not page:
            return found
        found |= {one["subject"] for one in page}
        before = page[-1]["id"]
