"""Following a short link: plain ASGI, since it is what happens most."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote_to_bytes

from fazt.apps.links import store
from fazt.apps.links.engine import book_of, short_hosts
from fazt.apps.links.model import CLICK, ORPHAN, Link, Visitor, choose_target, state_of, with_query
from fazt.apps.links.routes import shlink
from fazt.core.app import Mount
from fazt.core.errors import Invalid, NotFound, TooMany
from fazt.core.http.access import find_cookie
from fazt.core.http.hosts import HOST, client_address, find_header, is_secure
from fazt.core.http.messages import Answer, Header, read_body, respond
from fazt.core.visits import Record, Visit
from fazt.ui import render

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Endpoint, Receive, Scope, Send
    from fazt.core.http.front import Reply

MAX_FORM_BYTES = 4_096
MOST_KEPT = 1_024
REMEMBERED_S = 24 * 3_600
NO_STORE: Header = (b"cache-control", b"no-store")
NO_INDEX: Header = (b"x-robots-tag", b"noindex")
PAGE_CSP: Header = (
    b"content-security-policy",
    # no form-action: browsers hold it against the redirect that follows the password, too
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
)
SAFE = "/:?#[]@!$&'()*+,;=%-._~"


def quote_target(target: str) -> bytes:
    """A target as a header may hold it."""
    return quote_short(target) if len(target) <= MOST_KEPT else quote(target, safe=SAFE).encode()


@lru_cache(maxsize=512)
def quote_short(target: str) -> bytes:
    """As `quote_target`, and remembered: what a visitor has put behind a target may be long."""
    return quote(target, safe=SAFE).encode()


class Following:
    """One request for a short link."""

    def __init__(self, core: Core, scope: Scope, host: str) -> None:
        self.core, self.scope, self.host = core, scope, host
        self.book = book_of(core)
        self.now = core.clock()
        self.query: str = scope["query_string"].decode("latin-1")

    def answer_now(self, path: str, reply: Reply) -> bool:
        """At the front door: the plain case, a known link that leads on. See core.http.front."""
        slug = path.strip("/")
        link = None if "%" in slug or slug.endswith("+") else self.book.recall(self.host, slug)
        if link is None or link.password_hash or link.max_visits is not None or state_of(link, self.now) != "open":
            return False
        record = self.core.visits.enrich_now(self._visit(CLICK, str(link.id), link.slug))
        if record is None:
            return False
        redirect = self._redirect(link, record)
        if self.scope["method"] == "HEAD":
            reply.answer(redirect)
            return True

        def done(_is_open: bool) -> None:
            reply.answer(redirect)  # first: nobody else would answer, whatever went wrong there
            self.book.live.note(link, record)

        self.book.clicks.put(store.Click(link.id, record), done, reply.fail)
        return True

    def header(self, name: bytes) -> str:
        """A header of the request, "" where it is missing."""
        return (find_header(self.scope["headers"], name) or b"").decode("latin-1")

    async def answer(self, path: str, receive: Receive, send: Send) -> None:
        """Lead on from `path`, the slug as it was sent. Raises NotFound, Invalid, TooMany."""
        self.receive, self.send = receive, send
        slug = self._decode(path)
        is_preview = slug.endswith("+")
        link = await self.book.find(self.host, slug.removesuffix("+")) if slug else None
        if link is None:
            await self._answer_nothing(slug)
            return
        state = state_of(link, self.now)
        if state != "open":
            await self._answer_ended(link, state)
        elif link.password_hash and not self._has_pass(link):
            await self._ask_password(link)
        elif is_preview:
            await self._page("links/preview.html", 200, link=link, short=self._short(link))
        else:
            await self._follow(link)

    def _decode(self, path: str) -> str:
        try:
            return unquote_to_bytes(path).decode().strip("/")
        except UnicodeDecodeError as error:
            raise Invalid("This address is not UTF-8.") from error

    def _short(self, link: Link) -> str:
        host = self.header(b"host")
        return f"{host}/{link.slug}" if self.host else f"{host}/r/{link.slug}"

    async def _follow(self, link: Link) -> None:
        record = await self._record(CLICK, str(link.id), link.slug)
        redirect = self._redirect(link, record)
        if self.scope["method"] == "GET":
            click = store.Click(link.id, record, is_limited=link.max_visits is not None)
            if not await self.book.clicks.add(click):
                await self._answer_ended(link, "used up")
                return
            self.book.live.note(link, record)
        await respond(self.send, *redirect)

    def _redirect(self, link: Link, record: Record) -> Answer:
        target = self._choose(link, record)
        status = link.status or self.core.settings.get("links.redirect_status")
        headers: list[Header] = [(b"location", quote_target(target)), self._caching(status)]
        if not link.is_crawlable:
            headers.append(NO_INDEX)
        return Answer(status, headers)

    def _choose(self, link: Link, record: Record) -> str:
        target = link.target
        if link.rules or link.variants:
            languages = [part.partition(";")[0].strip().lower() for part in self.header(b"accept-language").split(",")]
            visitor = Visitor(
                now=self.now,
                address=client_address(self.scope),
                query=self.query,
                user_agent=self.header(b"user-agent"),
                languages=tuple(languages),
                country=record.country,
                browser=record.browser,
                os=record.os,
                device=record.device,
            )
            target = choose_target(target, link.rules, link.variants, visitor, f"link {link.id}")
        return with_query(target, self.query) if link.forward_query else target

    def _caching(self, status: int) -> Header:
        seconds = self.core.settings.get("links.cache_seconds") if status in {301, 308} else 0
        return (b"cache-control", b"private, max-age=%d" % seconds)

    async def _record(self, kind: str, target: str, path: str) -> Record:
        return await self.core.visits.enrich(self._visit(kind, target, path))

    def _visit(self, kind: str, target: str, path: str) -> Visit:
        return Visit(
            kind=kind,
            target=target,
            path=path,
            query=self.query,
            referrer=self.header(b"referer"),
            user_agent=self.header(b"user-agent"),
            address=client_address(self.scope),
            language=self.header(b"accept-language"),
            host=self.header(b"host"),
            at=self.now,
        )

    async def _answer_nothing(self, slug: str) -> None:
        """A slug that does not exist, or the bare host."""
        target = self.core.settings.get("links.not_found_url" if slug else "links.base_url")
        if slug:
            self.book.guesses.miss(client_address(self.scope), self.now)
        if self.core.settings.get("links.track_orphans") and self.scope["method"] == "GET":
            kind = "invalid_short_url" if slug else "base_url"
            await self.book.clicks.add(store.Click(0, await self._record(ORPHAN, kind, slug)))
        if target:
            await respond(self.send, 302, [(b"location", quote_target(target)), NO_STORE])
            return
        raise NotFound("There is no such short link.", hint="Check the spelling; small and capital letters differ.")

    async def _answer_ended(self, link: Link, state: str) -> None:
        target = self.core.settings.get("links.expired_url")
        if target and state != "early":
            await respond(self.send, 302, [(b"location", quote_target(target)), NO_STORE])
            return
        await self._page("links/ended.html", 404 if state == "early" else 410, link=link, state=state)

    def _cookie(self, link: Link) -> str:
        return f"fazt-link-{link.id}"

    def _has_pass(self, link: Link) -> bool:
        shown = find_cookie(self.scope, self._cookie(link))
        return self.core.auth.gate.has_pass(link.thing, link.password_hash, shown)

    async def _ask_password(self, link: Link) -> None:
        error, status = "", 401
        if self.scope["method"] == "POST":
            form = parse_qs(
                (await read_body(self.scope, self.receive, MAX_FORM_BYTES)).decode("latin-1"), encoding="utf-8"
            )
            try:
                if await self._opens(link, form.get("password", [""])[0]):
                    await self._let_in(link)
                    return
                error = "That is not the password."
            except TooMany as refused:
                error, status = refused.message, 429
        await self._page("links/locked.html", status, link=link, error=error)

    async def _opens(self, link: Link, password: str) -> bool:
        address = client_address(self.scope)
        return await self.core.auth.gate.check_password(link.thing, link.password_hash, password, address, self.now)

    async def _let_in(self, link: Link) -> None:
        shown = self.core.auth.gate.make_pass(link.thing, link.password_hash)
        cookie = f"{self._cookie(link)}={shown}; Path=/; Max-Age={REMEMBERED_S}; HttpOnly; SameSite=Lax"
        cookie += "; Secure" if is_secure(self.scope) else ""
        raw: bytes = self.scope["raw_path"].partition(b"?")[0]
        location = raw + (b"?" + self.scope["query_string"] if self.scope["query_string"] else b"")
        await respond(self.send, 303, [(b"location", location), (b"set-cookie", cookie.encode()), NO_STORE])

    async def _page(self, name: str, status: int, **context: Any) -> None:
        body = render(self.core, None, name, **context, path=self.scope["path"], theme="").encode()
        headers: list[Header] = [(b"content-type", b"text/html; charset=utf-8"), NO_STORE, NO_INDEX, PAGE_CSP]
        await respond(self.send, status, headers, b"" if self.scope["method"] == "HEAD" else body)


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """A request below /r."""
    await lead(core, scope, receive, send, "", raw_path(scope).removeprefix("/r"))


async def answer_host(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """A request to a short-link host."""
    path = raw_path(scope)
    if path == "/robots.txt":
        text = b"User-agent: *\nDisallow: /\n"
        await respond(send, 200, [(b"content-type", b"text/plain"), (b"cache-control", b"max-age=3600")], text)
        return
    if path.startswith("/rest/"):
        await shlink.answer(core, scope, receive, send)
        return
    if path == "/favicon.ico":
        await respond(send, 204, [(b"cache-control", b"max-age=86400")])
        return
    await lead(core, scope, receive, send, scope[HOST], path)


async def lead(core: Core, scope: Scope, receive: Receive, send: Send, host: str, path: str) -> None:
    """Only what browsers do with links is answered."""
    if scope["type"] != "http":
        raise NotFound("There is no WebSocket here.")
    if scope["method"] not in {"GET", "HEAD", "POST"}:
        await respond(send, 405, [(b"allow", b"GET, HEAD, POST")])
        return
    await Following(core, scope, host).answer(path.lstrip("/"), receive, send)


def answer_now(core: Core, scope: Scope, reply: Reply) -> bool:
    """The front door of /r."""
    return Following(core, scope, "").answer_now(raw_path(scope).removeprefix("/r"), reply)


def front_host(core: Core, scope: Scope, reply: Reply) -> bool:
    """The front door of short-link hosts. No link is named like what `answer_host` looks out for."""
    return Following(core, scope, scope[HOST]).answer_now(raw_path(scope), reply)


def raw_path(scope: Scope) -> str:
    """The path as it was sent, still percent-encoded."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def find_host(core: Core, host: str) -> Endpoint | None:
    """Short-link hosts answer at their root."""
    return answer_host if host in short_hosts(core) else None


async def list_hosts(core: Core) -> list[str]:
    """The short-link hosts, for their certificates."""
    return list(short_hosts(core))


MOUNT = Mount("/r", answer, "public", "Short links; `+` behind one shows where it leads.", front=answer_now)
