"""Functions: a warm hello beside Deno, Node and workerd; cold starts; the store from code; sites that are at rest.

Peers take turns on the same machine, so that ratios hold even where figures do not. workerd takes part where it is
installed (npm's `workerd`, in tests/e2e/node_modules or on the PATH).
"""

from __future__ import annotations

import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from _load import free_port, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import Program

CONNECTIONS = 32
ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("FAZT_BENCH_SECONDS", "3"))
STARTS = int(os.environ.get("FAZT_BENCH_STARTS", "20"))
SITES = 100
PAUSE_S = 0.7
MODULES = Path(__file__).parents[1] / "tests" / "e2e" / "node_modules"

HELLO = 'export default { fetch() { return new Response("hello"); } };'
STORE = """
async function measure(times, work) {
  const took = [];
  for (let n = 0; n < times; n++) {
    const began = performance.now();
    await work(n);
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b)[times >> 1];
}
export default { async fetch() {
  await db.set("key", { text: "x".repeat(100) });
  return new Response(`${await measure(500, () => db.get("key"))} ${await measure(50, (n) => db.set("other", n))}`);
} };
"""
DENO = 'Deno.serve({{ hostname: "127.0.0.1", port: {port}, onListen() {{}} }}, () => new Response("hello"));'
NODE = 'require("http").createServer((q, s) => s.end("hello")).listen({port}, "127.0.0.1");'
WORKERD = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "main.js", esModule = embed "main.js")],
    compatibilityDate = "2024-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")]);
"""


def find_program(name: str) -> str:
    """On the PATH, or beside this Python."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if not found:
        sys.exit(f"bench/runtime.py needs {name}: Debian's package wrk, and deno from PyPI.")
    return found


def deploy(program: Program, site: str, code: str) -> None:
    """Put a main.js up."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("main.js")
        info.size = len(code.encode())
        archive.addfile(info, io.BytesIO(code.encode()))
    with program.owner() as owner:
        owner.put(f"/api/v1/sites/{site}", content=buffer.getvalue()).raise_for_status()


@contextmanager
def served(command: list[str], port: int) -> Iterator[int]:
    """A peer on its port."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def start_peers(stack: ExitStack, folder: Path) -> dict[str, int]:
    """The peers that are installed: name to port."""
    ports: dict[str, int] = {}

    def begin(name: str, file: str, text: str, command: Callable[[Path], list[str]]) -> None:
        port = free_port()
        path = folder / file
        path.write_text(text.replace("{{", "{").replace("}}", "}").replace("{port}", str(port)))
        ports[name] = stack.enter_context(served(command(path), port))

    deno = find_program("deno")
    begin("deno serve", "deno.js", DENO, lambda path: [deno, "run", "--allow-net", "--no-config", str(path)])
    if node := shutil.which("node"):
        begin("node http", "node.cjs", NODE, lambda path: [node, str(path)])
    workerd = shutil.which("workerd", path=os.pathsep.join([str(MODULES / ".bin"), os.environ.get("PATH", "")]))
    if workerd:
        (folder / "main.js").write_text(HELLO)
        begin("workerd", "config.capnp", WORKERD, lambda path: [workerd, "serve", str(path)])
    return ports


def load(port: int, host: str = "") -> tuple[float, int]:
    """Requests a second, and how many there were, by wrk."""
    headers = ["-H", f"Host: {host}"] if host else []
    command = [find_program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", *headers, f"http://127.0.0.1:{port}/"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    total = re.search(r"(\d+) requests in", said)
    assert found is not None, said
    assert total is not None, said
    return float(found[1]), int(total[1])


def processor_s(pid: int) -> float:
    """Processor time that a process has used until now, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compare(program: Program, ports: dict[str, int]) -> None:
    """The same hello from all, in turns."""
    assert program.process is not None
    figures: dict[str, list[float]] = {name: [] for name in ["fazt", *ports]}
    used: list[float] = []
    for _ in range(ROUNDS):
        before = processor_s(program.process.pid)
        speed, count = load(program.port, "hello.localhost")
        used.append((processor_s(program.process.pid) - before) / count * 1e6)
        figures["fazt"].append(speed)
        for name, port in ports.items():
            figures[name].append(load(port)[0])
    middle = {name: statistics.median(values) for name, values in figures.items()}
    print(f"{'warm hello':<14}{'requests/s':>12}{'fazt : it':>12}")
    for name, value in middle.items():
        print(f"{name:<14}{value:>12,.0f}{middle['fazt'] / value:>12.2f}")
    print(f"processor time of fazt's own process: {statistics.median(used):.0f} us a request")


def measure_starts(program: Program, what: str, spare_s: int) -> None:
    """From a request to a site without a process to its answer; a while after its deploy, as visitors come."""
    program.run("settings", "set", "runtime.spare_s", str(spare_s))
    times = []
    with program.client() as client:
        for number in range(STARTS):
            site = f"cold{spare_s}-{number}"
            deploy(program, site, HELLO)
            time.sleep(PAUSE_S)
            began = time.perf_counter()
            assert client.get("/", headers={"host": f"{site}.localhost"}).text == "hello"
            times.append((time.perf_counter() - began) * 1_000)
    times.sort()
    print(f"cold start to first answer, {what}: p50 {times[len(times) // 2]:.0f} ms, slowest {times[-1]:.0f} ms")


def measure_store(program: Program) -> None:
    """db.get and db.set as the code sees them."""
    deploy(program, "store", STORE)
    with program.client(headers={"host": "store.localhost"}) as client:
        rounds = [[float(part) for part in client.get("/").text.split()] for _ in range(ROUNDS)]
    reads, writes = (statistics.median(values) for values in zip(*rounds, strict=True))
    print(f"db.get from code: p50 {reads:.3f} ms; db.set (on disk): p50 {writes:.2f} ms")


def count_at_rest(program: Program) -> None:
    """Processes of many sites that nobody asks for."""
    for number in range(SITES):
        deploy(program, f"rest{number}", HELLO)
    with program.owner() as owner:
        found = owner.get("/api/v1/functions").json()
    resting = [entry for entry in found if entry["site"].startswith("rest")]
    running = [entry for entry in resting if entry["state"] == "running"]
    print(f"{len(resting)} sites at rest: {len(running)} processes")


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory(prefix="fazt-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        program = stack.enter_context(Program(folder, FAZT_LOG_LEVEL="error"))
        deploy(program, "hello", HELLO)
        with program.client(headers={"host": "hello.localhost"}) as client:
            assert client.get("/").text == "hello"
        compare(program, start_peers(stack, folder))
        measure_starts(program, "nothing ready", 0)
        measure_starts(program, "a process waits", 600)
        measure_store(program)
        count_at_rest(program)


if __name__ == "__main__":
    main()
