"""Both doors of code answer alike, whatever it answers and however that ends."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fazt.apps.runtime.actions import wait_for_lines
from fazt.apps.runtime.engine import Functions
from fazt.apps.sites.actions import deploy_archive
from fazt.core import Core
from fazt.core.config import Address, read_config
from fazt.core.http.server import Listener, bind
from fazt.serve import Running, running
from tests.program import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")

CODE = """
const slow = (stop) => new ReadableStream({
  async pull(controller) {
    controller.enqueue(new TextEncoder().encode("piece "));
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (stop()) controller.close();
  },
  cancel() { console.log("the visitor left"); },
});
const answers = {
  "/": () => new Response("hello"),
  "/empty": () => new Response(null, { status: 204 }),
  "/same": () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
  "/nothing": () => new Response(null),
  "/own": () => new Response("short and stout", { status: 418, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"],
    ["x-own", "\\u00fc"], ["content-type", "text/x-own"], ["referrer-policy", "no-referrer"]] }),
  "/away": () => Response.redirect("https://example.org/?a=1#b", 302),
  "/json": () => Response.json({ long: "x".repeat(5_000) }),
  "/large": () => new Response("0123456789".repeat(150_000)),
  "/later": async () => { await new Promise((resolve) => setTimeout(resolve, 5)); return new Response("later"); },
  "/pieces": () => { let left = 3; return new Response(slow(() => --left === 0)); },
  "/endless": () => new Response(slow(() => false)),
  "/throws": () => { throw new Error("no"); },
  "/undefined": () => undefined,
  "/breaks": () => new Response(new ReadableStream({ async pull(controller) {
    await new Promise((resolve) => setTimeout(resolve, 5)); controller.error(new Error("no")); } })),
  "/too-much": () => new Response("0123456789".repeat(300_000)),
  "/dies": () => Deno.exit(3),
  "/hangs": () => new Promise(() => {}),
};
export default { fetch(request) {
  const answer = answers[new URL(request.url).pathname];
  if (answer) return answer();
  return new Response(`${request.method} ${request.url} ${[...request.headers.keys()]}`);
} };
"""
PATHS = [
    *("/", "/empty", "/same", "/nothing", "/own", "/away", "/json", "/large", "/later", "/pieces", "/throws"),
    *("/undefined", "/page", "/page/", "/old", "/old/7", "/main.js", "/seen", "/seen?a=1&b=%20", "/%C3%BC/%2F?x"),
    *("/a//b/../c", "/seen?"),
]
ENDS = ["/breaks", "/too-much", "/dies", "/hangs"]
PIECE = re.compile(rb"piece |0\r\n\r\n\Z")
HEADERS = [
    (),
    (b"Accept-Encoding: gzip, br", b"User-Agent: x", b"Cookie: a=b", b"X-Fazt-Run: x", b"X-Fazt-Id: mine"),
    (b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: fn.localhost"),
]  # fmt: skip


def pack(files: dict[str, str]) -> bytes:
    """An archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content.encode())
            archive.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


async def deploy(core: Core, site: str, files: dict[str, str]) -> None:
    """Put a site up."""

    async def stream() -> AsyncIterator[bytes]:
        yield pack(files)

    await deploy_archive(core, await core.auth.local_caller(), site, stream(), source="archive", message="")


@asynccontextmanager
async def opened(app: Any) -> AsyncIterator[int]:
    """The port of a server of `app`."""
    listener = Listener(app, [bind(Address("127.0.0.1", 0))])
    await listener.start()
    yield listener.sockets[0].getsockname()[1]
    await listener.stop()


