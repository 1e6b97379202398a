"""PUT of a small file at the front door: no task waits for the commit, the answer is given when it is there.

Taken is the plain case: a token that is remembered, somebody's own files, and none but headers that are known here.
All else goes the general way, before anything is written. What the store refuses is said as it is said there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fazt.apps.drive import actions
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.nodes import Put, Spot
from fazt.apps.drive.routes import dav, writing
from fazt.apps.drive.routes.asking import Ask, Reply
from fazt.core.errors import FaztError
from fazt.core.http.access import parse_basic
from fazt.core.http.hosts import client_address
from fazt.core.http.messages import Answer

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send
    from fazt.core.auth import Caller
    from fazt.core.http.front import Reply as FrontReply

PLAIN = frozenset(
    (
        b"accept accept-charset accept-encoding accept-language authorization cache-control connection content-length"
        b" content-type date forwarded host keep-alive oc-checksum origin pragma priority referer te translate"
        b" user-agent via x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-oc-ctime x-oc-mtime"
        b" x-real-ip x-request-id"
    ).split()
)
"""Headers that are heeded here, or that say nothing to a PUT. With any other it goes the general way."""


def put_now(core: Core, scope: Scope, reply: FrontReply) -> bool:
    """Write a file, or answer False and leave it to others. A Front for PUT."""
    seen = set()
    for name, _ in scope["headers"]:
        if name not in PLAIN or name in seen:
            return False
        seen.add(name)
    if b"authorization" not in seen or scope.get("fazt.local"):
        return False
    body = reply.body
    try:
        ask = Ask(core, scope, reply.receive, unsent)
        names = ask.names
        if len(names) < 2 or names[0] != "files" or ask.address.is_folder:
            return False
        caller = recall_caller(core, scope, ask.headers[b"authorization"])
        space = None if caller is None else drive_of(core).known_home(caller.user_id)
        if caller is None or space is None or not caller.may(actions.WRITE):
            return False
        checks, is_shown = writing.find_checks(ask)
        content = writing.with_times(ask, actions.hold_content(body, checks, is_shown=is_shown))
    except FaztError:
        return False
    terms = actions.new_terms(core, caller)
    refuse = partial(answer_refused, core, reply)
    drive_of(core).put_soon(Spot(space, names[1:]), content, terms, partial(answer_put, ask, reply, refuse), refuse)
    return True


async def unsent(_message: object) -> None:
    """A `send` for who only asks."""
    raise AssertionError("the front door answers")


def recall_caller(core: Core, scope: Scope, authorization: bytes) -> Caller | None:
    """Whose token this is; None where that is not remembered. Raises Unauthorized. See asking.find_caller."""
    kind, _, value = authorization.decode("latin-1").partition(" ")
    now, address = core.clock(), client_address(scope)
    if kind.lower() == "bearer":
        return core.auth.recall_token(value.strip(), now, address)
    if kind.lower() != "basic":
        return None
    login, secret = parse_basic(value.strip())
    return core.auth.recall_basic(login.rpartition("\\")[2], secret, address, now)


def answer_put(ask: Ask, reply: FrontReply, refuse: partial[None], done: Put | FaztError) -> None:
    """What came of it."""
    if isinstance(done, FaztError):
        refuse(done)
        return
    reply.answer(Answer(201 if done.is_new else 204, writing.put_headers(ask, done)))


def answer_refused(core: Core, reply: FrontReply, error: Exception) -> None:
    """An error of the store, in the words of the general way. Nothing is tried again."""

    async def fail(_ask: Ask) -> Reply:
        raise error

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await dav.answer(core, scope, receive, send, fail)

    reply.go_on(answer)
