"""Frames, heads of requests, and what source text says about itself."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.runtime.engine.network import PRIVATE, subtract
from fazt.apps.runtime.engine.wall import MACHINES, build_filter
from fazt.apps.runtime.wire.declarations import DECLARATIONS
from fazt.apps.runtime.wire.frames import FrameReader, encode, encode_answer, encode_error
from fazt.apps.runtime.wire.http import build_chunk, build_head, build_order, keep_headers, strip_date
from fazt.apps.runtime.wire.modules import find_bare_imports, is_module, wrap_classic
from fazt.core.errors import FaztError, Invalid, NotFound, TooLarge


@pytest.mark.parametrize(
    "source",
    [
        "export default {}",
        "const a = 1;\nexport { a as default };",
        "let a=1;export{a as default};",
        'import x from "./x.js";\nx();',
        'import "./x.js";',
        "/* ' */ export const a = `b`;",
        "const r = /['\"`]/g;\nexport default r;",
        "export async function f() {}",
        "export type A = 1;",
        "const s = 'it\\'s'; export * from './a.js';",
    ],
)
def test_modules(source: str) -> None:
    assert is_module(source)


@pytest.mark.parametrize(
    "source",
    [
        "res.send('hi')",
        "// export default {}\nres.send(1)",
        "res.send('export default {}')",
        "res.send(`export default ${1}`)",
        "/* export const a */ res.json({ export: 1 })",
        "const x = await import('./x.js'); res.send(x.default)",
        "module.export = 1; a.export\n{ }",
        "const r = /export default/; res.send(r.source)",
    ],
)
def test_scripts(source: str) -> None:
    assert not is_module(source)


def test_a_script_keeps_its_lines() -> None:
    assert wrap_classic("a\nb").splitlines()[0].endswith("{a")
    assert wrap_classic("a // end").endswith("// end\n}\n")


def test_bare_imports() -> None:
    source = """
import { Hono } from "hono"; import x from './x.js'; import fs from "node:fs";
const y = await import("npm:zod@3"); export * from "https://esm.sh/a"; import "side-effect";
"""
    assert find_bare_imports(source) == ["hono", "https://esm.sh/a", "npm:zod@3", "side-effect"]


def test_frames_come_in_any_pieces() -> None:
    whole = encode({"i": 1, "m": "db.get", "a": {"key": "é"}}) + encode({"l": "info", "t": "x"})
    reader = FrameReader()
    frames = [frame for index in range(len(whole)) for frame in reader.feed(whole[index : index + 1])]
    assert [(frame.i, frame.m, frame.l, frame.t) for frame in frames] == [(1, "db.get", "", ""), (0, "", "info", "x")]
    assert msgspec.json.decode(frames[0].a) == {"key": "é"}
    assert len(FrameReader().feed(whole)) == 2


@given(st.binary(max_size=200))
def test_nonsense_in_frames_is_only_invalid(data: bytes) -> None:
    for head in (b"", len(data).to_bytes(4, "big")):
        try:
            FrameReader().feed(head + data)
        except (Invalid, TooLarge):
            continue


def test_answers_to_calls() -> None:
    assert encode_answer(3, msgspec.Raw(b'{"a":1}'))[4:] == b'{"i":3,"v":{"a":1}}'
    assert msgspec.json.decode(encode_error(4, NotFound("No.", hint="Why", id=7))[4:]) == {
        "i": 4,
        "e": {"kind": "not_found", "message": "No.", "hint": "Why", "details": {"id": 7}},
    }
    assert b"internal" in encode_error(1, FaztError("x"))
    with pytest.raises(Invalid):
        encode({"a": object()})


def test_heads() -> None:
    headers = [
        (b"host", b"evil"),
        (b"accept", b"*/*"),
        (b"connection", b"close"),
        (b"x-fazt-run", b"x"),
        (b"content-length", b"9"),
    ]
    head = build_head("GET", b"https://a.b/c?d", headers, b"a.b", 0, "r1")
    assert head == b"GET https://a.b/c?d HTTP/1.1\r\nhost: a.b\r\naccept: */*\r\nx-fazt-id: r1\r\n\r\n"
    assert build_head("POST", b"/", [], b"h", 5, "r").endswith(b"content-length: 5\r\n\r\n")
    assert build_head("POST", b"/", [], b"h", 0, "r").endswith(b"content-length: 0\r\n\r\n")
    assert build_head("PUT", b"/", [], b"h", None, "r").endswith(b"transfer-encoding: chunked\r\n\r\n")
    assert (build_chunk(b"abc"), build_chunk(b"")) == (b"3\r\nabc\r\n", b"0\r\n\r\n")
    order = build_order("s", {"kind": "email", "about": {"from": "a\r\nb: c"}}, 3)
    assert order.count(b"\r\n") == 6
    assert keep_headers([(b"date", b"x"), (b"x-a", b"1"), (b"transfer-encoding", b"chunked")]) == [(b"x-a", b"1")]


def test_the_date_of_a_head_makes_no_difference() -> None:
    dates = [b"Sat, 28 Nov 2026 09:0%d:00 GMT" % number for number in range(2)]
    for form in (b"HTTP/1.1 200 OK\r\ndate: %b\r\nx: y", b"HTTP/1.1 200 OK\r\nx: y\r\ndate: %b"):
        heads = {strip_date(form % date) for date in dates}
        assert heads == {b"HTTP/1.1 200 OK\r\nx: y"}
    for form in (b"A\r\ndate: %b2\r\nx: y", b"A\r\ndate: %b\r\n folded", b"A\r\ndate: x\r\nb: %b", b"A\r\nmy-date: %b"):
        head = form % dates[0]
        assert strip_date(head) == head


def test_holes_in_the_blocks_that_are_denied() -> None:
    from ipaddress import IPv4Network

    left = subtract(PRIVATE, [IPv4Network("192.168.1.7/32"), IPv4Network("10.0.0.0/8")])
    networks = [IPv4Network(block) for block in left]

    def denied(address: str) -> bool:
        return any(IPv4Network(address).subnet_of(network) for network in networks)

    assert not denied("192.168.1.7/32")
    assert not denied("10.1.2.3/32")
    assert denied("192.168.1.8/32")
    assert denied("127.0.0.1/32")
    assert denied("169.254.169.254/32")


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_the_filter_of_system_calls_jumps_within_itself(machine: str) -> None:
    lines = build_filter(*MACHINES[machine])
    assert len(lines) < 4_096
    for index, (_, yes, no, _) in enumerate(lines):
        assert index + 1 + max(yes, no) < len(lines) or not (yes or no)
    assert lines[-1][0] == 0x06


def test_the_types_name_what_code_finds() -> None:
    for name in ("declare const db", "declare const fazt", "declare const env", "FaztHandlers", "setReject"):
        assert name in DECLARATIONS
