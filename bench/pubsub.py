"""Messages to 500 WebSockets, the way of one message, and idle listeners: fazt beside nginx with nchan, in turns."""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import Program, wait_until

LISTENERS = int(os.environ.get("FAZT_BENCH_LISTENERS", "500"))
MESSAGES = int(os.environ.get("FAZT_BENCH_MESSAGES", "300"))
ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "5"))
IDLE = int(os.environ.get("FAZT_BENCH_IDLE", "5000"))
PUBLISHERS = 8
BODY = b"x" * 100
MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
NGINX = """
load_module {module};
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  nchan_shared_memory_size 128M;
  server {{
    listen 127.0.0.1:{port};
    location = /pub {{ nchan_publisher; nchan_channel_id $arg_id; nchan_message_buffer_length 10; }}
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id $arg_id; nchan_subscriber_first_message newest; }}
  }}
}}
"""


class Hub(NamedTuple):
    """A server: where to publish and to listen, with what."""

    name: str
    port: int
    publish: str
    listen: str
    headers: str = ""


class Listener(asyncio.Protocol):
    """A WebSocket that counts the bytes behind its handshake, and calls when there are as many as it waits for."""

    def __init__(self, hub: Hub, topic: str) -> None:
        self.hub = hub
        self.topic = topic
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.full: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.head = b""
        self.got = 0
        self.want = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        key = base64.b64encode(os.urandom(16)).decode()
        path = self.hub.listen.format(topic=self.topic)
        head = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        head += f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n{self.hub.headers}\r\n"
        self.transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if not self.open.done():
            self.head += data
            if b"\r\n\r\n" not in self.head:
                return
            assert b" 101 " in self.head[:20], self.head
            self.open.set_result(None)
            data = self.head.partition(b"\r\n\r\n")[2]
        self.got += len(data)
        if self.want and self.got >= self.want and not self.full.done():
            self.full.set_result(time.perf_counter())

    def expect(self, size: int) -> asyncio.Future[float]:
        """When so many more bytes have come."""
        self.full = asyncio.get_running_loop().create_future()
        self.want = self.got + size
        return self.full


async def listen(hub: Hub, topic: str, count: int) -> list[Listener]:
    """So many listeners, all connected."""
    loop = asyncio.get_running_loop()
    made: list[Listener] = []
    for start in range(0, count, 100):
        pairs = await asyncio.gather(
            *(
                loop.create_connection(lambda: Listener(hub, topic), "127.0.0.1", hub.port)
                for _ in range(min(100, count - start))
            )
        )
        made += [listener for _, listener in pairs]
        await asyncio.gather(*(listener.open for listener in made[-len(pairs) :]))
    return made


class Publisher:
    """A connection that is kept open."""

    def __init__(self, hub: Hub, topic: str) -> None:
        self.hub = hub
        path = hub.publish.format(topic=topic)
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n{hub.headers}"
        self.request = f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY

    async def start(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.hub.port)

    async def publish(self) -> None:
        """One message, until it is acknowledged."""
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head[9:12] in {b"200", b"201", b"202"}, head
        size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(size or b"0"))


async def frame_size(hub: Hub) -> int:
    """Bytes of one message on the line."""
    (listener,) = await listen(hub, "size", 1)
    publisher = Publisher(hub, "size")
    await publisher.start()
    got = listener.expect(len(BODY))
    before = listener.got
    await publisher.publish()
    await got
    await asyncio.sleep(0.1)
    listener.transport.close()
    return listener.got - before


async def fan_out(hub: Hub, topic: str) -> float:
    """Deliveries a second, from the first message sent to the last received."""
    size = await frame_size(hub)
    listeners = await listen(hub, topic, LISTENERS)
    publishers = [Publisher(hub, topic) for _ in range(PUBLISHERS)]
    for publisher in publishers:
        await publisher.start()
    await asyncio.sleep(0.3)
    waiting = [listener.expect(size * MESSAGES) for listener in listeners]
    left = MESSAGES

    async def send(publisher: Publisher) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await publisher.publish()

    started = time.perf_counter()
    await asyncio.gather(*map(send, publishers))
    ended = max(await asyncio.gather(*waiting))
    for listener in listeners:
        listener.transport.close()
    for publisher in publishers:
        publisher.writer.close()
    await asyncio.sleep(0.2)
    return LISTENERS * MESSAGES / (ended - started)


