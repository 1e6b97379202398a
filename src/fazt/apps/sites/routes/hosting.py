"""Hosted sites: the answer to a request for a page of somebody's site.

The path that matters is short: a file whose body is in memory is two look-ups and two sends.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fazt.apps.sites import store
from fazt.apps.sites.engine import Hosted, Hosting, Index, Resource, Variant
from fazt.apps.sites.routes.doors import ask_password, has_entered
from fazt.apps.sites.routes.views import note_view
from fazt.apps.sites.wire.encoding import Encoding, choose_encoding
from fazt.apps.sites.wire.redirects import Redirect, Rewrite
from fazt.apps.sites.wire.resolve import Found, Moved, find_error_page, resolve, wants_page
from fazt.core.http.conditional import Range, evaluate, find_ranges
from fazt.core.http.eager import begin
from fazt.core.http.hosts import HOST, find_header
from fazt.core.http.messages import respond
from fazt.ui import render

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Endpoint, Receive, Scope, Send
    from fazt.core.http.front import Reply

CONDITIONS = frozenset(
    {b"range", b"if-none-match", b"if-match", b"if-modified-since", b"if-unmodified-since", b"if-range"}
)
HTML = (b"content-type", b"text/html; charset=utf-8")


def find_host(core: Core, host: str) -> Endpoint | None:
    """Who answers for `host`: one of the sites, or nobody."""
    hosting = core.engines.get(Hosting)
    if not isinstance(hosting, Hosting):
        return None
    hosted = hosting.hosts.get(host)
    if hosted is None:
        return None
    if hosted.endpoint is None:
        hosted.endpoint = create_endpoint(hosting, hosted)
    return hosted.endpoint


def front_host(core: Core, scope: Scope, reply: Reply) -> bool:
    """The front door of sites: a file that has been asked for before, and code. See core.http.front."""
    hosting = core.engines.get(Hosting)
    hosted = hosting.hosts.get(scope[HOST]) if isinstance(hosting, Hosting) else None
    if hosted is None or hosted.endpoint is None or not hosted.is_plain:
        return False
    if scope["path"] in hosted.resources:
        return begin(hosted.endpoint, core, scope, reply)
    return front_code(hosted, core, scope, reply)


def front_code(hosted: Hosted, core: Core, scope: Scope, reply: Reply) -> bool:
    """Hand the request to the front of the site's own code, where neither a file nor a rule comes before it."""
    index, front = hosted.index, core.fronts.get("site.code")
    if index is None or index.code is None or front is None or index.redirects:
        return False
    if index.files and resolve(scope["path"], index.files) is not None:
        return False
    scope["fazt.site"] = index.code
    return front(core, scope, reply)


async def list_hosts(core: Core) -> list[str]:
    """The hosts of all sites, for their certificates; known before anybody comes."""
    sites = await core.db.read(store.list_sites)
    domains = await core.db.read(store.list_domains)
    return [*(f"{site.name}.{core.config.domain}" for site in sites), *(domain.host for domain in domains)]


def create_endpoint(hosting: Hosting, hosted: Hosted) -> Endpoint:
    """The ASGI endpoint of one host."""

    async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
        if hosted.is_plain and scope["type"] == "http" and scope["method"] == "GET":
            resource = hosted.resources.get(scope["path"])
            if resource is not None:
                accept = b""
                for name, value in scope["headers"]:
                    if name == b"accept-encoding":
                        accept = value
                    elif name in CONDITIONS:
                        break
                else:
                    variant = resource.variants[choose_encoding(accept)]
                    body = variant.body
                    message = None if body is None else body.message
                    if body is not None and message is not None:
                        body.is_hot = True
                        if resource.is_page:
                            note_view(core, scope, hosted)
                        await send(variant.start)
                        await send(message)
                        return
        await Answer(core, hosting, hosted, scope, receive, send).run()

    return answer


