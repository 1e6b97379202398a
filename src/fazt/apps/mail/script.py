"""What functions may call: send a message, look into the mailbox."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.mail.actions import mailbox
from fazt.apps.mail.actions.send import send as send_draft
from fazt.apps.mail.model.outgoing import Attachment, Draft
from fazt.apps.mail.store import messages as store
from fazt.core.app import ScriptFunction
from fazt.core.errors import Invalid

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MAX_LIMIT = 200


def as_tuple(value: Any, name: str) -> tuple[str, ...]:
    """One address, or a list of them. Raises Invalid."""
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Invalid(f"{name} is an address, or a list of addresses.")
    return tuple(items)


def read_files(items: list[dict[str, Any]] | None) -> tuple[Attachment, ...]:
    """Attachments with `content` in base64, or `text`. Raises Invalid."""
    files = []
    for item in items or []:
        name, kind = str(item.get("name", "file")), str(item.get("contentType", "application/octet-stream"))
        try:
            data = (
                str(item["text"]).encode()
                if "text" in item
                else base64.b64decode(str(item.get("content", "")), validate=True)
            )
        except (binascii.Error, ValueError) as error:
            raise Invalid(f"The content of {name!r} is not base64.") from error
        files.append(Attachment(name, kind, data))
    return tuple(files)


async def send(
    core: Core,
    caller: Caller,
    *,
    to: Any,
    subject: str = "",
    text: str = "",
    html: str = "",
    sender: str = "",
    cc: Any = None,
    bcc: Any = None,
    reply_to: str = "",
    headers: dict[str, str] | None = None,
    attachments: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Queue a message; `{id, messageId}`. `sender` is one of the caller's addresses, by default their own."""
    draft = Draft(
        sender=str(sender),
        to=as_tuple(to, "to"),
        cc=as_tuple(cc, "cc"),
        bcc=as_tuple(bcc, "bcc"),
        reply_to=str(reply_to),
        subject=str(subject),
        text=str(text),
        html=str(html),
        headers=tuple((str(name), str(value)) for name, value in (headers or {}).items()),
        attachments=read_files(attachments),
    )
    sent = await send_draft(core, caller, draft, source="script")
    return {"id": sent.id or sent.message_id, "messageId": sent.header_id}


async def list_some(core: Core, caller: Caller, *, view: str = "inbox", limit: int = 50, q: str = "") -> list[Any]:
    """Messages of a view, the newest first, or those that `q` finds."""
    limit = max(1, min(int(limit), MAX_LIMIT))
    if q:
        found = [line.newest for line in await core.db.read(store.find_messages, caller.user_id, q, limit=limit)]
    else:
        found = await core.db.read(store.list_messages, caller.user_id, view, limit=limit)
    answer: list[Any] = msgspec.to_builtins(found)
    return answer


async def get(core: Core, caller: Caller, *, id: str) -> dict[str, Any]:
    """One message with its text, HTML and headers. Raises NotFound."""
    message = await core.db.read(store.get_message, caller.user_id, id)
    facts = await mailbox.load_facts(core, message)
    answer: dict[str, Any] = msgspec.to_builtins(message)
    parts = msgspec.to_builtins(facts.parts)
    return answer | {"text": facts.text, "html": facts.html, "headers": dict(facts.headers), "parts": parts}


SCRIPT = (
    ScriptFunction(
        "mail.send",
        "mail:send",
        send,
        "Send a message through the cloud's relays.",
        'await fazt.mail.send({to: "anna@example.org", subject: "Hello", text: "…"})',
    ),
    ScriptFunction(
        "mail.list",
        "mail:read",
        list_some,
        "Messages of a view, or those that a search finds.",
        'const messages = await fazt.mail.list({view: "inbox", limit: 10})',
    ),
    ScriptFunction(
        "mail.get",
        "mail:read",
        get,
        "One message with its text.",
        "const {subject, text} = await fazt.mail.get({id})",
    ),
)
