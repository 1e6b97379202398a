"""/joplin/api: which request goes where. Plain ASGI, since paths, bodies and errors are Joplin's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fazt.apps.joplin.engine import joplin_of
from fazt.apps.joplin.routes import items, sessions, sharing
from fazt.apps.joplin.routes.call import Call, Incoming, code_of, cors_headers
from fazt.core import Core
from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.errors import FaztError, NotFound, Unauthorized
from fazt.core.http.errors import Problem, to_problem
from fazt.core.http.messages import ClientGone

Answer = Callable[..., Awaitable[None]]

OPEN: dict[tuple[str, str], Answer] = {
    ("POST", "sessions"): sessions.log_in,
    ("GET", "ping"): sessions.ping,
}
FLAT: dict[tuple[str, str], Answer] = {
    ("PUT", "batch_items"): items.put_batch,
    ("DELETE", "batch_items"): items.delete_batch,
    ("GET", "shares"): sharing.list_shares,
    ("POST", "shares"): sharing.create_share,
    ("GET", "share_users"): sharing.list_invitations,
    ("GET", "locks"): sessions.list_locks,
    ("POST", "locks"): sessions.take_lock,
    ("POST", "events"): sessions.note_event,
}
OF_ONE: dict[tuple[str, str], Answer] = {
    ("DELETE", "shares"): sharing.end_share,
    ("PATCH", "share_users"): sharing.change_member,
    ("DELETE", "share_users"): sharing.remove_member,
    ("DELETE", "locks"): sessions.release_lock,
    ("GET", "users"): sessions.get_user,
}
OF_PART: dict[tuple[str, str, str], Answer] = {
    ("POST", "shares", "users"): sharing.invite,
    ("GET", "shares", "users"): sharing.list_members,
    ("GET", "users", "public_key"): sharing.get_public_key,
}


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """One request of an app. What it raises is answered in Joplin's form."""
    call = Call(core, scope, Incoming(receive), send, cors_headers(core, scope))
    try:
        if call.method == "OPTIONS":
            await call.answer()
            return
        await joplin_of(core)
        await run(call)
    except ClientGone:
        raise
    except FaztError as error:
        if getattr(send, "started", False):
            raise
        await answer_error(call, error)


async def run(call: Call) -> None:
    """Find who answers. Raises NotFound."""
    path = call.path
    head, _, rest = path.partition("/")
    method = "GET" if call.method == "HEAD" else call.method
    if (method, path) in OPEN:
        await OPEN[method, path](call)
        return
    if path.startswith("shares/") and method == "GET" and "/" not in rest:
        await sharing.show_share(call, rest)
        return
    await call.demand()
    if head == "items":
        await items.answer(call, method, rest)
    elif (method, path) in FLAT:
        await FLAT[method, path](call)
    elif rest and "/" not in rest and (method, head) in OF_ONE:
        await OF_ONE[method, head](call, rest)
    else:
        id_, _, part = rest.partition("/")
        if (method, head, part) not in OF_PART:
            raise NotFound("This server has nothing at this address.")
        await OF_PART[method, head, part](call, id_)


async def answer_error(call: Call, error: FaztError) -> None:
    """`{"error": …, "code": …}`, after the rest of the body: a client that still sends would not read it."""
    problem = to_problem(error)
    await items.drain(call)
    status = 403 if isinstance(error, Unauthorized) else problem.status
    body = {"error": in_words(problem)} | ({"code": code} if (code := code_of(error)) else {})
    await call.answer(body, status)


def in_words(problem: Problem) -> str:
    """What the app shows."""
    return f"{problem.detail} {problem.hint}".strip()


MOUNT = Mount("/joplin/api", answer, "own", "The sync API of Joplin; a session that POST /joplin/api/sessions opened.")
