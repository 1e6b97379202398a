"""From a keystroke to the other screen: fazt, which tells what is on disk, beside a bare relay that keeps nothing.

Both ends are y-websocket clients in one process. Medians of rounds in turns; the relay is the floor.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _load import free_port, wait_for

from tests.program import Program

E2E = Path(__file__).parents[1] / "tests" / "e2e"
KEYSTROKES = int(os.environ.get("FAZT_BENCH_KEYSTROKES", "200"))
ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "3"))
LARGE = 1_000_000
RELAY = """
import { WebSocketServer } from "ws";
const server = new WebSocketServer({ port: Number(process.argv[1]), host: "127.0.0.1" });
server.on("connection", (socket) => socket.on("message", (data) => {
  if (data[0] === 0 && data[1] === 0) socket.send(Uint8Array.of(0, 1, 2, 0, 0));
  else for (const other of server.clients) if (other !== socket) other.send(data);
}));
"""


@contextmanager
def relay() -> Iterator[int]:
    """The bare relay; its port."""
    port = free_port()
    command = ["node", "--input-type=module", "-e", RELAY, str(port)]
    with subprocess.Popen(command, cwd=E2E) as running:
        try:
            wait_for(port)
            yield port
        finally:
            running.kill()


def measure(port: int, name: str, token: str) -> float:
    """The median of some keystrokes in ms."""
    command = ["node", str(E2E / "pads_client.mjs"), f"ws://127.0.0.1:{port}/pad", name, token, "latency"]
    done = subprocess.run([*command, str(KEYSTROKES)], capture_output=True, text=True, check=True)
    times: list[float] = json.loads(done.stdout)
    return statistics.median(times)


def main() -> None:
    """Print the medians and their ratios."""
    with tempfile.TemporaryDirectory() as folder, Program(Path(folder)) as program, relay() as peer:
        token = program.run("token", "create", "bench", "--scope", "pads:rw").stdout.strip()
        with program.owner() as owner:
            owner.put("/pad/large", content="x" * 79 + "\n" + ("y" * 79 + "\n") * (LARGE // 80)).raise_for_status()
        kinds: dict[str, Callable[[], float]] = {
            "bare relay": lambda: measure(peer, "small", token),
            "fazt": lambda: measure(program.port, "small", token),
            "fazt, 1 MB": lambda: measure(program.port, "large", token),
        }
        figures = {kind: statistics.median(times) for kind, times in run_in_turns(kinds).items()}
    for kind, ms in figures.items():
        print(f"{kind:12} {ms:6.2f} ms   {ms / figures['bare relay']:5.2f} x the relay")


def run_in_turns(kinds: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Some rounds, each kind once in each."""
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, run in kinds.items():
            times[kind].append(run())
    return times


if __name__ == "__main__":
    main()
