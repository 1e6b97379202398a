"""POST /mail/inbound/{postmark,ses,raw}: mail and reports that providers bring."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fazt.apps.mail.actions import webhooks
from fazt.apps.mail.actions.receive import max_bytes
from fazt.apps.mail.store.deliver import Taken
from fazt.core.errors import Forbidden, Invalid, NotFound, Unauthorized
from fazt.core.http.access import parse_basic
from fazt.core.http.hosts import find_header
from fazt.core.http.messages import read_body, respond, respond_json

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

PREFIX = "/mail/inbound/"
MAX_NOTICE_BYTES = 1_000_000


async def inbound(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Dispatch by the last part of the path. Raises FaztError, which the root turns into an answer."""
    kind = str(scope["path"]).removeprefix(PREFIX)
    if kind not in {"postmark", "ses", "raw"}:
        raise NotFound("There is no such webhook.")
    if scope["method"] != "POST":
        await respond(send, 405, [(b"allow", b"POST")])
        return
    query = parse_qs(scope["query_string"].decode("latin-1"))
    if kind == "ses":
        notice = read_json(await read_body(scope, receive, MAX_NOTICE_BYTES))
        taken = await webhooks.take_sns(core, notice)
    else:
        check_secret(core, scope, query)
        body = await read_body(scope, receive, max_bytes(core) * 2)
        if kind == "postmark":
            taken = await webhooks.take_postmark(core, read_json(body))
        else:
            taken = await webhooks.take_raw(core, body, query.get("from", [""])[0], query.get("to", []))
    if taken and all(one.refused for one in taken):
        raise Forbidden(taken[0].refused)  # Postmark gives up at 403; at any other refusal it comes again for hours
    await respond_json(send, 200, {"taken": [to_view(one) for one in taken]})


def to_view(one: Taken) -> dict[str, Any]:
    """What the provider is told of one recipient."""
    state = "refused" if one.refused else "dropped" if one.is_dropped else "double" if one.is_double else "kept"
    return {"recipient": one.recipient, "state": state, "id": one.message_id}


def check_secret(core: Core, scope: Scope, query: dict[str, list[str]]) -> None:
    """The secret of `mail.inbound_token`: as `?token=`, as a bearer token, or as the password of HTTP Basic."""
    wanted = core.settings.get("mail.inbound_token")
    kind, _, value = (find_header(scope["headers"], b"authorization") or b"").decode("latin-1").partition(" ")
    given = query.get("token", [""])[0]
    if kind.lower() == "bearer":
        given = value.strip()
    elif kind.lower() == "basic":
        given = parse_basic(value.strip())[1]
    if not wanted:
        raise Forbidden("Inbound webhooks are off.", hint="Choose a secret: fazt settings set mail.inbound_token …")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Unauthorized("The webhook's token is not right.")


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises Invalid."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise Invalid("The body is not a JSON object.")
    return found
