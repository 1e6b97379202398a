"""Publishing as ntfy's clients do: a body, headers, a query, or JSON; attachments where the body is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.pubsub import actions
from fazt.apps.pubsub.actions.files import MB, receive_file
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.message import TEXT, Kind, Message, Publication, new_message_id
from fazt.apps.pubsub.store import delayed
from fazt.apps.pubsub.wire.ntfy.errors import NtfyError
from fazt.apps.pubsub.wire.ntfy.events import to_event
from fazt.apps.pubsub.wire.ntfy.parameters import (
    MESSAGE_BYTES,
    Asked,
    check_sequence,
    check_topic_name,
    json_asked,
    parse_json,
    read_asked,
)
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, TooLarge
from fazt.core.http.access import check_same_origin
from fazt.core.http.messages import read_body, stream_body

if TYPE_CHECKING:
    from fazt.apps.pubsub.routes.ntfy import NtfyCall

MARKDOWN = "text/markdown"
BYTES = "application/octet-stream"
JSON_BYTES = 2 * MESSAGE_BYTES
TRIGGERED = "triggered"


async def publish(call: NtfyCall, topic: str, sequence: str) -> dict[str, Any]:
    """A message whose body is the body; with a sequence, a change of an earlier one. Raises FaztError."""
    caller = await check_access(call, topic)
    if call.method == "GET" and caller is not None and caller.kind == "session":
        check_same_origin({**call.scope, "method": "POST"})  # a picture on a hosted site must not publish
    asked = read_asked(call.read, call.core.clock(), call.header("content-type"))
    if sequence:
        asked.sequence = asked.extra["sequence_id"] = check_sequence(sequence)
    message_id = new_message_id()
    data = b""
    if call.method != "GET":
        data = await take_body(call, caller, topic, asked, message_id)
    return await finish(call, caller, topic, asked, data, message_id)


async def publish_json(call: NtfyCall) -> dict[str, Any]:
    """A message in JSON, sent to the root. Raises FaztError."""
    try:
        sent = parse_json(await read_body(call.scope, call.receive, JSON_BYTES))
    except TooLarge as error:
        raise NtfyError(41303, "JSON body too large") from error
    caller = await check_access(call, sent.topic)
    asked = json_asked(sent, call.read, call.core.clock())
    return await finish(call, caller, sent.topic, asked, b"", new_message_id())


async def check_access(call: NtfyCall, topic: str) -> Caller | None:
    """Who publishes. Raises what ntfy says to those who may not."""
    check_topic_name(topic)
    caller = await call.caller()
    if not hub_of(call.core).rules.may(caller, topic, "write"):
        raise NtfyError(40301, "forbidden")
    return caller


async def take_body(call: NtfyCall, caller: Caller | None, topic: str, asked: Asked, message_id: str) -> bytes:
    """The text of the message, b"" where the body became an attachment. Raises FaztError."""
    limit = call.core.settings.get("pubsub.attachment_mb") * MB
    pieces = stream_body(call.scope, call.receive, max(limit, MESSAGE_BYTES))
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) > MESSAGE_BYTES:
            break
    if asked.is_push and len(head) <= MESSAGE_BYTES:
        return head
    is_text = len(head) <= MESSAGE_BYTES and is_utf8(head)
    if is_text and (not asked.filename or asked.attach):
        return head.strip()
    if head or asked.filename:
        await attach(call, caller, topic, asked, head, pieces, message_id)
    return b""


async def attach(
    call: NtfyCall,
    caller: Caller | None,
    topic: str,
    asked: Asked,
    head: bytes,
    rest: AsyncIterator[bytes],
    message_id: str,
) -> None:
    """Keep the body as a file. Strangers cannot: the disk is the owner's. Raises FaztError."""
    if caller is None or not call.core.settings.get("pubsub.attachment_mb"):
        raise NtfyError(40014, "invalid request: attachments not allowed")
    if asked.volatile:
        raise NtfyError(40014, "invalid request: attachments not allowed for messages that are not kept")
    after = asked.due_at or 0
    try:
        found = await receive_file(call.core, message_id, topic, asked.filename, head, rest, after)
    except TooLarge as error:
        raise NtfyError(41301, "attachment too large, or bandwidth limit reached") from error
    name, dot, ending = found.name.rpartition(".")
    suffix = dot + ending if name and ending.isalnum() else ""
    asked.extra["attachment"] = {
        "name": found.name,
        "type": found.type,
        "size": found.size,
        "expires": found.expires_at // 1_000,
        "url": f"{call.base}/file/{message_id}{suffix}",
    }
    asked.message = asked.message or f"You received a file: {found.name}"


