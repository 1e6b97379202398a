"""Parsers, called as their edges call them: whatever they raise is one of our own errors."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pycrdt

from fazt.apps.drive.wire import xml
from fazt.apps.drops.wire.form import FormReader
from fazt.apps.joplin.model import items
from fazt.apps.mail.wire import html, mime
from fazt.apps.mail.wire.data import DataReader
from fazt.apps.mail.wire.reports import read_report
from fazt.apps.pads.wire import awareness, messages, updates
from fazt.apps.textdb.wire import lines, patch, where
from fazt.apps.turn.wire import attributes
from fazt.apps.turn.wire import message as stun
from fazt.core import frames
from fazt.core.errors import FaztError
from tests.apps.joplin.making import note, resource, tag
from tests.apps.sites.test_wire_archive import MAKERS, SITE, unpack


class Target(NamedTuple):
    """A parser and good input for it."""

    name: str
    attempt: Callable[[bytes], object]
    seeds: list[bytes]


def read_stun(data: bytes) -> None:
    """A message and all attributes that are known."""
    message = stun.parse(data)
    for number, value in message.attributes:
        if row := attributes.TABLE.get(number):
            with suppress(FaztError):
                row.unpack(value, message.transaction)


def read_pad(data: bytes) -> None:
    """A message of the y-protocol, and the update in it."""
    message = messages.parse(data)
    if isinstance(message, messages.Brings):
        updates.walk(message.update)
    if isinstance(message, messages.Tells):
        awareness.parse_awareness(message.awareness)
    if isinstance(message, messages.Asks):
        messages.parse_state(message.state)


def make_pad_messages() -> list[bytes]:
    """What an editor sends: a text with a change in it, what it has, and who is there."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    doc["text"] = text = pycrdt.Text()
    for piece in ("Bread", " and salt", "\u00fc\n"):
        text += piece
    del text[2:4]
    entry = awareness.Entry(7, 1, '{"name": "Ada"}')
    told = messages.build_awareness(awareness.build_entries([entry]))
    return [messages.build_update(doc.get_update()), messages.build_step_1(doc.get_state()), told]


def read_xml(data: bytes) -> None:
    """A body of WebDAV as each method reads it."""
    for parse in (xml.parse_propfind, xml.parse_proppatch, xml.parse_lockinfo, xml.parse_report, xml.parse_mkcol):
        with suppress(FaztError):
            parse(data)


def read_mail(data: bytes) -> None:
    """A message, what a page shows of it, and what a report in it says."""
    facts = mime.read(data, 0)
    html.document(facts, {}, with_images=False)
    mime.find_part(data, 0)
    read_report(data)


def read_frames(data: bytes) -> None:
    """Frames of a WebSocket."""
    with suppress(frames.Malformed):
        for opcode, payload in frames.Parser(100_000).feed(data):
            if opcode == frames.CLOSE:
                frames.parse_close(payload)


def read_archive(data: bytes) -> None:
    """A deploy; Python's own zipfile warns of names that stand in it twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unpack(data)


def read_form(data: bytes) -> None:
    """A form with files."""
    reader = FormReader(b"x")
    reader.feed(data)
    reader.end()


def read_patch(data: bytes) -> None:
    """Each kind of change of a document."""
    try:
        change = json.loads(data)
    except (ValueError, RecursionError):
        return
    for apply in (patch.merge, patch.apply_patch, patch.apply_update):
        with suppress(FaztError):
            apply({"a": [1, {"b": None}], "n": 4}, change)


def read_lines(data: bytes) -> None:
    """An import into a collection."""
    for kind in ("text/csv", "application/x-ndjson"):
        with suppress(FaztError):
            reader = lines.reader_for(kind, 10_000, typed=True)
            reader.feed(data)
            reader.end()


PROPFIND = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getetag/><x:a xmlns:x="urn:x"/></prop></propfind>'
LOCK = b'<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
LETTER = b"""From: =?utf-8?q?J=C3=BCrgen?= <a@example.net>\r\nSubject: Hi\r\nMIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r
<p onclick="x()">Hello <img src="cid:1"><a href="javascript:1">x</a></p>\r\n--b\r\nContent-Type: image/png\r
Content-ID: <1>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"""
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
STUN = stun.build(0x001, 0x000, b"0123456789ab", [(attributes.USERNAME, "user"), (attributes.SOFTWARE, "a client")])
FRAME = b"\x81\x85\x00\x00\x00\x00hello\x89\x80\x00\x00\x00\x00\x88\x82\x00\x00\x00\x00\x03\xe8"
WHERE = [b"total > 3 and not (name = 'x' or tags any = \"y\")", b"a.b[0].c in (1, 2, null) and d ~ 'x%'"]
CHANGES = [b'{"a": null, "n": {"x": [1]}}', b'[{"op": "move", "from": "/a/1/b", "path": "/n"}]', b'{"$inc": {"n": 2}}']

PARSERS = [
    Target("STUN", read_stun, [STUN]),
    Target("y-protocol", read_pad, make_pad_messages()),
    Target("WebDAV XML", read_xml, [PROPFIND, LOCK]),
    Target("mail", read_mail, [LETTER]),
    Target("SMTP data", lambda data: DataReader().feed(data), [LETTER + b".\r\nQUIT\r\n"]),
    Target("WebSocket frames", read_frames, [FRAME]),
    Target("Joplin items", items.parse_item, [note(1), resource(2), tag(3, "red")]),
    Target("zip and tar", read_archive, [make(SITE) for make in MAKERS]),
    Target("multipart", read_form, [FORM, FORM * 2]),
    Target("JSON changes", read_patch, CHANGES),
    Target("where", lambda data: where.parse(data.decode("utf-8", "replace"), {}), WHERE),
    Target("CSV and lines", read_lines, [b"id,n.x\na,1\nb,2\n", b'{"id": "a"}\n{"id": "b"}\n']),
]
