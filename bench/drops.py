"""Uploads and downloads of one large and many small files: fazt by PUT and by tus, beside nginx's WebDAV and rclone.

The peers write plain files and sync nothing; fazt answers when the bytes are on disk. Medians of rounds in turns.
"""

from __future__ import annotations

import base64
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from _load import child, free_port, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import Program

LARGE = int(os.environ.get("FAZT_BENCH_MB", "64")) * 1_000_000
SMALL, SMALL_FILES, CONNECTIONS = 10_000, 200, 8
ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "3"))
TUS = {"tus-resumable": "1.0.0"}
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 2; user root;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; client_max_body_size 0; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; dav_methods PUT DELETE; create_full_put_path on; }}
}}
"""


class Peer(NamedTuple):
    """A server under test: how to send a file (where it is then), and a client for its downloads."""

    client: httpx.Client
    send: Callable[[str, bytes], str]


def put_to(client: httpx.Client) -> Callable[[str, bytes], str]:
    """WebDAV's way: the name is the place."""

    def send(name: str, data: bytes) -> str:
        client.put(f"/{name}", content=data).raise_for_status()
        return f"/{name}"

    return send


def start_peers(stack: ExitStack, folder: Path) -> dict[str, Peer]:
    """Those that are here, each over a folder of its own."""
    found: dict[str, Peer] = {}
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    for name in ("nginx", "rclone"):
        path = shutil.which(name, path=search)
        if path is None:
            print(f"{name} is not here, so it is left out")
            continue
        port, root = free_port(), folder / name
        root.mkdir()
        if name == "nginx":
            config = folder / "nginx.conf"
            config.write_text(NGINX.format(folder=folder, root=root, port=port))
            stack.enter_context(child(path, "-c", str(config), "-e", str(folder / "error.log")))
        else:
            stack.enter_context(child(path, "serve", "webdav", str(root), "--addr", f"127.0.0.1:{port}"))
        wait_for(port)
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120))
        found[f"{name} (WebDAV)"] = Peer(client, put_to(client))
    return found


def start_fazt(stack: ExitStack, folder: Path) -> dict[str, Peer]:
    """Fazt by both of its doors for programs."""
    program = stack.enter_context(Program(folder))
    with program.owner() as owner:
        secret = owner.post("/api/v1/tokens", json={"name": "bench", "scopes": ["drops:rw"]}).json()["secret"]
    headers = {"authorization": f"Bearer {secret}", "user-agent": "bench"}
    client = stack.enter_context(httpx.Client(base_url=program.url, timeout=120, headers=headers))

    def put(name: str, data: bytes) -> str:
        return urlsplit(client.put(f"/d/{name}", content=data).raise_for_status().text.strip()).path

    def tus(name: str, data: bytes) -> str:
        named = f"filename {base64.b64encode(name.encode()).decode()}"
        sized = {**TUS, "upload-length": str(len(data)), "upload-metadata": named}
        path = urlsplit(client.post("/d/tus", headers=sized).raise_for_status().headers["location"]).path
        body = {**TUS, "content-type": "application/offset+octet-stream", "upload-offset": "0"}
        done = client.patch(path, content=data, headers=body).raise_for_status()
        return urlsplit(done.headers["x-drop-url"]).path

    return {"fazt (PUT)": Peer(client, put), "fazt (tus)": Peer(client, tus)}


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fetch(peer: Peer, path: str) -> None:
    """Download and forget."""
    with peer.client.stream("GET", path) as answer:
        size = sum(len(piece) for piece in answer.iter_raw())
    assert size in {LARGE, SMALL}, (path, size)


def measure(peer: Peer, number: int) -> tuple[float, float, float]:
    """MB/s up, MB/s down, small files a second; every file of every round is new."""
    data = os.urandom(LARGE)
    place: list[str] = []
    up = timed(lambda: place.append(peer.send(f"large{number}", data)))
    down = timed(lambda: fetch(peer, place[0]))
    small = [os.urandom(SMALL) for _ in range(SMALL_FILES)]

    def send_all() -> None:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(peer.send, (f"small{number}-{at}" for at in range(SMALL_FILES)), small))

    return LARGE / up / 1e6, LARGE / down / 1e6, SMALL_FILES / timed(send_all)


def main() -> None:
    """Print one table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        folder.chmod(0o755)
        peers = {**start_fazt(stack, folder), **start_peers(stack, folder)}
        rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in peers}
        for number in range(ROUNDS):
            for name, peer in peers.items():
                rounds[name].append(measure(peer, number))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in rounds.items()}
    base = medians["fazt (PUT)"]
    print(
        f"{'':18}{'up MB/s':>14}{'down MB/s':>16}{f'{SMALL // 1000} KB files/s':>18}   (in brackets: fazt by PUT to it)"
    )
    for name, row in medians.items():
        cells = [f"{value:8.0f} ({mine / value:4.2f})" for value, mine in zip(row, base, strict=True)]
        print(f"{name:18}{cells[0]:>16}{cells[1]:>16}{cells[2]:>16}")


if __name__ == "__main__":
    main()
