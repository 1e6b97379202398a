"""ntfy's side: at the root of its own host and under /ntfy, so that its apps and clients work unchanged."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from fazt.apps.pubsub.actions.files import MB
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.routes import ntfy_listening, ntfy_publishing
from fazt.apps.pubsub.routes.call import Call, preflight_headers
from fazt.apps.pubsub.routes.ntfy_files import send_file
from fazt.apps.pubsub.wire.ntfy.errors import NtfyError, to_said
from fazt.apps.pubsub.wire.ntfy.parameters import check_topic_name
from fazt.core import Core
from fazt.core.app import Endpoint, Mount, Receive, Scope, Send
from fazt.core.auth import Caller
from fazt.core.errors import FaztError
from fazt.core.http.hosts import base_url, find_header
from fazt.core.http.messages import ClientGone, Header
from fazt.core.log import get_logger

JSON: Header = (b"content-type", b"application/json")
PREFIX = "/ntfy"
DOORS = frozenset({"json", "sse", "raw", "ws"})
NOT_FOUND = (40401, "page not found")

log = get_logger(__name__)


class NtfyCall(Call):
    """A request to ntfy's side. `base` is the address of its root."""

    def __init__(self, core: Core, scope: Scope, receive: Receive, send: Send, prefix: str) -> None:
        super().__init__(core, scope, receive, send, prefix)
        self.base = base_url(core.config, scope) + prefix
        self.names = {name.lower(): value for name, value in self.query.items()}

    def read(self, names: tuple[str, ...]) -> str:
        """The first of these that is a header or a parameter of the query, in ntfy's order."""
        in_head = next((text for name in names if (text := self.header(name))), "")
        return in_head or next((self.names[name] for name in names if self.names.get(name)), "")

    async def caller(self) -> Caller | None:
        """Who asks. `?auth=` is the whole header in base64. Raises Unauthorized, NtfyError."""
        given = self.names.get("auth") or self.names.get("authorization")
        if given and find_header(self.scope["headers"], b"authorization") is None:
            self.scope["headers"] = [*self.scope["headers"], (b"authorization", unpack_auth(given))]
        return await super().caller()

    async def say(self, value: Any, status: int = 200) -> None:
        """An answer in JSON, with the line end that ntfy sends."""
        await self.answer(status, [JSON, (b"cache-control", b"no-store")], msgspec.json.encode(value) + b"\n")


def unpack_auth(text: str) -> bytes:
    """The header that stands in the address. Raises NtfyError."""
    try:
        found = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except (binascii.Error, ValueError) as error:
        raise NtfyError(40101, "unauthorized") from error
    if not found.isascii() or b"\n" in found or b"\r" in found:
        raise NtfyError(40101, "unauthorized")
    return found


async def serve(core: Core, scope: Scope, receive: Receive, send: Send, prefix: str) -> None:
    """One request; errors are ntfy's JSON."""
    call = NtfyCall(core, scope, receive, send, prefix)
    try:
        await route(call)
    except ClientGone:
        raise
    except FaztError as error:
        if getattr(send, "started", False):
            raise
        said = to_said(error)
        if error.__cause__ is not None:
            log.info("%s: %s", error, error.__cause__)
        headers = [JSON, (b"cache-control", b"no-store")]
        if said.http == 401:
            headers.append((b"www-authenticate", b'Basic realm="fazt"'))
        if retry_after := error.details.get("retry_after"):
            headers.append((b"retry-after", str(retry_after).encode()))
        await call.answer(said.http, headers, msgspec.json.encode(said) + b"\n")


async def route(call: NtfyCall) -> None:
    """By method and the parts of the path."""
    parts = call.path.rstrip("/").split("/") if call.path.rstrip("/") else []
    if call.method == "OPTIONS":
        await call.answer(204, [(b"allow", b"GET, HEAD, POST, PUT, DELETE, OPTIONS"), *preflight_headers(call)])
    elif call.method in {"GET", "HEAD"}:
        await route_get(call, parts)
    elif call.method in {"POST", "PUT"}:
        await route_post(call, parts)
    elif call.method == "DELETE" and len(parts) == 2:
        await call.say(await ntfy_publishing.change(call, parts[0], parts[1], "message_delete"))
    else:
        raise NtfyError(*NOT_FOUND)


async def route_post(call: NtfyCall, parts: list[str]) -> None:
    """Publish, change, clear."""
    match parts:
        case []:
            await call.say(await ntfy_publishing.publish_json(call))
        case [topic]:
            await call.say(await ntfy_publishing.publish(call, topic, ""))
        case [topic, sequence]:
            await call.say(await ntfy_publishing.publish(call, topic, sequence))
        case [topic, sequence, "clear" | "read"]:
            await call.say(await ntfy_publishing.change(call, topic, sequence, "message_clear"))
        case ["_matrix", "push", "v1", "notify"]:
            await call.say(await ntfy_publishing.notify_matrix(call))
        case _:
            raise NtfyError(*NOT_FOUND)


