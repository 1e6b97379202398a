"""Which request goes where, keys, errors in Shlink's form, and other origins."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fazt import __version__
from fazt.apps.links.routes.shlink import figures, short_urls
from fazt.apps.links.routes.shlink.call import Call, read_query
from fazt.apps.links.wire import shlink
from fazt.core.app import Mount
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound, Unauthorized
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import client_address, find_header
from fazt.core.http.messages import ClientGone, Header, respond

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send
    from fazt.core.auth import Caller

SHLINK_VERSION = "5.1.0"
"""What clients take this for, since they ask what it can do by its version."""

Answer = Callable[..., Awaitable[Any]]
ROUTES: tuple[tuple[str, re.Pattern[str], Answer], ...] = tuple(
    (method, re.compile(pattern), answer)
    for method, pattern, answer in (
        ("GET", r"/short-urls", short_urls.list_short_urls),
        ("POST", r"/short-urls", short_urls.create_short_url),
        ("GET", r"/short-urls/(.+)/redirect-rules", short_urls.get_rules),
        ("POST", r"/short-urls/(.+)/redirect-rules", short_urls.set_rules),
        ("GET", r"/short-urls/(.+)/visits", figures.link_visits),
        ("DELETE", r"/short-urls/(.+)/visits", figures.delete_link_visits),
        ("GET", r"/short-urls/(.+)", short_urls.get_short_url),
        ("PATCH", r"/short-urls/(.+)", short_urls.edit_short_url),
        ("DELETE", r"/short-urls/(.+)", short_urls.delete_short_url),
        ("GET", r"/tags", figures.list_tags),
        ("GET", r"/tags/stats", figures.tag_stats),
        ("PUT", r"/tags", figures.rename_tag),
        ("DELETE", r"/tags", figures.delete_tags),
        ("GET", r"/tags/(.+)/visits", figures.tag_visits),
        ("GET", r"/domains", figures.list_domains),
        ("PATCH", r"/domains/redirects", figures.edit_redirects),
        ("GET", r"/domains/(.+)/visits", figures.domain_visits),
        ("GET", r"/visits", figures.overview),
        ("GET", r"/visits/orphan", figures.orphan_visits),
        ("DELETE", r"/visits/orphan", figures.delete_orphan_visits),
        ("GET", r"/visits/non-orphan", figures.non_orphan_visits),
        ("GET", r"/mercure-info", figures.mercure_info),
    )
)
CORS: list[Header] = [(b"access-control-allow-origin", b"*")]
PREFLIGHT: list[Header] = [
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"x-api-key, content-type"),
    (b"access-control-max-age", b"3600"),
]
PATH = re.compile(r"/rest(?:/v[123])?(/.*)")


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """One request below /rest."""
    if scope["type"] != "http":
        raise NotFound("There is no WebSocket here.")
    if scope["method"] == "OPTIONS":
        await respond(send, 204, [*CORS, *PREFLIGHT])
        return
    try:
        value = await find_answer(core, scope, receive)
    except ClientGone:
        raise
    except shlink.Problem as problem:
        await send_json(send, problem.status, problem.body, b"application/problem+json")
        return
    except FaztError as error:
        refusal = to_problem(error)
        await send_json(send, refusal.status, refusal.body, b"application/problem+json")
        return
    if value is None:
        await respond(send, 204, CORS)
    else:
        await send_json(send, 200, value)


async def find_answer(core: Core, scope: Scope, receive: Receive) -> Any:
    """What the request asks for. Raises Problem, FaztError."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    found = PATH.fullmatch(unquote(raw.partition(b"?")[0].decode("latin-1")))
    path = found[1].rstrip("/") if found else ""
    if path == "/health":
        return {"status": "pass", "version": SHLINK_VERSION, "links": {"about": f"fazt {__version__}"}}
    for method, pattern, run in ROUTES:
        match = pattern.fullmatch(path)
        if match and method == scope["method"]:
            call = Call(core, scope, receive, await find_caller(core, scope), read_query(scope["query_string"]))
            call.caller.check("links:read" if method == "GET" else "links:write")
            return await run(call, *match.groups())
    raise shlink.Problem(404, "not-found", "Not Found", f"There is nothing at {path or '/'}.")


async def find_caller(core: Core, scope: Scope) -> Caller:
    """Whose key X-Api-Key is: a token of this cloud. Raises Problem."""
    key = (find_header(scope["headers"], b"x-api-key") or b"").decode("latin-1").strip()
    if not key:
        detail = "Expected one of the following authentication headers, [X-Api-Key], but none were provided"
        kind, title = "missing-authentication", "Invalid authorization"
        raise shlink.Problem(401, kind, title, detail, expectedHeaders=["X-Api-Key"])
    caller = await core.auth.identify_token(key, core.clock(), client_address(scope))
    if caller is None:
        raise shlink.Problem(
            401, "invalid-api-key", "Invalid API key", "Provided API key does not exist or is invalid."
        )
    return caller


def to_problem(error: FaztError) -> shlink.Problem:
    """One of our errors in Shlink's form."""
    if isinstance(error, Invalid):
        return shlink.from_invalid(error)
    if isinstance(error, Unauthorized | Forbidden):
        return shlink.Problem(STATUS[error.kind], "forbidden-tag-operation", "Forbidden", error.message)
    return shlink.Problem(STATUS[error.kind], "invalid-data", "Not possible", error.message)


async def send_json(send: Send, status: int, value: Any, kind: bytes = b"application/json") -> None:
    """An answer that every origin may read."""
    headers = [*CORS, (b"content-type", kind), (b"cache-control", b"no-store")]
    await respond(send, status, headers, json.dumps(value).encode())


MOUNT = Mount("/rest", answer, "own", "Shlink's REST API, version 3; X-Api-Key is a token with links scopes.")
