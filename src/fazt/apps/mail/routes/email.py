"""POST /api/v1/mail/email: sending as Postmark's clients do it, with a token in X-Postmark-Server-Token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fazt.apps.mail.actions.receive import max_bytes
from fazt.apps.mail.actions.send import send as send_draft
from fazt.apps.mail.wire.postmark import from_send
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound, TooLarge, TooMany, Unauthorized
from fazt.core.http.access import identify
from fazt.core.http.hosts import client_address, find_header
from fazt.core.http.messages import read_body, respond, respond_json

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send
    from fazt.core.auth import Caller

PREFIX = "/api/v1/mail/email"
MAX_BATCH = 500


async def email(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """One message, or with /batch up to 500 of them."""
    path = str(scope["path"]).removeprefix(PREFIX)
    if path not in {"", "/", "/batch"}:
        raise NotFound("There is nothing at this address.")
    if scope["method"] != "POST":
        await respond(send, 405, [(b"allow", b"POST")])
        return
    try:
        caller = await find_caller(core, scope)
        body = read_json(await read_body(scope, receive, max_bytes(core) * 2))
        if path != "/batch":
            await respond_json(send, 200, await send_one(core, caller, body))
            return
        if not isinstance(body, list) or len(body) > MAX_BATCH:
            raise Invalid(f"A batch is a list of at most {MAX_BATCH} messages.")
        await respond_json(send, 200, [await try_one(core, caller, item) for item in body])
    except FaztError as error:
        status, answer = to_problem(error)
        await respond_json(send, status, answer)


async def find_caller(core: Core, scope: Scope) -> Caller:
    """Whose token it is. Raises Unauthorized, Forbidden."""
    token = (find_header(scope["headers"], b"x-postmark-server-token") or b"").decode("latin-1").strip()
    if token:
        caller = await core.auth.identify_token(token, core.clock(), client_address(scope))
    else:
        caller = await identify(core, scope)
    if caller is None:
        raise Unauthorized("The Server Token you provided in the X-Postmark-Server-Token request header was invalid.")
    caller.check("mail:send")
    return caller


def read_json(body: bytes) -> Any:
    """Any JSON. Raises Invalid."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("Invalid JSON") from error


async def send_one(core: Core, caller: Caller, body: Any) -> dict[str, Any]:
    """Send one message; Postmark's answer. Raises FaztError."""
    if not isinstance(body, dict):
        raise Invalid("A message is a JSON object.")
    sent = await send_draft(core, caller, from_send(body), source="api")
    answer = {"To": body.get("To", ""), "SubmittedAt": to_iso(core.clock()), "MessageID": sent.id or sent.message_id}
    return answer | {"ErrorCode": 0, "Message": "OK"}


async def try_one(core: Core, caller: Caller, body: Any) -> dict[str, Any]:
    """One of a batch: each has an answer of its own."""
    try:
        return await send_one(core, caller, body)
    except FaztError as error:
        return to_problem(error)[1]


def to_problem(error: FaztError) -> tuple[int, dict[str, Any]]:
    """Status and body as Postmark's clients expect them."""
    status, code = 422, 300
    if isinstance(error, Unauthorized):
        status, code = 401, 10
    elif isinstance(error, Forbidden):
        code = 400
    elif isinstance(error, TooLarge):
        status, code = 413, 0
    elif isinstance(error, TooMany):
        status, code = 429, 429
    elif not isinstance(error, Invalid):
        status, code = 503, 100
    return status, {"ErrorCode": code, "Message": error.message}
