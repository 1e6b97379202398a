"""WebDAV as these tests speak it."""

from __future__ import annotations

import base64
import socket

import httpx
from lxml import etree

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

FILES = "/dav/files"
XML = {"content-type": "text/xml"}
BASIC = "Basic " + base64.b64encode(f"{OWNER_EMAIL}:{OWNER_PASSWORD}".encode()).decode()


def props(answer: httpx.Response) -> dict[str, dict[str, str]]:
    """By href: properties with their text, those that are there."""
    found: dict[str, dict[str, str]] = {}
    for response in etree.fromstring(answer.content).findall("{DAV:}response"):
        entry = found.setdefault(response.findtext("{DAV:}href") or "", {})
        for stat in response.findall("{DAV:}propstat"):
            if " 200 " in (stat.findtext("{DAV:}status") or ""):
                entry.update({etree.QName(prop).localname: prop.text or "" for prop in stat[0]})
    return found


def propfind(dav: httpx.Client, path: str, *names: str, depth: str = "0") -> httpx.Response:
    body = "".join(f"<D:{name}/>" for name in names)
    content = f'<D:propfind xmlns:D="DAV:"><D:prop>{body}</D:prop></D:propfind>' if names else ""
    return dav.request("PROPFIND", path, content=content, headers={"depth": depth, **XML})


def lock(dav: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, str]:
    kind = "<D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>"
    body = f'<D:lockinfo xmlns:D="DAV:">{kind}</D:lockinfo>'
    answer = dav.request("LOCK", path, content=body, headers=headers)
    return answer, answer.headers.get("lock-token", "").strip("<>")


def raw(program: Program, request: bytes, *, wait_for: bytes = b"\r\n\r\n") -> bytes:
    """What the server says to bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", program.port), timeout=10) as wire:
        wire.sendall(request)
        answer = b""
        while wait_for not in answer:
            piece = wire.recv(65_536)
            if not piece:
                break
            answer += piece
    return answer


def head(method: str, target: str, *lines: str) -> bytes:
    return "\r\n".join(
        [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {BASIC}", *lines, "", ""]
    ).encode("latin-1")
