"""Code that means harm: each attempt is contained, other sites answer meanwhile, and the program stays as it was."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fazt.core.instance import socket_path
from tests.apps.runtime.conftest import Cloud, attempts
from tests.program import wait_until


@pytest.fixture(scope="module")
def neighbour(cloud: Cloud) -> str:
    """A site that behaves, and has to answer whatever others do."""
    cloud.code("neighbour", "return new Response('well');")
    assert cloud.ask("neighbour").text == "well"
    return "neighbour"


@contextmanager
def watched_neighbour(cloud: Cloud, name: str) -> Iterator[list[float]]:
    """Ask the neighbour all the time inside the block; how long each answer took (s)."""
    took: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        with cloud.program.client(headers={"host": f"{name}.localhost"}) as client:
            while not stop.is_set():
                started = time.perf_counter()
                assert client.get("/").text == "well"
                took.append(time.perf_counter() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: took, what="an answer of the neighbour")
    yield took
    stop.set()
    thread.join()


def memory_mb(cloud: Cloud) -> int:
    """What the program holds of memory of its own."""
    assert cloud.program.process is not None
    fields = Path(f"/proc/{cloud.program.process.pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE") >> 20


def test_files_processes_environment_and_ffi_are_shut(cloud: Cloud) -> None:
    data = cloud.program.data
    works = {
        "passwd": "return Deno.readTextFile('/etc/passwd')",
        "data": f"return Deno.readFile('{data}')",
        "import": f"return import('file://{data}', {{ with: {{ type: 'json' }} }})",
        "import boot": "if (!Object.keys(await import('../boot/boot.js')).length) throw 'nothing in it'",
        "list": "return [...Deno.readDirSync('/tmp')].length",
        "write": "return Deno.writeTextFile('/tmp/fazt-hostile', 'x')",
        "temp": "return Deno.makeTempFile()",
        "node fs": "return (await import('node:fs')).readFileSync('/proc/self/environ')",
        "sqlite": f"const {{ DatabaseSync }} = await import('node:sqlite'); return new DatabaseSync('{data}')",
        "run": "return new Deno.Command('/bin/sh').outputSync()",
        "spawn": "return (await import('node:child_process')).execSync('id')",
        "ffi": "return Deno.dlopen('libc.so.6', {})",
        "hostname": "return Deno.hostname()",
        "kill": "return Deno.kill(Deno.ppid)",
        "door": f"return Deno.connect({{ transport: 'unix', path: '{socket_path(data)}' }})",
        "own door": "return Deno.connect({ transport: 'unix', path: Deno.args[0] + '/s.sock' })",
        "node door": "const net = await import('node:net');"
        f"return socket((yes, no) => net.connect('{socket_path(data)}').on('connect', yes).on('error', no))",
        "remote": "return import('https://example.com/x.js')",
        "npm": "return import('npm:hono')",
        "inspector": "return (await import('node:inspector')).open(0)",
    }
    found = attempts(cloud, "digger", works)
    assert {name: what for name, what in found.items() if "open" in what} == {}
    empty = attempts(cloud, "empty", {"env": "return JSON.stringify([Deno.env.toObject(), Deno.env.get('HOME')])"})
    assert empty["env"] == {"open": "[{},null]"}


def test_one_site_reaches_nothing_of_another(cloud: Cloud) -> None:
    cloud.code("rich", "await db.set('secret', 'gold'); return new Response('kept');")
    cloud.owner.put("/api/v1/functions/rich/env", json={"name": "KEY", "value": "gold"})
    assert cloud.ask("rich").text == "kept"
    poisons = """
    Object.prototype.site = "rich"; Object.prototype.site_id = 1; Object.prototype.name = "runtime.kv_get";
    Object.prototype.toJSON = function () { return { ...this, site: "rich", i: 1 }; };
    Array.prototype.toJSON = Object.prototype.toJSON;
    Promise.prototype.then = new Proxy(Promise.prototype.then, {});
    Map.prototype.get = new Proxy(Map.prototype.get, {});
    JSON.stringify = () => '{"i":1,"m":"db.get","a":{"key":"secret","site":"rich"}}';
    TextEncoder.prototype.encode = new Proxy(TextEncoder.prototype.encode, {});
    """
    works = {
        "plain": "return JSON.stringify([await db.get('secret'), env.KEY ?? null])",
        "asked": "return fazt.runtime.kv_get({ site: 'rich', key: 'secret' })",
        "poisoned": f"{poisons}; const late = new Promise((resolve) => setTimeout(resolve, 200));"
        "return Promise.race([db.get('secret'), late])",
    }
    found = attempts(cloud, "thief", works)
    assert found["plain"]["open"] == "[null,null]"
    assert "shut" in found["asked"]
    assert "gold" not in str(found)
    assert cloud.ask("rich").text == "kept"


def test_what_is_no_frame_ends_only_the_process_that_sent_it(cloud: Cloud, neighbour: str) -> None:
    cloud.code(
        "liar",
        """
  TextEncoder.prototype.encode = () => new Uint8Array([1, 2, 3]);
  db.get("x");
  await new Promise((resolve) => setTimeout(resolve, 500));
  return new Response("lied");""",
    )
    assert cloud.ask("liar").status_code in {200, 503}
    assert cloud.ask(neighbour).text == "well"


def test_an_endless_loop_ends(cloud: Cloud, neighbour: str) -> None:
    cloud.code("looper", "if (request.url.endsWith('/loop')) for (;;); return new Response('turned');", scopes=[])
    cloud.limit("looper", cpu_s=0.5, wall_s=300)
    assert cloud.ask("looper").text == "turned"
    with watched_neighbour(cloud, neighbour) as took:
        assert cloud.ask("looper", "/loop", timeout=120).status_code == 503
    assert cloud.ask("looper").text == "turned"
    cloud.wait_for_log("looper", "cpu_s")
    assert statistics.median(took) < 0.5  # a machine that tests share says little about its slowest


def test_a_heap_bomb_ends_in_its_own_process(cloud: Cloud, neighbour: str) -> None:
    cloud.deploy(
        "bomber",
        {
            "main.js": """
