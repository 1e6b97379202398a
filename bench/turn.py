"""The relay beside coturn: the same load from the same client against both, in one run.

What is printed is CPU time of the server for each relayed packet, and loss, at rising rates.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from fazt.apps.turn.engine.client import TurnClient
from fazt.apps.turn.model import Limits, Orders
from fazt.apps.turn.wire.attributes import Address
from fazt.core.errors import Unavailable

SESSIONS = 10
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BURST_S = 0.002
USER, PASSWORD = "ana", "secret"
LOOPBACK = socket.inet_aton("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Load:
    """Packets a second over all sessions, half of them each way."""

    rate: int
    size: int
    by_channel: bool

    def __str__(self) -> str:
        return f"{self.rate // 1000:>3}k/s {self.size:>5} B {'channels' if self.by_channel else 'Send/Data'}"


LOADS = (
    Load(10_000, 160, by_channel=True),
    Load(20_000, 160, by_channel=True),
    Load(30_000, 160, by_channel=True),
    Load(40_000, 160, by_channel=True),
    Load(20_000, 1_100, by_channel=True),
    Load(20_000, 1_100, by_channel=False),
)


@dataclass(slots=True)
class Session:
    """A client with its allocation, and the peer it speaks to."""

    client: TurnClient
    peer: socket.socket
    relayed: tuple[str, int]
    address: Address


@contextmanager
def fazt_server() -> Iterator[tuple[int, int]]:
    """(process id, port) of this relay."""
    orders = Orders(
        listen=("127.0.0.1",),
        port=0,
        realm="bench",
        secrets=(),
        users={USER: PASSWORD},
        allow_peers=("127.0.0.0/8",),
        limits=Limits(refusals_per_second=1_000),
    )
    command = [sys.executable, "-m", "fazt.apps.turn.engine.process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(orders) + b"\n")
        process.stdin.flush()
        port = msgspec.json.decode(process.stdout.readline())["port"]
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        yield process.pid, port
        process.stdin.close()
        process.wait(10)
        drain.wait(10)


@contextmanager
def coturn_server() -> Iterator[tuple[int, int]]:
    """(process id, port) of coturn, with one relay thread as the measure is time for each packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-n --no-cli --no-tls --no-dtls -m 1 -L 127.0.0.1 -E 127.0.0.1 -p {port} --lt-cred-mech -r bench"
    options += f" -u {USER}:{PASSWORD} --allow-loopback-peers --log-file /dev/null --simple-log --no-stdout-log"
    options += f" --pidfile /tmp/bench-turn-{os.getpid()}.pid --userdb /tmp/bench-turn-{os.getpid()}.db"
    with subprocess.Popen(
        ["turnserver", *options.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for_answer(port)
            yield process.pid, port
        finally:
            process.terminate()
    for path in Path("/tmp").glob(f"bench-turn-{os.getpid()}.*"):  # noqa: S108 - coturn wants names for its files
        path.unlink()


def wait_for_answer(port: int) -> None:
    """Until the server answers a Binding request."""
    with TurnClient.connect("127.0.0.1", port) as client:
        for _ in range(50):
            with suppress(Unavailable):
                client.bind_request()
                return
            time.sleep(0.1)  # refused at once while nothing listens


def open_session(port: int) -> Session:
    """An allocation with a permission and a channel to a peer."""
    client = TurnClient.connect("127.0.0.1", port)
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", 0))
    client.allocate(USER, PASSWORD)
    address = Address(LOOPBACK, peer.getsockname()[1])
    client.permit(address)
    client.send(address, b"first")
    relayed = peer.recvfrom(2048)[1]
    for opened in (peer, client.socket):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        opened.setblocking(False)
    return Session(client, peer, relayed, address)


def cpu_seconds(process: int) -> float:
    """CPU time of all threads so far."""
    total = 0
    for task in Path(f"/proc/{process}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


class Counter:
    """Reads whatever has arrived."""

    def __init__(self, sessions: list[Session]) -> None:
        self.poll = select.epoll()
        self.sockets = {s.fileno(): s for each in sessions for s in (each.peer, each.client.socket)}
        for descriptor in self.sockets:
            self.poll.register(descriptor, select.EPOLLIN)
        self.received = 0
        self.buffer = bytearray(2048)

    def drain(self, timeout: float) -> bool:
        """Read until nothing is ready; whether anything was."""
        ready = self.poll.poll(timeout)
        for descriptor, _ in ready:
            receive, buffer = self.sockets[descriptor].recv_into, self.buffer
            try:
                while True:
                    receive(buffer)
                    self.received += 1
            except BlockingIOError:
                continue
        return bool(ready)


def run_load(load: Load, process: int, port: int) -> tuple[float, float]:
    """(microseconds of CPU for each relayed packet, part lost) at this load."""
    sessions = [open_session(port) for _ in range(SESSIONS)]
    payload = os.urandom(load.size)
    packets = []
    for number, session in enumerate(sessions):
        if load.by_channel:
            session.client.socket.settimeout(3)
            session.client.bind_channel(0x4000 + number, session.address)
            session.client.socket.setblocking(False)
        packets.append(make_packet(session, 0x4000 + number, payload, load))
    counter = Counter(sessions)
    sent = 0
    started, cpu = time.monotonic(), cpu_seconds(process)
    while (elapsed := time.monotonic() - started) < SECONDS:
        for _ in range(int((elapsed + BURST_S) * load.rate) - sent):
            session = sessions[sent // 2 % SESSIONS]
            if sent % 2:
                session.peer.sendto(payload, session.relayed)
            else:
                session.client.socket.send(packets[sent // 2 % SESSIONS])
            sent += 1
        counter.drain(0)
        time.sleep(max(0.0, BURST_S - (time.monotonic() - started - elapsed)))
    while counter.drain(0.3):
        pass
    spent = cpu_seconds(process) - cpu
    for session in sessions:
        session.client.socket.settimeout(3)
        session.client.refresh(0)
        session.client.socket.close()
        session.peer.close()
    return spent / sent * 1e6, 1 - counter.received / sent


def make_packet(session: Session, channel: int, payload: bytes, load: Load) -> bytes:
    """What the client sends again and again."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with near, far:
        writer = TurnClient(near, "udp")
        if load.by_channel:
            writer.send_channel(channel, payload)
        else:
            writer.send(session.address, payload)
        return far.recv(65_536)


@contextmanager
def cloud() -> Iterator[tuple[str, int, int]]:
    """(URL, relay's process id, relay's port) of the whole program."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FAZT_DATA": f"{folder}/data.db",
            "FAZT_OWNER_EMAIL": "owner@example.org",
            "FAZT_OWNER_PASSWORD": "correct horse battery",
        }
        command = [sys.executable, "-m", "fazt", "serve", "--listen", "127.0.0.1:0", "--turn-listen", "127.0.0.1:0"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                found = next(filter(None, (re.search(r" at (http://\S+:\d+)$", line) for line in process.stderr)))
                url = found[1]
                auth = ("owner@example.org", "correct horse battery")
                with httpx.Client(base_url=url, auth=auth) as owner:
                    owner.put("/api/v1/settings/turn.allow_peers", json={"value": ["127.0.0.0/8"]}).raise_for_status()
                    owner.put("/api/v1/settings/turn.static_users", json={"value": [f"{USER}:{PASSWORD}"]})
                    owner.put("/api/v1/settings/turn.refusals_per_second", json={"value": 1_000})
                    uri = owner.get("/api/v1/turn/status").json()["uris"][0]
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                relay = next(int(c) for c in children if b"turn" in Path(f"/proc/{c}/cmdline").read_bytes())
                yield url, relay, int(re.search(r":(\d+)\?", uri)[1])  # type: ignore[index]
            finally:
                process.terminate()


def measure_pages(url: str, seconds: float) -> float:
    """p99 of a page, in milliseconds, asked for a hundred times a second."""
    times = []
    with httpx.Client(base_url=url) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.monotonic()
            client.get("/login")
            times.append(time.monotonic() - started)
            time.sleep(max(0.0, 0.01 - times[-1]))
    return statistics.quantiles(times, n=100)[98] * 1_000


def compare_pages() -> None:
    """How pages of the program do while its relay works."""
    with cloud() as (url, relay, port), ThreadPoolExecutor(1) as pool:
        measure_pages(url, 1)
        idle = measure_pages(url, SECONDS)
        for load in LOADS[:2]:
            busy = pool.submit(subprocess.run, measuring(url), capture_output=True, text=True, check=True)
            _, lost = run_load(load, relay, port)
            p99 = float(busy.result().stdout)
            print(f"p99 of a page: {idle:.1f} ms idle, {p99:.1f} ms at {load} ({p99 / idle:.2f}), loss {lost:.3%}")


def measuring(url: str) -> list[str]:
    """The command by which another process measures pages: this one is busy sending packets."""
    return [sys.executable, __file__, "--pages", url]


def main() -> None:
    """Run and print."""
    if sys.argv[1:2] == ["--pages"]:
        print(measure_pages(sys.argv[2], SECONDS * 0.8))
        return
    if not shutil.which("turnserver"):
        sys.exit("bench/turn.py compares with coturn: apt-get install coturn")
    print(f"CPU of the server for each relayed packet (us), and loss; {SESSIONS} sessions, median of {ROUNDS}")
    print(f"{'load':<28}{'fazt':>8}{'coturn':>8}{'ratio':>8}{'loss fazt':>12}{'coturn':>10}")
    with fazt_server() as fazt, coturn_server() as coturn:
        for load in LOADS:
            runs = [(run_load(load, *fazt), run_load(load, *coturn)) for _ in range(ROUNDS)]
            ours, theirs = (statistics.median(run[side][0] for run in runs) for side in (0, 1))
            lost = [statistics.median(run[side][1] for run in runs) for side in (0, 1)]
            print(f"{load!s:<28}{ours:>8.1f}{theirs:>8.1f}{ours / theirs:>8.2f}{lost[0]:>12.3%}{lost[1]:>10.3%}")
    compare_pages()


if __name__ == "__main__":
    main()
