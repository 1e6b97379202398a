"""What every writer of the soak is: it writes one thing after the other and remembers what was acknowledged."""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack

import httpx

from tests.program import Program

PAUSE_S = 0.02
LATEST = 40


class Writer(ABC):
    """One kind of thing in one app. Names are never used twice, and content follows from the name."""

    app = ""
    pause_s = PAUSE_S

    def __init__(self, program: Program) -> None:
        self.program = program
        self.acknowledged: list[str] = []
        self.seconds: list[float] = []
        self.refused: Counter[str] = Counter()
        self.missing: set[str] = set()
        self.opened = ExitStack()

    @abstractmethod
    def prepare(self, owner: httpx.Client) -> None:
        """What has to be there first."""

    @abstractmethod
    def write(self, owner: httpx.Client, name: str) -> None:
        """Write it. Whatever raises was not acknowledged."""

    @abstractmethod
    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterable[str]:
        """Those that are not there, or not whole."""

    def close(self) -> None:
        """Let go of what `prepare` opened."""
        self.opened.close()

    def connect(self) -> httpx.Client:
        """Whoever writes."""
        return self.program.owner(headers={"user-agent": "curl/8"})

    def run(self, stop: threading.Event) -> None:
        """Write until `stop`, over kills and restarts."""
        count = 0
        while not stop.is_set():
            try:
                with self.connect() as owner:
                    while not stop.is_set():
                        count += 1
                        self._write_one(owner, f"{self.app}-{count}")
                        stop.wait(self.pause_s)
            except (httpx.TransportError, OSError):
                stop.wait(0.1)

    def _write_one(self, owner: httpx.Client, name: str) -> None:
        started = time.perf_counter()
        try:
            self.write(owner, name)
        except httpx.HTTPStatusError as error:
            self.refused[f"{error.response.status_code} {error.request.method} {error.request.url.path}"] += 1
            return
        self.seconds.append(time.perf_counter() - started)
        self.acknowledged.append(name)

    def check(self, *, everything: bool) -> None:
        """Look for what was acknowledged: all of it, or the latest, which a crash would hurt first."""
        names = list(self.acknowledged if everything else self.acknowledged[-LATEST:])
        with self.connect() as owner:
            self.missing.update(self.find_missing(owner, names))


def data_of(name: str) -> bytes:
    """The bytes of a file, which follow from its name."""
    chance = random.Random(name)
    return chance.randbytes(chance.choice([10, 2_000, 30_000, 70_000, 200_000]))
