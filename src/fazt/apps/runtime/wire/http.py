"""Requests to a function's process as bytes (HTTP/1.1), and which headers of its answers go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

import msgspec

Headers = Sequence[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
NOT_SENT = HOP_BY_HOP | {b"host", b"expect", b"content-length"}
NOT_ANSWERED = HOP_BY_HOP | {b"date"}
OWN_PREFIX = b"x-fazt-"
DATE, DATE_BYTES = b"\r\ndate: ", 29


def build_head(
    method: str, url: bytes, headers: Iterable[tuple[bytes, bytes]], host: bytes, length: int | None, run: str
) -> bytes:
    """The head of a request. The target is the whole URL, so that the code sees the address that was asked for.

    `length` is that of the body; None sends it in chunks. Headers of our own that a visitor sent are left out.
    """
    lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode("latin-1"), url, host)]
    for name, value in headers:
        if name not in NOT_SENT and not name.startswith(OWN_PREFIX):
            lines += (name, b": ", value, b"\r\n")
    lines.append(b"x-fazt-id: %b\r\n" % run.encode())
    if length is None:
        lines.append(b"transfer-encoding: chunked\r\n\r\n")
    elif length or method not in {"GET", "HEAD", "OPTIONS", "DELETE"}:
        lines.append(b"content-length: %d\r\n\r\n" % length)
    else:
        lines.append(b"\r\n")
    return b"".join(lines)


def build_order(secret: str, info: dict[str, object], length: int) -> bytes:
    """The head of a request that asks for a handler other than `fetch`."""
    told = quote(msgspec.json.encode(info), safe="")
    return (
        f"POST http://run.invalid/ HTTP/1.1\r\nhost: run.invalid\r\nx-fazt-run: {secret}\r\n"
        f"x-fazt-info: {told}\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def build_chunk(piece: bytes) -> bytes:
    """A piece of a body in chunks; the empty piece ends it."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


class Head(NamedTuple):
    """The head of an answer: what goes on to the visitor, and how many bytes follow."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    length: int


def keep_headers(headers: Headers) -> Headers:
    """The headers of an answer that go on to the visitor."""
    return [pair for pair in headers if pair[0] not in NOT_ANSWERED]


def strip_date(head: bytes) -> bytes:
    """The head of an answer without the line of its date, which is all that differs between most."""
    at = head.find(DATE)
    end = at + len(DATE) + DATE_BYTES
    if at < 0 or head[end : end + 2] not in {b"", b"\r\n"} or head[end + 2 : end + 3] in {b" ", b"\t"}:
        return head
    return head[:at] + head[end:]