async def latency(hub: Hub, topic: str) -> list[float]:
    """Milliseconds from sending a message to hearing it, one at a time."""
    size = await frame_size(hub)
    (listener,) = await listen(hub, topic, 1)
    publisher = Publisher(hub, topic)
    await publisher.start()
    await asyncio.sleep(0.2)
    times = []
    for _ in range(MESSAGES):
        heard = listener.expect(size)
        started = time.perf_counter()
        publishing = asyncio.ensure_future(publisher.publish())
        times.append((await heard - started) * 1_000)
        await publishing
    listener.transport.close()
    publisher.writer.close()
    return times


def memory_mb(pid: int) -> float:
    """What a program alone occupies."""
    fields = dict(
        line.split(":")[:2] for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:] if ":" in line
    )
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) / 1024


async def idle_cost(hub: Hub, pid: int) -> float:
    """Megabytes for IDLE listeners who hear nothing."""
    before = memory_mb(pid)
    listeners = await listen(hub, "idle", IDLE)
    await asyncio.sleep(1)
    cost = memory_mb(pid) - before
    for listener in listeners:
        listener.transport.close()
    await asyncio.sleep(1)
    return cost


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nchan(folder: Path) -> Iterator[tuple[Hub, int]]:
    """Nginx with nchan, by itself, on a free port."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None or not Path(MODULE).exists():
        sys.exit("bench/pubsub.py needs Debian's packages nginx and libnginx-mod-nchan.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "nginx.conf").write_text(NGINX.format(module=MODULE, folder=folder, port=port))
    with subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)]) as process:
        try:
            wait_until(lambda: is_open(port))
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            worker = wait_until(lambda: children.read_text().split())[0]
            yield Hub("nchan", port, "/pub?id={topic}", "/sub?id={topic}"), int(worker)
        finally:
            process.terminate()


async def measure(hubs: list[Hub], pids: dict[str, int]) -> None:
    """All rounds, and the table."""
    speeds: dict[str, list[float]] = {hub.name: [] for hub in hubs}
    times: dict[str, list[float]] = {hub.name: [] for hub in hubs}
    for number in range(ROUNDS):
        for hub in hubs:
            speeds[hub.name].append(await fan_out(hub, f"fan{number}"))
            times[hub.name] += await latency(hub, f"way{number}")
    print(f"{LISTENERS} listeners, {MESSAGES} messages of {len(BODY)} bytes, {ROUNDS} rounds, {os.cpu_count()} cores")
    print(f"{'':24}{'deliveries/s':>14}{'of nchan':>10}{'p50 ms':>9}{'p99 ms':>9}")
    peer = statistics.median(speeds["nchan"])
    for hub in hubs:
        speed, way = statistics.median(speeds[hub.name]), sorted(times[hub.name])
        p50, p99 = way[len(way) // 2], way[int(len(way) * 0.99)]
        print(f"{hub.name:24}{speed:14,.0f}{speed / peer:10.2f}{p50:9.2f}{p99:9.2f}")
    for name, pid in pids.items():
        hub = next(one for one in hubs if one.name == name)
        print(f"{name}: {IDLE} idle listeners cost {await idle_cost(hub, pid):.0f} MB")


def main() -> None:
    """Start both, and measure."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name, Program(Path(name)) as program, nchan(Path(name)) as (peer, worker):
        token = program.run("token", "create", "bench", "--scope", "pubsub:rw").stdout.strip()
        head, port = f"authorization: Bearer {token}\r\n", program.port
        body = "/hub/{topic}/ws?format=body"
        hubs = [
            peer,
            Hub("fazt", port, "/hub/{topic}", body, head),
            Hub("fazt, nothing kept", port, "/hub/{topic}?volatile=1", body, head),
        ]
        assert program.process is not None
        uvloop.run(measure(hubs, {"nchan": worker, "fazt": program.process.pid}))


if __name__ == "__main__":
    main()
