"""The first and last thing a request meets: dispatch by host and path, and errors by one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fazt.core.app import Endpoint, Front, Mount, Receive, Scope, Send
from fazt.core.errors import NotFound, Unauthorized
from fazt.core.http.diversion import divert, hsts_header, is_diverted
from fazt.core.http.errors import Problem, encode_problem, to_headers, to_problem
from fazt.core.http.front import WITH_BODY
from fazt.core.http.hosts import find_header, is_dashboard, settle
from fazt.core.http.messages import ClientGone, Header, respond
from fazt.core.ids import new_slug
from fazt.core.log import request_id
from fazt.core.metrics import CODE_CLASSES, count_request

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.http.front import Reply

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", CSP.encode()),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

ErrorPage = Callable[["Core", Scope, Problem], Awaitable[str]]


class Root:
    """The ASGI application that uvicorn runs.

    `pages` is the Litestar application; `mounts` are tried first, by their longest prefix.
    `error_page` renders a problem for people.
    """

    def __init__(self, core: Core, pages: Any, mounts: list[Mount], error_page: ErrorPage) -> None:
        self.core = core
        self.pages = pages
        self.error_page = error_page
        self.mounts: dict[str, list[Mount]] = {}
        for mount in sorted(mounts, key=lambda m: -len(m.prefix)):
            self.mounts.setdefault(mount.prefix.split("/")[1], []).append(mount)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3."""
        host = settle(self.core.config, scope)
        if await divert(self.core, scope, send, host):
            return
        if self._is_dashboard(scope, host):
            guarded_send = StartedSend(send, self._added("dashboard", scope, host))
            await self._guarded("dashboard", self._answer_dashboard, scope, receive, guarded_send)
            return
        for find_host in self.core.host_finders:
            endpoint = find_host(self.core, host)
            if endpoint is not None:
                guarded_send = StartedSend(send, self._added("host", scope, host))
                await self._guarded("host", self._bind(endpoint), scope, receive, guarded_send)
                return
        await self._guarded("unknown", self._refuse_host, scope, receive, StartedSend(send))

    def front(self, scope: Scope, reply: Reply) -> bool:
        """Whether a front takes this request; if so, `reply` is answered, or will be. See core.http.front."""
        host = settle(self.core.config, scope)
        kind, front = self._find_front(scope, host)
        if front is None or is_diverted(self.core, scope, host):
            return False
        reply.begin(self, kind, self._added(kind, scope, host))
        if scope["method"] in WITH_BODY:
            return reply.with_body(partial(self._run_front, front, scope, reply))
        return self._run_front(front, scope, reply)

    def _run_front(self, front: Front, scope: Scope, reply: Reply) -> bool:
        try:
            return front(self.core, scope, reply)
        except Exception as error:  # noqa: BLE001 - the rim: whatever is raised becomes an answer
            reply.fail(error)
            return True

    def guarded(
        self, answer: Callable[[Scope, Receive, Send], Awaitable[None]], kind: str, added: tuple[Header, ...]
    ) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """`answer` with all that this edge sees to, for a request that a front has begun."""

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            await self._guarded(kind, answer, scope, receive, StartedSend(send, added))

        return run

    def _find_front(self, scope: Scope, host: str) -> tuple[str, Front | None]:
        method: str = scope["method"]
        if self._is_dashboard(scope, host):
            mount = self._find_mount(scope)
            return "dashboard", None if mount is None else find_front(mount, method)
        for find_host in self.core.host_finders:
            if find_host(self.core, host) is not None:
                return "host", None if method in WITH_BODY else self.core.host_fronts.get(find_host)
        return "unknown", None

    def _is_dashboard(self, scope: Scope, host: str) -> bool:
        return scope.get("fazt.local") or is_dashboard(self.core.config, host)

    def _added(self, kind: str, scope: Scope, host: str) -> tuple[Header, ...]:
        """The headers that every answer of this kind has, unless it sets them by itself."""
        hsts = hsts_header(self.core, scope, host)
        added = () if hsts is None else (hsts,)
        if kind == "dashboard":
            return SECURITY_HEADERS + added
        return added if scope.get("fazt.tls") else ()

    def _bind(self, endpoint: Endpoint) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await endpoint(self.core, scope, receive, send)

        return answer

    async def _refuse_host(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/health":
            await self._answer_dashboard(scope, receive, send)
            return
        raise NotFound("Nothing is served at this address.", hint="Check the spelling of the host name.")

    async def _answer_dashboard(self, scope: Scope, receive: Receive, send: Send) -> None:
        mount = self._find_mount(scope)
        if mount is None:
            await self.pages(scope, receive, send)
        elif scope["type"] == "websocket" and not mount.has_websockets:
            raise NotFound("There is no WebSocket here.")
        else:
            await mount.endpoint(self.core, scope, receive, send)

    def _find_mount(self, scope: Scope) -> Mount | None:
        path: str = scope["path"]
        for mount in self.mounts.get(path[1:].partition("/")[0], ()):
            is_below = mount.prefix != "/" and path.startswith(mount.prefix.rstrip("/") + "/")
            is_meant = path == mount.prefix or is_below
            if is_meant and (not mount.methods or scope.get("method") in mount.methods):
                return mount
        return None

    async def _guarded(
        self,
        kind: str,
        answer: Callable[[Scope, Receive, Send], Awaitable[None]],
        scope: Scope,
        receive: Receive,
        send: StartedSend,
    ) -> None:
        """Run `answer`; turn what it raises into a response, if there is still room for one."""
        try:
            await answer(scope, receive, send)
        except ClientGone:
            pass
        except Exception as error:  # noqa: BLE001 - the rim: whatever is raised becomes an answer
            request_id.set(new_slug(8))
            await self._answer_error(error, scope, send)
        count_request(kind, send.code_class)

    async def _answer_error(self, error: Exception, scope: Scope, send: StartedSend) -> None:
        problem = to_problem(error)
        if send.started:
            raise error  # uvicorn cuts the connection, so that nobody takes half an answer for a whole one
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4000 + problem.status, "reason": problem.detail[:120]})
            return
        headers = to_headers(problem)
        if isinstance(error, Unauthorized) and wants_page(scope):
            target = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            location = "/login" if target == "/" else f"/login?next={quote(target, safe='/')}"
            await respond(send, 303, [(b"location", location.encode()), (b"cache-control", b"no-store")])
        elif wants_page(scope):
            body = (await self.error_page(self.core, scope, problem)).encode()
            await respond(send, problem.status, [(b"content-type", b"text/html; charset=utf-8"), *headers], body)
        else:
            headers.append((b"content-type", b"application/problem+json"))
            await respond(send, problem.status, headers, encode_problem(problem))