@pytest.fixture
async def program(template_file: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A cloud in this process: `fn` is code with files, `ruled` has rules, too."""
    environment = {"FAZT_DATA": str(tmp_path / "data.db"), "FAZT_LISTEN": "127.0.0.1:0"}
    environment["FAZT_TRUSTED_PROXIES"] = "127.0.0.1"
    shutil.copy(template_file, tmp_path / "data.db")
    async with running(read_config({}, environment)) as found:
        files = {"main.js": CODE, "page.html": "a page", "fazt.json": '{"static": ["*.html"]}'}
        await deploy(found.core, "fn", files)
        await deploy(found.core, "ruled", {**files, "_redirects": "/old/* /page 302\n/old /seen 301\n"})
        yield found


class Counted:
    """The program with its front door, or without."""

    def __init__(self, program: Running, *, is_open: bool) -> None:
        self.root = program.root
        self.taken: list[str] = []
        if is_open:
            self.front = self.ask

    def ask(self, scope: Any, reply: Any) -> bool:
        """See Root.front."""
        found = self.root.front(scope, reply)
        if found:
            self.taken.append(scope["path"])
        return found

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGI 3."""
        await self.root(scope, receive, send)


def build(path: str, host: str = "fn", headers: tuple[bytes, ...] = (), method: str = "GET") -> bytes:
    """A request, the last of its connection."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}.localhost\r\nConnection: close\r\n"
    return head.encode() + b"".join(line + b"\r\n" for line in headers) + b"\r\n"


async def talk(port: int, request: bytes) -> bytes:
    """Ask, and hear the answer without its date and the seams of its pieces, which come as they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    said = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    head, _, body = said.partition(b"\r\n\r\n")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"date: "))
    if b"\r\ntransfer-encoding: chunked" in head:
        body = b"".join(PIECE.findall(body))
    return head + b"\r\n\r\n" + body


async def warm(port: int) -> None:
    """Have both sites run."""
    for host in ("fn", "ruled"):
        assert (await talk(port, build("/", host))).endswith(b"hello")


async def test_both_doors_answer_alike(program: Running) -> None:
    heard, apps = [], [Counted(program, is_open=is_open) for is_open in (False, True)]
    asked = [build(path, host, headers) for path in PATHS for host in ("fn", "ruled") for headers in HEADERS]
    asked += [build(path, method="HEAD") for path in PATHS] + [build("/", headers=(b"Content-Length: 0",))]
    asked += [b"GET / HTTP/1.0\r\nHost: fn.localhost\r\n\r\n"]
    for app in apps:
        async with opened(app) as port:
            await warm(port)
            heard.append([await talk(port, request) for request in asked])
    for request, general, fronted in zip(asked, *heard, strict=True):
        assert fronted == general, request
    assert len(apps[1].taken) > 3 * (len(PATHS) - 6)
    assert not apps[0].taken


async def test_both_doors_end_alike(program: Running) -> None:
    core = program.core
    await core.settings.put("runtime.wall_s", 1, 1)
    await core.settings.put("runtime.response_mb", 1, 1)
    heard, taken = [], []
    for is_open in (False, True):
        app = Counted(program, is_open=is_open)
        async with opened(app) as port:
            answers = []
            for path in ENDS:
                await talk(port, build("/"))
                await talk(port, build("/"))
                answers.append(await talk(port, build(path)))
            heard.append(answers)
        taken = app.taken
    for path, general, fronted in zip(ENDS, *heard, strict=True):
        assert fronted == general, path
    assert set(ENDS) < set(taken)
    assert [answer[9:12] for answer in heard[1]] == [b"200", b"413", b"503", b"504"]


async def test_a_visitor_who_leaves_ends_what_was_begun_at_the_front(program: Running) -> None:
    app = Counted(program, is_open=True)
    async with opened(app) as port:
        await warm(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(build("/endless"))
        await asyncio.wait_for(reader.readuntil(b"piece "), 10)
        assert app.taken == ["/endless"]
        writer.close()
        functions = program.core.get(Functions)
        site_id, here = next((site_id, here) for site_id, here in functions.sites.items() if here.present)
        process = here.present
        assert process is not None
        await asyncio.to_thread(wait_until, lambda: not process.in_flight)
        lines = await wait_for_lines(program.core, await program.core.auth.local_caller(), site_id, 0, wait_s=10)
        assert [line.text for line in lines] == ["the visitor left"]
        assert (await talk(port, build("/"))).endswith(b"hello")


async def test_a_new_version_answers_at_the_front_at_once(program: Running) -> None:
    async with opened(Counted(program, is_open=True)) as port:
        for number in range(3):
            code = f'export default {{ fetch: () => new Response("version {number}") }};'
            await deploy(program.core, "fn", {"main.js": code})
            for _ in range(3):
                assert (await talk(port, build("/"))).endswith(b"version %d" % number)