export default { async fetch(request) {
  const path = new URL(request.url).pathname;
  const held = [];
  if (path === "/heap") for (;;) held.push({ a: [1, 2, 3], b: "x".repeat(100) + held.length });
  while (path === "/bytes") {
    held.push(new Uint8Array(8 << 20).fill(1));
    await new Promise((resolve) => setTimeout(resolve));
  }
  return new Response("small");
} };"""
        },
        scopes=[],
    )
    cloud.limit("bomber", memory_mb=32, cpu_s=60, wall_s=300)
    before = memory_mb(cloud)
    with watched_neighbour(cloud, neighbour) as took:
        for path in ("/heap", "/bytes"):
            assert cloud.ask("bomber", path, timeout=120).status_code == 503
            assert cloud.ask("bomber").text == "small"
    cloud.wait_for_log("bomber", "memory")
    assert memory_mb(cloud) < before + 32
    assert statistics.median(took) < 0.5  # a machine that tests share says little about its slowest


def test_a_swarm_of_workers_ends(cloud: Cloud, neighbour: str) -> None:
    cloud.code(
        "swarm",
        """
  if (!request.url.endsWith("/fork")) return new Response("one");
  const url = URL.createObjectURL(new Blob(["for (;;);"], { type: "text/javascript" }));
  for (let n = 0; n < 200; n++) new Worker(url, { type: "module" });
  await new Promise(() => {});""",
        scopes=[],
    )
    cloud.limit("swarm", cpu_s=1, memory_mb=32, wall_s=10)
    with watched_neighbour(cloud, neighbour):
        assert cloud.ask("swarm", "/fork").status_code in {503, 504}
    assert cloud.ask("swarm").text == "one"


def count_until_cut(answer: httpx.Response) -> int:
    """How many bytes come before the connection is cut."""
    seen = 0
    try:
        for piece in answer.iter_bytes():
            seen += len(piece)
    except httpx.RemoteProtocolError:
        return seen
    pytest.fail("the answer came whole")


def test_an_answer_without_end_is_cut_off(cloud: Cloud) -> None:
    cloud.code(
        "flood",
        """
  const piece = new Uint8Array(1 << 20);
  let left = 1024;
  return new Response(new ReadableStream({ pull(controller) {
    if (left--) controller.enqueue(piece); else controller.close();
  } }));""",
        scopes=[],
    )
    cloud.limit("flood", response_mb=8)
    before = memory_mb(cloud)
    with cloud.visitor.stream("GET", "/", headers={"host": "flood.localhost"}) as answer:
        seen = count_until_cut(answer)
    assert 0 < seen <= 9 << 20
    assert "response_mb" in cloud.wait_for_log("flood", "response_mb")
    assert memory_mb(cloud) < before + 48


def test_a_million_lines_of_log_are_a_few(cloud: Cloud, neighbour: str) -> None:
    cloud.code(
        "chatty",
        """
  const many = Number(new URL(request.url).searchParams.get("n"));
  for (let n = 0; n < many; n++) console.log("line " + n);
  for (let n = 0; n < many / 100; n++) Deno.stdout.writeSync(new TextEncoder().encode("raw " + n + "\\n"));
  return new Response("said");""",
        scopes=[],
    )
    cloud.limit("chatty", cpu_s=60, wall_s=300)
    before = memory_mb(cloud)
    with watched_neighbour(cloud, neighbour):
        assert cloud.ask("chatty", "/?n=1000000", timeout=120).text == "said"
    said = cloud.wait_for_log("chatty", "Only the first 200 lines")
    assert said.count("line ") <= 202
    assert said.count("raw ") <= 200
    assert memory_mb(cloud) < before + 32


def test_a_request_that_hangs_is_ended(cloud: Cloud) -> None:
    cloud.code(
        "hanger",
        "if (request.url.endsWith('/hang')) await new Promise(() => {}); return new Response('fine');",
        scopes=[],
    )
    cloud.limit("hanger", wall_s=0.5)
    assert cloud.ask("hanger", "/hang").status_code == 504
    cloud.wait_for_log("hanger", "wall_s")
    assert cloud.ask("hanger").text == "fine"


def test_only_so_many_requests_at_once(cloud: Cloud) -> None:
    cloud.code(
        "narrow",
        """
  await db.add("here");
  while (!await db.get("go")) await new Promise((resolve) => setTimeout(resolve, 10));
  return new Response("done");""",
        scopes=[],
    )
    cloud.limit("narrow", concurrency=2)
    answers: list[int] = []

    def ask() -> None:
        with cloud.program.client(headers={"host": "narrow.localhost"}) as client:
            answers.append(client.get("/").status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    address = "/api/v1/functions/narrow/kv/entry"
    wait_until(lambda: cloud.owner.get(address, params={"key": "here"}).json().get("value") == 2)
    assert cloud.ask("narrow").status_code == 429
    cloud.owner.put(address, json={"key": "go", "value": 1})
    for thread in threads:
        thread.join()
    assert answers == [200, 200]


def test_code_that_ends_its_process_harms_nobody(cloud: Cloud, caller: Callable[..., Any], neighbour: str) -> None:
    cloud.code("quitter", "if (request.url.endsWith('/quit')) Deno.exit(3); return new Response('still here');")
    assert cloud.ask("quitter", "/quit").status_code == 503
    assert cloud.ask("quitter").text == "still here"
    assert cloud.ask(neighbour).text == "well"
    assert caller("runtime.handlers", site="quitter")["value"] == ["fetch"]