def find_front(mount: Mount, method: str) -> Front | None:
    """The front of a mount for a method that may have one."""
    if method == "POST":
        return mount.front_post
    return mount.front_put if method == "PUT" else mount.front


def wants_page(scope: Scope) -> bool:
    """Whether a person's browser asks, rather than a program."""
    if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD", "POST"}:
        return False
    if scope["path"].startswith("/api/"):
        return False
    return b"text/html" in (find_header(scope["headers"], b"accept") or b"")


class StartedSend:
    """`send`, remembering whether an answer has begun and of which class it is.

    Adds those of the headers `added` that an endpoint has not set by itself. It runs twice for each answer, so it
    hands on what `send` returns instead of being a coroutine itself.
    """

    __slots__ = ("added", "code_class", "send", "started")

    def __init__(self, send: Send, added: tuple[Header, ...] = ()) -> None:
        self.send = send
        self.added = added
        self.started = False
        self.code_class = "none"

    def __call__(self, message: dict[str, Any]) -> Awaitable[None]:
        """See ASGI 3."""
        if message["type"] == "http.response.start":
            self.started = True
            self.code_class = CODE_CLASSES[message["status"] // 100]
            if self.added:
                headers = message.get("headers", ())
                present = {pair[0] for pair in headers}
                message = {**message, "headers": [*headers, *[pair for pair in self.added if pair[0] not in present]]}
        elif message["type"] == "websocket.accept":
            self.started = True
            self.code_class = "ws"
        return self.send(message)