class Answer:
    """One request that needs a closer look."""

    def __init__(
        self, core: Core, hosting: Hosting, hosted: Hosted, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.core, self.hosting, self.hosted = core, hosting, hosted
        self.scope, self.receive, self.send = scope, receive, send
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")

    async def run(self) -> None:
        """Find what answers, and let it."""
        index = self.hosted.index or await self.hosting.load(self.hosted)
        if index.site.password_hash and not await has_entered(self.core, index.site, self.scope):
            await ask_password(self.core, index.site, self.scope, self.receive, self.send)
            return
        is_read = self.scope["type"] == "http" and self.scope["method"] in {"GET", "HEAD"}
        found = resolve(self.path, index.files) if is_read else None
        if is_read:
            ruled = index.redirects.find(self.hosted.host, self.path, self.query, file_exists=found is not None)
            if isinstance(ruled, Redirect):
                await self.redirect(ruled.location, ruled.code)
                return
            if isinstance(ruled, Rewrite) and await self.rewrite(index, ruled):
                return
        if isinstance(found, Found):
            await self.send_resource(self.hosted.resource(index, self.path, found.path))
        elif isinstance(found, Moved):
            await self.redirect(found.location + ("?" + self.query if self.query else ""), 301)
        elif not await self.run_code(index):
            await self.answer_nothing(index, is_read=is_read)

    async def redirect(self, location: str, code: int) -> None:
        """Elsewhere. A browser keeps a 301, but asks again: the next version may have a page there."""
        headers = [(b"location", location.encode("latin-1", "replace")), (b"cache-control", b"no-cache")]
        await respond(self.send, code, headers)

    async def rewrite(self, index: Index, ruled: Rewrite) -> bool:
        """The file that a rule names, under the address that was asked for; False where it names none."""
        target = resolve(ruled.path, index.files)
        if isinstance(target, Moved):
            target = resolve(ruled.path + "/", index.files)
        if not isinstance(target, Found):
            return False
        await self.send_resource(self.hosted.stand_in(index, self.path, target.path, ruled.code), ruled.code)
        return True

    async def run_code(self, index: Index) -> bool:
        """Hand the request to the site's own code; False where there is none."""
        code, endpoint = index.code, self.core.endpoints.get("site.code")
        if code is None or endpoint is None:
            return False
        self.scope["fazt.site"] = code
        await endpoint(self.core, self.scope, self.receive, self.send)
        return True

    async def answer_nothing(self, index: Index, *, is_read: bool) -> None:
        """No file, no rule, no code."""
        if self.scope["type"] == "websocket":
            await self.send({"type": "websocket.close", "code": 4404, "reason": "This site has no WebSockets."})
        elif not is_read:
            allow = [(b"allow", b"GET, HEAD"), (b"content-type", b"text/plain; charset=utf-8")]
            await respond(self.send, 405, allow, b"This site only answers GET.\n")
        elif index.site.options.spa and "index.html" in index.files and wants_page(self.path):
            await self.send_resource(self.hosted.stand_in(index, self.path, "index.html", 200))
        elif page := find_error_page(self.path, index.files):
            await self.send_resource(self.hosted.stand_in(index, self.path, page, 404), 404)
        else:
            name = "sites/nothing_here.html" if index.files else "sites/nothing_yet.html"
            body = render(self.core, None, name, site=index.site, path=self.path, theme="").encode()
            await respond(self.send, 404, [HTML, (b"cache-control", b"no-cache")], body)

    # --- sending

    async def send_resource(self, resource: Resource, status: int = 200) -> None:
        """A file: whole, a part of it, or the word that the client has it already."""
        headers = self.scope["headers"]
        variant = resource.variants[choose_encoding(find_header(headers, b"accept-encoding") or b"")]
        if status == 200:
            plain = resource.variants[Encoding.IDENTITY]
            if find_header(headers, b"range") is not None and find_header(headers, b"if-none-match") is None:
                variant = plain  # a part of a compressed file is of no use to anybody
            said = evaluate(self.scope["method"], headers, variant.etag)
            if said == 304 and resource.is_page and self.scope["method"] == "GET":
                note_view(self.core, self.scope, self.hosted)
            if said != 200:
                await self.send_without_body(variant, said)
                return
            ranges = find_ranges(self.scope["method"], headers, plain.etag, plain.size)
            if ranges is not None:
                await self.send_ranges(plain, ranges)
                return
            if resource.is_page and self.scope["method"] == "GET":
                note_view(self.core, self.scope, self.hosted)
        await self.send_whole(variant)

    async def send_whole(self, variant: Variant) -> None:
        """All bytes, from memory where they fit there."""
        if self.scope["method"] == "HEAD":
            await self.send(variant.start)
            await self.send({"type": "http.response.body", "body": b""})
        elif variant.is_cacheable:
            body = await self.hosting.body(variant)
            await self.send(variant.start)
            await self.send({"type": "http.response.body", "body": body})
        else:
            await self.stream(variant.start, variant.hash, 0, variant.size)

    async def stream(self, start: dict[str, object], hash: str, begin: int, end: int) -> None:
        """A part of a blob, piece by piece; the answer begins when the first piece is there."""
        pieces = self.core.blobs.open(hash, begin, end)
        first = await anext(pieces, b"")
        await self.send(start)
        await self.send({"type": "http.response.body", "body": first, "more_body": True})
        async for piece in pieces:
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})
        await self.send({"type": "http.response.body", "body": b""})

    async def send_without_body(self, variant: Variant, status: int) -> None:
        """304 and 412."""
        kept = [pair for pair in variant.start["headers"] if pair[0] not in {b"content-length", b"content-type"}]
        await respond(self.send, status, kept)

    async def send_ranges(self, variant: Variant, ranges: list[Range]) -> None:
        """206 with one part or several, 416 with none."""
        kept = [pair for pair in variant.start["headers"] if pair[0] != b"content-length"]
        if not ranges:
            kept = [pair for pair in kept if pair[0] not in {b"content-type", b"etag", b"cache-control"}]
            await respond(self.send, 416, [*kept, (b"content-range", b"bytes */%d" % variant.size)])
            return
        if len(ranges) > 1:
            await self.send_parts(variant, ranges, kept)
            return
        part = ranges[0]
        head = [
            *kept,
            (b"content-range", part.content_range(variant.size).encode()),
            (b"content-length", b"%d" % (part.end - part.start)),
        ]
        start = {"type": "http.response.start", "status": 206, "headers": head}
        if variant.is_cacheable:
            body = (await self.hosting.body(variant))[part.start : part.end]
            await self.send(start)
            await self.send({"type": "http.response.body", "body": body})
        else:
            await self.stream(start, variant.hash, part.start, part.end)

    async def send_parts(self, variant: Variant, ranges: list[Range], kept: list[tuple[bytes, bytes]]) -> None:
        """206 as multipart/byteranges (RFC 9110, section 14.6)."""
        boundary = secrets.token_hex(12)
        content_type = dict(kept).get(b"content-type", b"application/octet-stream").decode("latin-1")
        heads = [
            f"--{boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Range: {part.content_range(variant.size)}\r\n\r\n".encode("latin-1")
            for part in ranges
        ]
        end = f"--{boundary}--\r\n".encode()
        length = sum(len(head) + part.end - part.start + 2 for head, part in zip(heads, ranges, strict=True)) + len(end)
        head = [pair for pair in kept if pair[0] != b"content-type"] + [
            (b"content-type", f"multipart/byteranges; boundary={boundary}".encode()),
            (b"content-length", b"%d" % length),
        ]
        await self.send({"type": "http.response.start", "status": 206, "headers": head})
        for part_head, part in zip(heads, ranges, strict=True):
            await self.send({"type": "http.response.body", "body": part_head, "more_body": True})
            async for piece in self.pieces(variant, part):
                await self.send({"type": "http.response.body", "body": piece, "more_body": True})
            await self.send({"type": "http.response.body", "body": b"\r\n", "more_body": True})
        await self.send({"type": "http.response.body", "body": end})

    async def pieces(self, variant: Variant, part: Range) -> AsyncIterator[bytes]:
        """The bytes of one range."""
        if variant.is_cacheable:
            yield (await self.hosting.body(variant))[part.start : part.end]
            return
        async for piece in self.core.blobs.open(variant.hash, part.start, part.end):
            yield piece
