"""One request at a door, and the answers that several doors give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fazt.apps.drops import actions
from fazt.apps.drops.model import VISIT_KIND, Drop
from fazt.core.http.hosts import client_address, find_header, split_host
from fazt.core.http.messages import respond, respond_json
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
    """A request of plain ASGI."""

    def __init__(self, core: Core, scope: Scope, receive: Receive, send: Send) -> None:
        self.core, self.scope, self.receive, self.send = core, scope, receive, send
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            self.headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        self.method: str = scope["method"]

    @property
    def query(self) -> dict[str, str]:
        """The query's fields, each once."""
        found = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50)
        return {name: values[0] for name, values in found.items()}

    @property
    def wants_page(self) -> bool:
        """Whether a person's browser goes there, rather than a program or a page's part."""
        return "text/html" in self.headers.get("accept", "") and self.headers.get("sec-fetch-dest", "document") in {
            "document",
            "empty",
        }

    @property
    def wants_json(self) -> bool:
        """Whether a program asks for facts."""
        return "application/json" in self.headers.get("accept", "") and not self.wants_page

    @property
    def agent(self) -> str:
        """The program at the other end, as it calls itself."""
        return self.headers.get("user-agent", "")[:300]

    async def page(self, name: str, *, status: int = 200, headers: tuple[Header, ...] = (), **context: Any) -> None:
        """A page for people."""
        caller = await actions.find_caller(self.core, self.scope)
        known = {"path": self.scope["path"], "theme": read_theme(self.scope), "flash": read_flash(self.scope)}
        body = render(self.core, caller, name, **{**known, **context}).encode()
        head = [HTML, NO_STORE, *headers]
        if known["flash"]:
            head.append((b"set-cookie", b"fazt-flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))
        await respond(self.send, status, head, b"" if self.method == "HEAD" else body)

    async def redirect(self, location: str, *headers: Header) -> None:
        """303."""
        await respond(self.send, 303, [(b"location", location.encode("latin-1", "replace")), NO_STORE, *headers])

    async def made(self, drop: Drop, token: str) -> None:
        """What somebody hears who has sent files: the address, and how to take it back."""
        core, scope = self.core, self.scope
        only = drop.files[0] if len(drop.files) == 1 and not drop.is_encrypted else None
        url = actions.url_of(core, scope, drop.id, only)
        if drop.is_private:
            text, links = "Thank you: it has arrived.\n", []
        else:
            text = url + "\n"
            links = [
                (b"x-url-delete", f"{actions.url_of(core, scope, drop.id)}/{token}".encode()),
                (b"x-token", token.encode()),
                (b"x-owner-token", token.encode()),
                (b"x-expires", str(drop.expires_at // 1_000).encode()),
            ]
        if self.wants_page:
            await self.redirect(f"/d/r/{drop.request_id}?sent=1" if drop.is_private else f"/d/{drop.id}")
        elif self.wants_json:
            facts = {"id": drop.id, "url": url, "owner_token": token, "expires_at": drop.expires_at}
            await respond_json(self.send, 200, {"received": True} if drop.is_private else facts, [NO_STORE, *links])
        else:
            await respond(self.send, 200, [TEXT, NO_STORE, *links], text.encode())

    def note_visit(self, drop: Drop, path: str) -> None:
        """Count who came, in core's log."""
        if self.method != "GET":
            return
        headers = self.headers
        self.core.visits.record(
            Visit(
                VISIT_KIND,
                drop.id,
                path,
                self.scope["query_string"].decode("latin-1"),
                headers.get("referer", ""),
                headers.get("user-agent", ""),
                client_address(self.scope),
                headers.get("accept-language", ""),
                split_host(find_header(self.scope["headers"], b"host") or b""),
                self.core.clock(),
            )
        )
