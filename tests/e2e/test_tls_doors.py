"""The same doors over our own HTTPS: every answer as over plain HTTP, whatever a connection does."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.e2e.test_tls import https_port
from tests.program import Program, running_program

VARYING = re.compile(rb"(date|strict-transport-security|x-request-id|content-security-policy): [^\r]*\r\n")
LARGE = b"0123456789abcdef" * 200_000


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud on localhost, its own authority, with a document that everybody may read and make."""
    folder = tmp_path_factory.mktemp("doors")
    shutil.copy(template_file, folder / "data.db")
    with running_program(folder, "--https-listen", "127.0.0.1:0") as program:
        with program.owner() as client:
            client.put("/db/open/one", json={"a": 1}).raise_for_status()
            rules = {"read": "public", "create": "public"}
            client.put("/api/v1/textdb/collections/open", json={"rules": rules}).raise_for_status()
            link = {"slug": "there", "target": "https://example.org/"}
            client.post("/api/v1/links", json=link).raise_for_status()
        yield program


@pytest.fixture(scope="module")
def token(cloud: Program) -> str:
    return cloud.run("token", "create", "all", "--scope", "textdb:rw", "--scope", "drive:rw").stdout.strip()


def open_line(cloud: Program, *, secure: bool, name: str = "localhost") -> socket.socket:
    """A connection; over TLS it trusts whoever is there."""
    if not secure:
        return socket.create_connection(("127.0.0.1", cloud.port), 20)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", https_port(cloud)), 20), server_hostname=name)


def talk(cloud: Program, said: bytes, *, secure: bool) -> bytes:
    """Say it, and read to the end; without what differs from one time to the next."""
    with open_line(cloud, secure=secure) as line:
        line.sendall(said)
        heard = b""
        while piece := line.recv(65_536):
            heard += piece
    return VARYING.sub(b"", heard)


def ask(path: str, *more: str, method: str = "GET", body: bytes = b"", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "host: localhost", *more]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


LAST = ask("/db/open/one", "connection: close")
CONVERSATIONS = [
    LAST,
    ask("/db/open/one") * 100 + ask("/r/there") * 3 + ask("/db/open?a=1") * 3 + ask("/health") + LAST,
    ask("/db/open/nothing") + ask("/db/open/one", method="HEAD") + ask("/nowhere") + LAST,
    ask("/db/open/one", version="1.0"),
    ask("/db/open", "authorization: Bearer wrong", method="POST", body=b'{"id": "x"}') + LAST,
    ask("/db/open", method="POST", body=b"no json") + LAST,
    ask("/db/open/one", "connection: upgrade", "upgrade: h2c") + LAST,
    ask("/db/open/one") + b"GARBAGE\r\n\r\n",
    ask("/a#b"),
    ask("/" + "x" * 70_000),
    b"POST /db/open HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
]


@pytest.mark.parametrize("said", CONVERSATIONS, ids=range(len(CONVERSATIONS)))
def test_every_answer_is_as_over_plain_http(cloud: Program, said: bytes) -> None:
    plain, secure = (talk(cloud, said, secure=secure) for secure in (False, True))
    assert plain.startswith(b"HTTP/1.1 ")
    assert secure == plain


@pytest.mark.parametrize("secure", [False, True])
def test_a_large_body_goes_in_and_out(cloud: Program, token: str, *, secure: bool) -> None:
    path, bearer = f"/dav/files/large-{secure}", f"authorization: Bearer {token}"
    made = talk(cloud, ask(path, bearer, "connection: close", method="PUT", body=LARGE), secure=secure)
    assert made.startswith(b"HTTP/1.1 201 ")
    found = talk(cloud, ask(path, bearer) + ask(path, bearer, "connection: close"), secure=secure)
    assert found.count(LARGE) == 2


def test_a_document_is_made_and_refused_alike(cloud: Program, token: str) -> None:
    for secure in (False, True):
        with open_line(cloud, secure=secure) as line:
            for number in range(50):
                line.sendall(
                    ask("/db/open", f"authorization: Bearer {token}", method="POST", body=b'{"n": %d}' % number)
                )
                heard = line.recv(65_536)
                assert heard.startswith(b"HTTP/1.1 201 ")
                assert heard.endswith(b"}")
        head = f"POST /db/open/ HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {10**9}\r\n\r\n"
        with open_line(cloud, secure=secure) as line:
            line.sendall(head.encode())
            assert line.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_who_ends_tls_without_waiting_harms_nobody(cloud: Program) -> None:
    for said in (b"", ask("/db/open/one"), ask("/db/_changes"), ask("/db/open/_changes?feed=eventsource")):
        with open_line(cloud, secure=True) as line:
            line.sendall(said)
            assert isinstance(line, ssl.SSLSocket)
            line.settimeout(2)
            try:
                line.unwrap().close()
            except (OSError, ValueError):  # the other end had more to say first
                continue
    assert talk(cloud, LAST, secure=True).startswith(b"HTTP/1.1 200 ")


def test_a_websocket_speaks_over_tls(cloud: Program, token: str) -> None:
    everything = cloud.run("token", "create", "hub", "--scope", "pubsub:rw").stdout.strip()
    with (
        open_line(cloud, secure=True) as line,
        connect(
            "ws://localhost/hub/a/ws", sock=line, additional_headers={"authorization": f"Bearer {everything}"}
        ) as hub,
    ):
        hub.send('{"do": "ping", "ref": 1}')
        heard = [str(hub.recv(timeout=10)) for _ in range(3)]
        assert any('"pong"' in one for one in heard)


@pytest.mark.parametrize("name", ["stranger.example", "x" * 60 + ".example", "blog.localhost", "127.0.0.1"])
def test_names_that_are_not_ours_open_no_other_door(cloud: Program, name: str) -> None:
    try:
        line = open_line(cloud, secure=True, name=name)
    except ssl.SSLError:
        return  # no certificate for it, and said so
    with line:
        line.sendall(f"GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n".encode())
        heard = b""
        while piece := line.recv(65_536):
            heard += piece
    assert heard.split(b" ")[1] in ({b"401"} if name == "127.0.0.1" else {b"404", b"421"})


def test_plain_words_on_the_secure_port_are_no_request(cloud: Program) -> None:
    with socket.create_connection(("127.0.0.1", https_port(cloud)), 20) as line:
        line.sendall(LAST)
        heard = b""
        try:
            while piece := line.recv(65_536):
                heard += piece
        except ConnectionError:
            pass
    assert b"200" not in heard
    assert talk(cloud, LAST, secure=True).startswith(b"HTTP/1.1 200 ")
