"""Requests that no honest client sends: the right status, and nothing changed."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.apps.drive.webdav import FILES, XML, head, propfind, props, raw
from tests.program import Program


@pytest.mark.parametrize(
    "target",
    [
        "/dav/files/../x",
        "/dav/files/%2e%2e/x",
        "/dav/files/.%2e/x",
        "/dav/files/..%2fx",
        "/dav/files/%2e%2e%2fx",
        "/dav/files/a%00b",
        "/dav/files/%ff",
        "/dav/files/a#b",
        "/dav/files/" + "a" * 256,
        "/dav/files" + "/a" * 1000,
    ],
)
def test_hostile_targets_are_refused(shared_program: Program, dav: httpx.Client, target: str) -> None:
    before = propfind(dav, FILES, "getetag", depth="1").text
    for method, lines in (("PUT", ("Content-Length: 1",)), ("DELETE", ()), ("MKCOL", ())):
        answer = raw(shared_program, head(method, target, *lines) + (b"x" if lines else b""))
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 414")), answer[:100]
    source = f"{FILES}/hostile-source"
    answer = raw(shared_program, head("MOVE", source, f"Destination: {target}"))
    assert answer[9:10] == b"4"
    assert propfind(dav, FILES, "getetag", depth="1").text == before


def test_bodies_that_lie_or_break_off_change_nothing(shared_program: Program, dav: httpx.Client) -> None:
    path = f"{FILES}/cut.bin"
    dav.put(path, content=b"old content")
    cut = head("PUT", path, "Content-Length: 500000") + b"x" * 300_000
    with socket.create_connection(("127.0.0.1", shared_program.port), timeout=10) as wire:
        wire.sendall(cut)
    for lines, body in (
        (("Transfer-Encoding: chunked",), b"5\r\nhello\r\nZZ\r\nx"),
        (("Content-Length: 5", "Content-Length: 6"), b"hello"),
        (("Content-Length: -1",), b"hello"),
        (("Content-Length: +5",), b"hello"),
        (("Content-Length: 5", "Transfer-Encoding: chunked"), b"5\r\nhello\r\n0\r\n\r\n"),
    ):
        answer = raw(shared_program, head("PUT", path, *lines) + body)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), (lines, answer[:80])
    assert dav.get(path).content == b"old content"
    assert [href for href in props(propfind(dav, FILES, depth="1")) if "cut" in href] == [path]


def test_a_refusal_comes_before_the_body_when_a_client_waits(shared_program: Program) -> None:
    for target, lines, code in (
        (f"{FILES}/none/x", (), b"409"),
        (FILES, (), b"405"),
        (f"{FILES}/x", ('If-Match: "x"',), b"412"),
    ):
        answer = raw(shared_program, head("PUT", target, "Expect: 100-continue", "Content-Length: 1000000000", *lines))
        assert answer.startswith(b"HTTP/1.1 " + code), answer[:100]
    answer = raw(shared_program, head("PUT", f"{FILES}/expected", "Expect: 100-continue", "Content-Length: 5"))
    assert answer.startswith(b"HTTP/1.1 100 Continue")


def test_what_no_disk_holds_is_refused_before_it_comes(shared_program: Program) -> None:
    answer = raw(shared_program, head("PUT", f"{FILES}/vast", f"Content-Length: {1 << 56}"))
    assert answer.startswith(b"HTTP/1.1 507"), answer[:100]


def test_large_and_poisonous_xml_is_refused(dav: httpx.Client) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "' + "a" * 1_000 + '">]><propfind xmlns="DAV:"><prop>&a;</prop></propfind>'
    assert dav.request("PROPFIND", FILES, content=bomb).status_code == 403
    for method in ("PROPFIND", "PROPPATCH", "LOCK", "REPORT", "MKCOL"):
        path = f"{FILES}/xml" if method == "MKCOL" else FILES
        large = dav.request(method, path, content=b"<a>" + b" " * 1_100_000, headers=XML)
        assert large.status_code == 413, method
        assert dav.request(method, path, content=b"<a", headers=XML).status_code == 400, method
    assert dav.put(f"{FILES}/if", content=b"x", headers={"if": "(<a>)" * 5_000}).status_code in {400, 431}


def test_one_that_finds_no_room_costs_no_other_its_answer(program: Program) -> None:
    program.run("settings", "set", "drive.quota_mb", "1")
    sizes = [1_000, 120_000] * 16
    with program.owner() as dav, ThreadPoolExecutor(len(sizes)) as pool:
        assert dav.put(f"{FILES}/first", content=bytes(100_000)).status_code == 201

        def send(number: int) -> httpx.Response:
            return dav.put(f"{FILES}/{number}", content=bytes([number]) * sizes[number])

        answers = list(pool.map(send, range(len(sizes))))
        codes = [answer.status_code for answer in answers]
        assert codes[::2] == [201] * 16
        assert set(codes[1::2]) == {201, 507}
        found = props(propfind(dav, FILES, "getcontentlength", "quota-used-bytes", depth="1"))
        there = {path: int(entry["getcontentlength"]) for path, entry in found.items() if "getcontentlength" in entry}
        put = {f"{FILES}/{n}": sizes[n] for n, code in enumerate(codes) if code == 201}
        assert there == put | {f"{FILES}/first": 100_000}
        (entry,) = props(propfind(dav, FILES, "quota-used-bytes")).values()
        assert int(entry["quota-used-bytes"]) == sum(there.values()) <= 1 << 20


def test_the_quota_is_said_and_held(program: Program) -> None:
    program.run("settings", "set", "drive.quota_mb", "1")
    with program.owner() as dav:
        assert dav.put(f"{FILES}/a", content=b"x" * 900_000).status_code == 201
        (entry,) = props(propfind(dav, FILES, "quota-available-bytes", "quota-used-bytes")).values()
        assert (entry["quota-used-bytes"], entry["quota-available-bytes"]) == ("900000", str((1 << 20) - 900_000))
        refused = dav.put(f"{FILES}/b", content=b"x" * 200_000)
        assert refused.status_code == 507
        assert "quota-not-exceeded" in refused.text
        assert dav.put(f"{FILES}/b", content=iter([b"x" * 100_000] * 3)).status_code == 507
        waiting = head("PUT", f"{FILES}/b", "Expect: 100-continue", "Content-Length: 200000")
        assert raw(program, waiting).startswith(b"HTTP/1.1 507")
        assert dav.request("COPY", f"{FILES}/a", headers={"destination": f"{FILES}/c"}).status_code == 507
        assert list(props(propfind(dav, FILES, depth="1"))) == [f"{FILES}/", f"{FILES}/a"]
        assert dav.put(f"{FILES}/a", content=b"y" * 1_000_000).status_code == 204
        program.kill()
        program.start()
        with program.owner() as again:
            assert again.get(f"{FILES}/a").content == b"y" * 1_000_000
