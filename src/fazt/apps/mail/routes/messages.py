"""The API of the mailbox: `/api/v1/mail/messages…`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.response import Stream

from fazt.apps.mail.actions import mailbox
from fazt.apps.mail.actions.send import send
from fazt.apps.mail.model.message import Message, Part
from fazt.apps.mail.model.outgoing import Attachment, Draft
from fazt.apps.mail.store import messages as store
from fazt.apps.mail.store.sending import Sent
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Invalid
from fazt.core.http.access import needs

READ, WRITE, SEND = needs("mail:read"), needs("mail:write"), needs("mail:send")
ROOT = "/api/v1/mail/messages"
MAX_LIMIT = 200
MAX_SEND_BYTES = 100_000_000


class MessageView(msgspec.Struct):
    """A message with what it says. `html` is as it came: clean it before you show it."""

    message: Message
    to: tuple[str, ...]
    cc: tuple[str, ...]
    reply_to: str
    text: str
    html: str
    parts: tuple[Part, ...]
    headers: tuple[tuple[str, str], ...]


class FileBody(msgspec.Struct):
    """A file to be sent; `content` is base64."""

    name: str
    content: str
    content_type: str = "application/octet-stream"


class SendBody(msgspec.Struct):
    """A message to be sent; an empty `sender` is your own address."""

    to: list[str]
    subject: str = ""
    text: str = ""
    html: str = ""
    sender: str = ""
    cc: list[str] = []
    bcc: list[str] = []
    reply_to: str = ""
    attachments: list[FileBody] = []
    headers: dict[str, str] = {}
    answers: str = ""
    """The id of the message that this one answers."""


class ChangeBody(msgspec.Struct):
    """What is to be changed; what is left out stays."""

    folder: str | None = None
    is_read: bool | None = None
    is_starred: bool | None = None
    add_labels: list[str] = []
    remove_labels: list[str] = []


@get(ROOT, guards=[READ], summary="List messages")
async def list_messages(
    core: Core,
    caller: Caller,
    view: str = "inbox",
    before: str = "",
    limit: int = 50,
    unread: bool = False,
    q: str = "",
) -> list[Message]:
    """Messages of a view (inbox starred sent archive junk trash routed all, or label:NAME), or those that `q` finds."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(f"limit is between 1 and {MAX_LIMIT}.")
    if q:
        found = await core.db.read(store.find_messages, caller.user_id, q, limit=limit)
        return [thread.newest for thread in found]
    return await core.db.read(store.list_messages, caller.user_id, view, before=before, limit=limit, is_unread=unread)


@get(ROOT + "/{message_id:str}", guards=[READ], summary="Show a message")
async def get_message(core: Core, caller: Caller, message_id: str) -> MessageView:
    """One message with its text."""
    message = await core.db.read(store.get_message, caller.user_id, message_id)
    facts = await mailbox.load_facts(core, message)
    return MessageView(message, facts.to, facts.cc, facts.reply_to, facts.text, facts.html, facts.parts, facts.headers)


@get(ROOT + "/{message_id:str}/raw", guards=[READ], summary="A message, byte for byte")
async def get_raw(core: Core, caller: Caller, message_id: str) -> Stream:
    """The message as it came."""
    message = await core.db.read(store.get_message, caller.user_id, message_id)
    headers = {"content-length": str(message.size), "content-disposition": f'attachment; filename="{message.id}.eml"'}
    return Stream(core.blobs.open(message.blob), media_type="message/rfc822", headers=headers)


@get(ROOT + "/{message_id:str}/parts/{n:int}", guards=[READ], summary="A part of a message")
async def get_part(core: Core, caller: Caller, message_id: str, n: int) -> Response[bytes]:
    """The decoded bytes of one part, always as a download."""
    part, data = await mailbox.load_part(core, caller.user_id, message_id, n)
    answer = mailbox.as_file(part)
    return Response(data, media_type=answer.content_type, headers=answer.headers)


@patch(ROOT + "/{message_id:str}", guards=[WRITE], summary="Move or mark a message")
async def change_message(core: Core, caller: Caller, message_id: str, data: ChangeBody) -> Message:
    """Change what is given."""
    await core.db.read(store.get_message, caller.user_id, message_id)

    def change(conn: Any) -> Message:
        store.change_messages(
            conn,
            caller.user_id,
            [message_id],
            folder=data.folder,
            is_read=data.is_read,
            is_starred=data.is_starred,
            now=core.clock(),
        )
        store.put_labels(conn, caller.user_id, message_id, data.add_labels)
        for name in data.remove_labels:
            store.remove_label(conn, caller.user_id, message_id, name)
        return store.get_message(conn, caller.user_id, message_id)

    return await core.db.write(change)


@delete(ROOT + "/{message_id:str}", guards=[WRITE], summary="Delete a message for good")
async def delete_message(core: Core, caller: Caller, message_id: str) -> None:
    """It does not go to the trash first."""
    await core.db.read(store.get_message, caller.user_id, message_id)
    await core.db.write(store.delete_messages, caller.user_id, [message_id])


@post(ROOT, guards=[SEND], summary="Send a message", request_max_body_size=MAX_SEND_BYTES, status_code=202)
async def send_message(core: Core, caller: Caller, data: SendBody) -> Sent:
    """Queue a message; it is sent in a moment, and kept in Sent."""
    draft = Draft(
        sender=data.sender,
        to=tuple(data.to),
        cc=tuple(data.cc),
        bcc=tuple(data.bcc),
        reply_to=data.reply_to,
        subject=data.subject,
        text=data.text,
        html=data.html,
        attachments=tuple(read_file(file) for file in data.attachments),
        headers=tuple(data.headers.items()),
    )
    if data.answers:
        answered = await core.db.read(store.get_message, caller.user_id, data.answers)
        facts = await mailbox.load_facts(core, answered)
        draft = msgspec.structs.replace(draft, in_reply_to=facts.header_id, references=facts.references)
    return await send(core, caller, draft, source="api")


def read_file(file: FileBody) -> Attachment:
    """Raises Invalid where the content is not base64."""
    try:
        return Attachment(file.name, file.content_type, base64.b64decode(file.content, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"The content of {file.name!r} is not base64.") from error


HANDLERS = [list_messages, get_message, get_raw, get_part, change_message, delete_message, send_message]
