"""What plain HTTP says instead of an answer: proofs for certificate authorities, and the way to HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.core.app import Scope, Send
from fazt.core.http.hosts import find_header, is_secure
from fazt.core.http.messages import Header, respond

if TYPE_CHECKING:
    from fazt.core import Core

CHALLENGES = "/.well-known/acme-challenge/"
HEALTH = "/health"
REMEMBERED_S = 3_600
"""How long browsers may go by themselves where the redirect led; HSTS makes it lasting."""

PROXY_HSTS = 31_536_000
"""Seconds; behind a proxy that speaks HTTPS, which the owner has set up for good."""


def is_diverted(core: Core, scope: Scope, host: str) -> bool:
    """Whether a request does not reach the apps.

    Never diverted: requests that are encrypted already, and `/health`, which probes ask for in the clear.
    """
    path: str = scope["path"]
    if path.startswith(CHALLENGES):
        return scope["type"] == "http" and path.removeprefix(CHALLENGES) in core.tls.answers
    return not (is_secure(scope) or scope.get("fazt.local") or path == HEALTH or not core.tls.redirects(host))


async def divert(core: Core, scope: Scope, send: Send, host: str) -> bool:
    """Answer a request that does not reach the apps; whether it was one."""
    if not is_diverted(core, scope, host):
        return False
    path: str = scope["path"]
    if path.startswith(CHALLENGES):
        answer = core.tls.answers[path.removeprefix(CHALLENGES)]
        await respond(send, 200, [(b"content-type", b"application/octet-stream")], answer.encode())
    else:
        await redirect(core, scope, send, host)
    return True


async def redirect(core: Core, scope: Scope, send: Send, host: str) -> None:
    """To the same address under HTTPS, with the same method."""
    port = core.tls.public_port
    name = f"[{host}]" if ":" in host else host
    scheme = "wss" if scope["type"] == "websocket" else "https"
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    origin = f"{scheme}://{name}" if port == 443 else f"{scheme}://{name}:{port}"
    headers: list[Header] = [
        (b"location", origin.encode() + raw + query),
        (b"cache-control", b"max-age=%d" % REMEMBERED_S),
    ]
    if scope["type"] == "websocket":
        await send({"type": "websocket.http.response.start", "status": 308, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
        return
    await respond(send, 301 if scope["method"] in {"GET", "HEAD"} else 308, headers)


def hsts_header(core: Core, scope: Scope, host: str) -> Header | None:
    """Strict-Transport-Security for this answer, or None where it would not be wise (yet)."""
    if not is_secure(scope) or find_header(scope["headers"], b"host") is None:
        return None
    seconds = core.tls.hsts_seconds(host) if scope.get("fazt.tls") else PROXY_HSTS
    return (b"strict-transport-security", b"max-age=%d" % seconds) if seconds else None
