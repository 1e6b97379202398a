"""Mail: messages a second from smtp-source, each committed before 250, beside a bare aiosmtpd that keeps nothing."""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _load import free_port, wait_for

ROOT = Path(__file__).parents[1]
BARE = """
import asyncio, logging, sys
import uvloop
from aiosmtpd.smtp import SMTP

class Handler:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

async def main():
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Handler(), hostname="bare", loop=loop)
    server = await loop.create_server(make, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


@contextmanager
def bare() -> Iterator[int]:
    """Aiosmtpd as it comes, on uvloop."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", BARE, str(port)]) as process:
        wait_for(port)
        yield port
        process.terminate()


@contextmanager
def fazt(folder: Path) -> Iterator[int]:
    """The program, on a file of its own."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "FAZT_DATA": str(folder / "data.db")}
    environment |= {"FAZT_OWNER_EMAIL": "owner@example.org", "FAZT_OWNER_PASSWORD": "correct horse battery"}
    command = [sys.executable, "-m", "fazt", "serve", "--listen", "127.0.0.1:0", "--smtp-listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_for(port)
        yield port
        process.terminate()


def measure(port: int, count: int, sessions: int, size: int) -> float:
    """Messages a second."""
    command = ["smtp-source", "-s", str(sessions), "-l", str(size), "-m", str(count), "-f", "a@example.net"]
    started = time.perf_counter()
    subprocess.run([*command, "-t", "admin@localhost", f"127.0.0.1:{port}"], check=True)
    return count / (time.perf_counter() - started)


def main() -> None:
    """Interleaved runs, medians, and their ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=2_000)
    options.add_argument("--sessions", type=int, default=10)
    options.add_argument("--size", type=int, default=4_096)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    rates: dict[str, list[float]] = {"bare aiosmtpd, keeps nothing": [], "fazt, committed each": []}
    with tempfile.TemporaryDirectory(prefix="fazt-bench-") as folder, bare() as one, fazt(Path(folder)) as two:
        for port in (one, two):
            measure(port, 100, given.sessions, given.size)
        for _ in range(given.runs):
            for name, port in zip(rates, (one, two), strict=True):
                rates[name].append(measure(port, given.messages, given.sessions, given.size))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, found in rates.items():
        print(f"{name:32} {medians[name]:8.0f} messages/s   ({min(found):.0f} to {max(found):.0f})")
    first, second = medians.values()
    print(f"{'ratio (goal: at least 0.5)':32} {second / first:8.2f}")
    print(
        re.sub(
            r"\s+", " ", f"{given.sessions} sessions, {given.size} bytes, {given.messages} messages, {given.runs} runs"
        )
    )


if __name__ == "__main__":
    main()
