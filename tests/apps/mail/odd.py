"""Odd messages: made by a generator from a seed, and taken from Python's own test data."""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Iterator
from pathlib import Path

ATTACKS = [
    "<script>globalThis.hit = 1; parent.hit = 1</script>",
    "<img src=x onerror='parent.hit=1'>",
    "<svg/onload=parent.hit=1>",
    "<body onload='parent.hit=1'>",
    "<iframe src='javascript:parent.parent.hit=1'></iframe>",
    "<a href='javascript:parent.hit=1' id=go>x</a><meta http-equiv=refresh content='0;url=javascript:parent.hit=1'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=parent.hit=1&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=parent.hit=1>",
    "<noscript><p title='</noscript><img src=x onerror=parent.hit=1>'>",
    "<svg><style><img src=x onerror=parent.hit=1></style></svg>",
    "<details open ontoggle=parent.hit=1><summary>x</summary></details>",
    "<object data='data:text/html,<script>parent.hit=1</script>'></object>",
    "<embed src='data:text/html,<script>parent.hit=1</script>'>",
    "<link rel=stylesheet href='data:text/css,*{}'><style>@import url(javascript:1)</style>",
    "<div style='width:expression(parent.hit=1);behavior:url(x)'>x</div>",
]
CHARSETS = [
    "utf-8",
    "iso-8859-1",
    "koi8-r",
    "gb2312",
    "utf-7",
    "utf-16",
    "no-such",
    "",
    "x" * 300,
    "unicode_escape",
    "rot13",
    "hex",
]
ENCODINGS = ["7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode", "x-nonsense", ""]
TYPES = [
    "text/plain",
    "text/html",
    "text/calendar",
    "application/ms-tnef",
    "message/rfc822",
    "image/svg+xml",
    "",
    "/",
    "text",
]
HEADERS = [
    "Subject: =?utf-8?q?=FF=FE?= =?utf-8?b?////?= =?x?y?z?=",
    "Subject: " + "=?utf-8?q?a?= " * 300,
    "Subject: <script>parent.hit=1</script>",
    "Subject:",
    "From: \xff\xfe <a@b.c>",
    'From: "<script>parent.hit=1</script>" <x@example.net>',
    "From: " + "a" * 3_000 + "@" + "b" * 3_000,
    "From: a@b.c, d@e.f, ,, <>, (comment (nested (deep",
    "Date: not a date",
    "Date: Thu, 99 Foo 99999 99:99:99 +9999",
    "To: undisclosed-recipients:;",
    "References: " + " ".join(f"<{n}@x>" for n in range(2_000)),
    'Content-Disposition: attachment; filename="../../etc/passwd"',
    "Content-Disposition: attachment; filename*=utf-8''%00%0d%0aSet-Cookie:x",
    "Content-Disposition: attachment; filename*0*=a''%3Cscript; filename*1*=%3E.html",
    "X-Long: " + "x" * 50_000,
    "No colon here",
    " starts with a blank",
    ": no name",
    'Content-Type: text/plain; charset="; name="<b>"',
    "Content-Type: multipart/mixed",
    'Content-Type: multipart/mixed; boundary=""',
    'Content-Type: multipart/alternative; boundary=" "',
    "List-Unsubscribe: <javascript:parent.hit=1>",
]


def body_of(chance: random.Random) -> bytes:
    """Some content, honest or not."""
    kind = chance.randrange(7)
    if kind == 0:
        return chance.choice(ATTACKS).encode() + b"<p>end</p>"
    if kind == 1:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(300)))
    if kind == 2:
        return base64.encodebytes(chance.choice(ATTACKS).encode())
    if kind == 3:
        return b"=\r\n=3D=XX=\n" * chance.randrange(40) + b"="
    if kind == 4:
        return ("<b>" * chance.randrange(3_000) + "deep").encode()
    if kind == 5:
        return "Grüße 你好 \u202e evil".encode(chance.choice(["utf-8", "utf-16", "gb18030"]), "replace")
    return b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def part_of(chance: random.Random, depth: int) -> bytes:
    """A part, or a nest of them, with broken borders now and then."""
    lines = [f"Content-Type: {chance.choice(TYPES)}; charset={chance.choice(CHARSETS)}".encode("latin-1")]
    lines.append(f"Content-Transfer-Encoding: {chance.choice(ENCODINGS)}".encode())
    if chance.random() < 0.3:
        lines.append(chance.choice(HEADERS).encode("latin-1"))
    if depth and chance.random() < 0.4:
        border = f"b{depth}".encode()
        inside = [part_of(chance, depth - 1) for _ in range(chance.randrange(1, 4))]
        end = b"\r\n--" + border + b"--\r\n" if chance.random() < 0.7 else b""
        lines[0] = (
            b"Content-Type: multipart/"
            + chance.choice([b"mixed", b"related", b"alternative"])
            + b"; boundary="
            + border
        )
        return b"\r\n".join(lines) + b"\r\n\r\n" + b"".join(b"\r\n--" + border + b"\r\n" + one for one in inside) + end
    return b"\r\n".join(lines) + b"\r\n\r\n" + body_of(chance)


def made(count: int, seed: int = 7) -> Iterator[bytes]:
    """`count` messages that are the same for the same seed."""
    chance = random.Random(seed)
    for n in range(count):
        top = [f"Message-ID: <odd-{seed}-{n}@example.net>".encode()]
        top += [chance.choice(HEADERS).encode("latin-1") for _ in range(chance.randrange(3))]
        chance.shuffle(top)
        end = chance.choice([b"\r\n", b"\n", b"\r\n"])
        message = b"\r\n".join(top) + b"\r\n" + part_of(chance, 4)
        yield message.replace(b"\r\n", end)


def special() -> Iterator[bytes]:
    """Those with a name: empty, huge, many parts, deep, and what Python tests its parser with."""
    yield b""
    yield b"\r\n"
    yield b"\x00" * 100
    yield b"no header at all"
    yield b"Subject: only a header"
    yield b"Subject: many parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nhi\r\n" * 10_000
    deep = b"Subject: deep\r\n"
    deep += b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1_000))
    yield deep
    nested = b"Subject: inner\r\n\r\nx"
    for n in range(60):
        nested = b"Subject: outer %d\r\nContent-Type: message/rfc822\r\n\r\n" % n + nested
    yield nested
    tnef = base64.encodebytes(b"\x78\x9f\x3e\x22" + b"\x00" * 600)
    yield (
        b"Subject: winmail\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=winmail.dat\r\n\r\n" + tnef
    )
    for attack in ATTACKS:
        yield b"Subject: attack\r\nContent-Type: text/html\r\n\r\n" + attack.encode() + b"<p>end</p>"
    theirs = Path(os.__file__).parent / "test" / "test_email" / "data"
    for path in sorted(theirs.glob("*")):  # Debian has them in a package of its own
        yield path.read_bytes()


def huge() -> bytes:
    """A message of 50 MB with one attachment."""
    line = base64.b64encode(bytes(range(57))) + b"\r\n"
    top = b"From: big@example.net\r\nSubject: huge\r\nMessage-ID: <huge@example.net>\r\n"
    top += b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n"
    top += b"--b\r\nContent-Type: application/zip; name=huge.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return top + line * (50_000_000 // len(line)) + b"--b--\r\n"
