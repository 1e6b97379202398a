"""One request at a pad's door, and the answers that several doors give."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fazt.apps.pads import actions
from fazt.apps.pads.actions import Access, Text
from fazt.apps.pads.model import VISIT_KIND, Pad
from fazt.core.http.hosts import client_address, find_header, split_host
from fazt.core.http.messages import read_body, respond
from fazt.core.http.root import CSP
from fazt.core.visits import Visit
from fazt.ui import render
from fazt.ui.pages import read_flash, read_theme

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

Header = tuple[bytes, bytes]
NO_STORE: Header = (b"cache-control", b"no-store")
HTML: Header = (b"content-type", b"text/html; charset=utf-8")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")


class Asked:
    """A request of plain ASGI, for the pad `name`; `rest` is what stands behind it, `ending` what it ends with."""

    def __init__(
        self, core: Core, scope: Scope, receive: Receive, send: Send, name: str, rest: str, ending: str
    ) -> None:
        self.core, self.scope, self.receive, self.send = core, scope, receive, send
        self.name, self.rest, self.ending = name, rest, ending
        self.headers: dict[str, str] = {}
        for key, value in scope["headers"]:
            self.headers.setdefault(key.decode("latin-1"), value.decode("latin-1"))
        self.method: str = scope.get("method", "GET")
        found = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50)
        self.query = {key: values[0] for key, values in found.items()}

    @property
    def wants_page(self) -> bool:
        """Whether a person's browser goes there, rather than a program or a page's part."""
        accepts = self.headers.get("accept", "")
        return "text/html" in accepts and self.headers.get("sec-fetch-dest", "document") in {"document", "empty"}

    @property
    def wants_json(self) -> bool:
        """Whether a program asks for facts."""
        return "application/json" in self.headers.get("accept", "") and not self.wants_page

    @property
    def link(self) -> str:
        """What addresses of this pad end with, so that they lead there too for whoever came by a link."""
        share = self.query.get("share", "")
        return f"?share={share}" if share.isalnum() else ""

    async def admit(self) -> Access:
        """See actions.admit."""
        return await actions.admit(self.core, self.scope, self.name, self.query)

    async def body(self, max_bytes: int) -> bytes:
        """The whole body. Raises TooLarge."""
        return await read_body(self.scope, self.receive, max_bytes)

    async def fields(self, max_bytes: int) -> dict[str, str]:
        """A form. Raises TooLarge."""
        body = (await self.body(max_bytes)).decode("latin-1")
        found = parse_qs(body, keep_blank_values=True, encoding="utf-8", max_num_fields=50)
        return {key: values[0] for key, values in found.items()}

    async def answer(self, status: int, headers: list[Header], body: bytes = b"") -> None:
        """A whole answer."""
        await respond(self.send, status, [*headers, NO_STORE], b"" if self.method == "HEAD" else body)

    async def say(self, status: int, text: str, *headers: Header) -> None:
        """A line of text."""
        await self.answer(status, [TEXT, *headers], text.encode())

    async def page(self, name: str, caller: Any, /, *, status: int = 200, nonce: str = "", **context: Any) -> None:
        """A page for people. With a `nonce`, the editor may bring its own styles."""
        known = {"path": self.scope["path"], "theme": read_theme(self.scope), "flash": read_flash(self.scope)}
        body = render(self.core, caller, name, **{**known, "nonce": nonce, **context}).encode()
        head: list[Header] = [HTML, (b"vary", b"accept")]
        if nonce:
            csp = CSP.replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'")
            head.append((b"content-security-policy", csp.encode()))
        if known["flash"]:
            head.append((b"set-cookie", b"fazt-flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))
        await self.answer(status, head, body)

    async def redirect(self, location: str, *headers: Header) -> None:
        """303."""
        await self.answer(303, [(b"location", location.encode("latin-1", "replace")), *headers])

    def tag(self, text: Text) -> Header:
        """The ETag of a text."""
        return b"etag", f'"{text.tag}"'.encode()

    def note_visit(self, pad: Pad) -> None:
        """Count who came, in core's log."""
        headers = self.headers
        self.core.visits.record(
            Visit(
                VISIT_KIND,
                pad.id,
                "/",
                "",
                headers.get("referer", ""),
                headers.get("user-agent", ""),
                client_address(self.scope),
                headers.get("accept-language", ""),
                split_host(find_header(self.scope["headers"], b"host") or b""),
                self.core.clock(),
            )
        )


def new_nonce() -> str:
    """For one answer."""
    return secrets.token_urlsafe(16)