async def route_get(call: NtfyCall, parts: list[str]) -> None:
    """Listen, publish by GET, files, and what the apps ask about the server."""
    match parts:
        case [topics, door] if door in DOORS:
            await ntfy_listening.listen(call, topics, door)
        case [topic, "publish" | "send" | "trigger"] if call.method == "GET":
            await call.say(await ntfy_publishing.publish(call, topic, ""))
        case [topic, "auth"]:
            check_topic_name(topic)
            if not hub_of(call.core).rules.may(await call.caller(), topic, "read"):
                raise NtfyError(40301, "forbidden")
            await call.say({"success": True})
        case ["file", name]:
            await send_file(call, name)
        case ["v1", what] if what in ABOUT:
            await call.say(await ABOUT[what](call))
        case ["_matrix", "push", "v1", "notify"]:
            await call.say({"unifiedpush": {"gateway": "matrix"}})
        case [topic] if call.names.get("up") is not None:
            check_topic_name(topic)
            await call.say({"unifiedpush": {"version": 1}})
        case [] | [_]:
            await call.answer(303, [(b"location", page_of(call, parts).encode())])
        case _:
            raise NtfyError(*NOT_FOUND)


def page_of(call: NtfyCall, parts: list[str]) -> str:
    """The page of a topic stands on the dashboard."""
    path = f"/topics/t/{check_topic_name(parts[0])}" if parts else "/topics"
    if call.base.endswith(PREFIX):
        return path
    host = (find_header(call.scope["headers"], b"host") or b"").decode("latin-1")
    port = host.rpartition(":")[2] if ":" in host and not host.endswith("]") else ""
    return f"{call.base.partition('://')[0]}://{call.core.config.domain}{':' + port if port else ''}{path}"


async def about_health(_call: NtfyCall) -> dict[str, Any]:
    """Whether it works."""
    return {"healthy": True}


async def about_account(call: NtfyCall) -> dict[str, Any]:
    """Who asks, as the apps show it."""
    caller = await call.caller()
    bounds = account_bounds(call.core)
    if caller is None:
        return {"username": "*", "role": "anonymous", **bounds}
    name = caller.handle or caller.email
    return {"username": name, "role": "admin" if caller.is_owner else "user", "sync_topic": "", **bounds}


def account_bounds(core: Core) -> dict[str, Any]:
    """Limits and figures, which Home Assistant's client wants to find."""
    get = core.settings.get
    total, none = get("pubsub.attachments_mb") * MB, ("emails", "calls", "reservations")
    limits: dict[str, Any] = {
        "basis": "ip",
        "messages": get("pubsub.keep_messages"),
        "messages_expiry_duration": int(get("pubsub.keep_hours") * 3_600),
        "attachment_total_size": total,
        "attachment_file_size": get("pubsub.attachment_mb") * MB,
        "attachment_expiry_duration": int(get("pubsub.attachment_hours") * 3_600),
        "attachment_bandwidth": total,
    }
    stats: dict[str, Any] = {"messages": 0, "messages_remaining": limits["messages"]}
    stats |= {"attachment_total_size": 0, "attachment_total_size_remaining": total}
    stats |= dict.fromkeys((*none, *(f"{name}_remaining" for name in none)), 0)
    return {"limits": limits | dict.fromkeys(none, 0), "stats": stats}


async def about_config(call: NtfyCall) -> dict[str, Any]:
    """What the server can do."""
    off = ("signup", "payments", "calls", "emails", "reservations", "web_push")
    return {"base_url": call.base, "app_root": "/", "enable_login": True} | {f"enable_{name}": False for name in off}


async def about_stats(call: NtfyCall) -> dict[str, Any]:
    """How much was published."""
    return {"messages": hub_of(call.core).last, "messages_rate": 0}


ABOUT: dict[str, Callable[[NtfyCall], Awaitable[dict[str, Any]]]] = {
    "health": about_health,
    "account": about_account,
    "config": about_config,
    "stats": about_stats,
}


async def answer_below(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Ntfy under a path of the dashboard's host."""
    await serve(core, scope, receive, send, PREFIX)


async def answer_host(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Ntfy at the root of its own host."""
    await serve(core, scope, receive, send, "")


def find_host(core: Core, host: str) -> Endpoint | None:
    """The host of ntfy's side."""
    chosen = str(core.settings.get("pubsub.ntfy_host")) or f"ntfy.{core.config.domain}"
    return answer_host if host == chosen.lower() else None


async def list_hosts(core: Core) -> list[str]:
    """That host, where the owner has chosen one, for its certificate."""
    chosen = str(core.settings.get("pubsub.ntfy_host"))
    return [chosen] if chosen else []


MOUNT = Mount(
    PREFIX,
    answer_below,
    "own",
    "What ntfy's apps and clients speak; at the root of ntfy.<domain>, too.",
    has_websockets=True,
)