def is_utf8(data: bytes) -> bool:
    """Whether it can be the text of a message."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def finish(
    call: NtfyCall, caller: Caller | None, topic: str, asked: Asked, data: bytes, message_id: str
) -> dict[str, Any]:
    """Publish it; the message as ntfy's clients read it. Raises FaztError."""
    if asked.attach:
        name = asked.filename or asked.attach.partition("?")[0].rstrip("/").rpartition("/")[2] or "attachment"
        asked.extra["attachment"] = {"name": name[:255], "url": asked.attach}
        asked.message = asked.message or ("" if data else f"You received a file: {name[:255]}")
    body = data or asked.message.encode("utf-8", "replace")
    if len(body) > MESSAGE_BYTES:
        raise NtfyError(41301, f"message too large, at most {MESSAGE_BYTES} bytes are allowed")
    kind = MARKDOWN if asked.markdown else TEXT
    publication = Publication(
        topic,
        body or TRIGGERED.encode(),
        kind if is_utf8(body) else BYTES,
        asked.extra,
        kind=asked.kind,
        id=message_id,
        user_id=caller.user_id if caller is not None else "",
        due_at=asked.due_at,
        volatile=asked.volatile,
    )
    return await send(call, caller, publication)


async def send(call: NtfyCall, caller: Caller | None, publication: Publication) -> dict[str, Any]:
    """Publish it, and say what came of it."""
    receipt = await actions.publish_one(call.core, caller, publication, visitor=call.visitor)
    is_kept = receipt.seq or receipt.due_at is not None
    keep_ms = hub_of(call.core).limits().keep_ms
    at = receipt.due_at if receipt.due_at is not None else receipt.at
    message = Message(
        seq=receipt.seq,
        n=receipt.n,
        id=receipt.id,
        topic=publication.topic,
        at=at,
        data=publication.data,
        content_type=publication.content_type,
        extra=publication.extra,
        kind=publication.kind,
        expires_at=at + keep_ms if is_kept else None,
    )
    return to_event(message)


async def change(call: NtfyCall, topic: str, sequence: str, kind: Kind) -> dict[str, Any]:
    """Have devices take a message away, or its notice; one that waits for its time is dropped. Raises FaztError."""
    caller = await check_access(call, topic)
    check_sequence(sequence)
    if kind == "message_delete":
        await call.core.db.write(delayed.cancel, topic, sequence)
    user_id = caller.user_id if caller is not None else ""
    extra = {"sequence_id": sequence}
    publication = Publication(topic, b"", TEXT, extra, kind=kind, id=new_message_id(), user_id=user_id)
    return await send(call, caller, publication)


class MatrixDevice(msgspec.Struct):
    """Where a message of Matrix is to go: an address of this server."""

    pushkey: str


class MatrixBody(msgspec.Struct):
    """A notification of Matrix."""

    devices: list[MatrixDevice]


class MatrixMessage(msgspec.Struct):
    """What a Matrix home server sends."""

    notification: MatrixBody


async def notify_matrix(call: NtfyCall) -> dict[str, Any]:
    """Bring a notification of Matrix to the topic that its push key names. Raises NtfyError."""
    data = await read_body(call.scope, call.receive, MESSAGE_BYTES)
    try:
        sent = msgspec.json.decode(data, type=MatrixMessage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NtfyError(40019, "invalid request: Matrix JSON invalid") from error
    if not sent.notification.devices:
        raise NtfyError(40019, "invalid request: Matrix JSON invalid")
    pushkey = sent.notification.devices[0].pushkey
    if not pushkey.startswith(f"{call.base}/"):
        raise NtfyError(40020, f"invalid request: push key must be prefixed with base URL, {call.base}")
    topic = pushkey.removeprefix(f"{call.base}/").partition("?")[0]
    try:
        caller = await check_access(call, topic)
    except FaztError:
        return {"rejected": [pushkey]}
    publication = Publication(topic, data, TEXT, id=new_message_id(), user_id=caller.user_id if caller else "")
    await actions.publish_one(call.core, caller, publication, visitor=call.visitor)
    return {"rejected": []}
