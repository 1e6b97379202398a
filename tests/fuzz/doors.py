"""Doors of the real program: it never answers with a fault, never writes one down, and is there afterwards."""

from __future__ import annotations

import base64
import random
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.apps.mail.servers import ports
from tests.apps.sites.archives import make_tar, make_zip
from tests.fuzz.damage import damage
from tests.fuzz.parsers import FORM, FRAME, LETTER, LOCK, PROPFIND
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

OWNER = b"Basic " + base64.b64encode(f"{OWNER_EMAIL}:{OWNER_PASSWORD}".encode())
TIMEOUT_S = 5.0
MOST_ANSWERED = 1 << 16


def ask(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request by the owner, whole."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in named.items())]
    head = "\r\n".join([*lines, f"Authorization: {OWNER.decode()}", f"Content-Length: {len(body)}"])
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + body


XML = {"content_type": "application/xml"}
JSON = {"content_type": "application/json"}
REQUESTS = [
    ask("GET", "/"),
    ask("GET", "/search?q=%C3%BC&page=2"),
    ask("GET", "/r/hello?a=b", referer="https://example.org/"),
    ask("PROPFIND", "/dav/files/", PROPFIND, depth="1", **XML),
    ask("LOCK", "/dav/files/a.txt", LOCK, timeout="Second-30", **XML),
    ask("PUT", "/dav/files/a.txt", b"hello", if_match="*"),
    ask("MOVE", "/dav/files/a.txt", destination="/dav/files/b%20c.txt", overwrite="T"),
    ask("GET", "/dav/files/a.txt", range="bytes=0-3", if_range='"x"'),
    ask("POST", "/d/", FORM, content_type="multipart/form-data; boundary=x"),
    ask("POST", "/d/tus", tus_resumable="1.0.0", upload_length="10", upload_metadata="filename YQ=="),
    ask("POST", "/db/fuzz", b'{"id": "a", "n": [1, {"b": null}]}', **JSON),
    ask(
        "PATCH",
        "/db/fuzz/a",
        b'[{"op": "add", "path": "/n/-", "value": 3}]',
        content_type="application/json-patch+json",
    ),
    ask("GET", "/db/fuzz?where=n%20%3E%203&sort=-n&limit=5&fields=n"),
    ask("POST", "/hub/fuzz?key=a&title=x&expires=5m", b"21.5", content_type="text/plain"),
    ask("GET", "/hub/fuzz/json?poll=1&since=all"),
    ask("PUT", "/pad/fuzz", b"one\ntwo\n", if_match="*"),
    ask("POST", "/pad/fuzz", b"three\n", content_type="text/plain"),
    ask("POST", "/ntfy/fuzz", b"hello", priority="5", tags="a,b", actions="view, x, https://example.org"),
    ask("POST", "/joplin/api/sessions", b'{"email": "a@b.c", "password": "x"}', **JSON),
    ask("PUT", "/joplin/api/items/root:/00000000000000000000000000000001.md:/content", b"x\n\nid: 1\ntype_: 1"),
    ask("PUT", "/api/v1/sites/fuzz", make_tar({"index.html": b"<h1>x</h1>"})),
    ask("PUT", "/api/v1/sites/fuzz", make_zip({"index.html": b"x", "_redirects": b"/a /b 301\n/c/* /d/:splat 200"})),
    ask("POST", "/api/v1/links", b'{"target": "https://example.org/", "slug": "s", "tags": ["a"]}', **JSON),
    ask("POST", "/api/v1/tokens", b'{"name": "x", "scopes": ["drive:rw"], "days": 3}', **JSON),
    ask("POST", "/mail/inbound/raw?to=admin@localhost", LETTER),
    ask("POST", "/track", b'{"site": "x", "path": "/a", "referrer": "https://b.example/"}', **JSON),
    ask("GET", "/hub/fuzz/ws", connection="Upgrade", upgrade="websocket", sec_websocket_key="eDhjZGVmZ2hpamtsbW5vcA==")
    + FRAME,
]
SESSION = (
    b"EHLO x\r\nMAIL FROM:<a@example.net> SIZE=900\r\nRCPT TO:<admin@localhost>\r\nDATA\r\n"
    + LETTER
    + b"\r\n.\r\nQUIT\r\n"
)


def send(port: int, data: bytes) -> bytes:
    """All of it at once, and what is answered until the other side is done or says nothing more."""
    said = bytearray()
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as line:
        line.settimeout(0.3)
        line.sendall(data)
        with suppress(OSError):
            line.shutdown(socket.SHUT_WR)
        while len(said) < MOST_ANSWERED and (piece := line.recv(1 << 14)):
            said += piece
    return bytes(said)


@contextmanager
def open_doors(folder: Path) -> Iterator[dict[str, Callable[[random.Random], str]]]:
    """A program, and for each door a function that sends one damaged thing; what was wrong, or ""."""
    with Program(folder, "--smtp-listen", "127.0.0.1:0") as program:
        wait_until(lambda: ports(program), what="the listener for mail")
        program.call("links", "add", "https://example.org/", "--slug", "hello")

        def by_http(chance: random.Random) -> str:
            request = damage(chance.choice(REQUESTS), chance)
            said = send(program.port, request)
            status = re.match(rb"HTTP/1\.1 (\d+)", said)
            is_fault = (
                status is not None and status[1][:1] == b"5" and status[1] not in {b"501", b"503", b"505", b"507"}
            )
            return f"{said[:200]!r} to {request[:2000]!r}" if is_fault else ""

        def by_smtp(chance: random.Random) -> str:
            session = damage(SESSION, chance)
            said = send(ports(program)[0], session)
            return f"{said[:300]!r} to {session[:2000]!r}" if re.search(rb"(?m)^[45]\d\d .*(?i:internal)", said) else ""

        yield {"HTTP": by_http, "SMTP": by_smtp}
        with program.owner() as owner:
            owner.get("/health").raise_for_status()
        assert program.stop() == 0
        said = re.split(r"(?m)^(?=\d\d:\d\d:\d\d )", program.log)
        faults = [block[-3_000:] for block in said if re.match(r"\S+ (error|critical) ", block)]
        assert not faults, "\n".join(faults[:5])
