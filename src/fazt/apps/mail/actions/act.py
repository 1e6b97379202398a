"""What rules want done with a message after it was taken: functions, topics, documents, webhooks, forwards, files."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.mail.actions.receive import read_facts, store_bytes
from fazt.apps.mail.actions.send import ensure_key, store
from fazt.apps.mail.engine.desk import own_domains
from fazt.apps.mail.model.addresses import domain_of, normalize
from fazt.apps.mail.model.message import Facts, Message
from fazt.apps.mail.store.deliver import put_blob
from fazt.apps.mail.store.messages import add_note, get_any_message
from fazt.apps.mail.store.outgoing import queue_message
from fazt.apps.mail.wire import mime
from fazt.apps.mail.wire.markup import text_of
from fazt.core.clock import to_iso
from fazt.core.errors import Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core
    from fazt.core.auth import Caller

TEXT_CHARS = 200_000
FORWARDED = "X-Fazt-Forwarded-For"


async def act(core: Core, message_id: str, kind: str, value: str) -> None:
    """Do one thing that a rule wants, on behalf of whom the message belongs to. Raises for the queue to try again."""
    message = await core.db.read(get_any_message, message_id)
    caller = await core.auth.act_as(message.user_id, None)
    data = await core.blobs.read(message.blob)
    facts = await read_facts(store_bytes(data, len(data)), message.received_at)
    said = await ACTS[kind](core, caller, message, facts, data, value)
    await core.db.write(add_note, message_id, said)


def summary(message: Message, facts: Facts) -> dict[str, Any]:
    """A message as JSON, for topics, documents and webhooks."""
    return {
        "id": message.id,
        "from": facts.from_address,
        "fromName": facts.from_name,
        "to": list(facts.to),
        "cc": list(facts.cc),
        "recipient": message.recipient,
        "subject": facts.subject,
        "date": to_iso(facts.sent_at),
        "receivedAt": to_iso(message.received_at),
        "messageId": facts.header_id,
        "text": facts.text[:TEXT_CHARS],
        "html": facts.html[:TEXT_CHARS],
        "verdicts": msgspec.to_builtins(message.verdicts),
        "attachments": [
            {"name": part.name, "contentType": part.content_type, "size": part.size}
            for part in facts.parts
            if part.name
        ],
    }


async def run_function(core: Core, caller: Caller, message: Message, facts: Facts, data: bytes, site: str) -> str:
    """A site's `email(message)`: it may ask to forward, to answer, or to refuse."""
    shape = {
        "id": message.id,
        "from": message.mail_from or facts.from_address,
        "to": message.recipient,
        "headers": [list(pair) for pair in facts.headers],
        "subject": facts.subject,
        "text": (facts.text if facts.text.strip() else text_of(facts.html))[:TEXT_CHARS],
        "verdicts": msgspec.to_builtins(message.verdicts),
        "raw": data,
    }
    answer = await core.call("runtime.email", caller, site=site, message=shape)
    return f"email() of {site} ran" + await follow(core, message, data, answer)


async def follow(core: Core, message: Message, data: bytes, answer: Any) -> str:
    """What the function asked for: `{rejected, forwards: [{to}], replies: [{to, raw}]}`."""
    if not isinstance(answer, dict):
        return ""
    said = ""
    for item in answer.get("forwards") or ():
        added = [(str(name), str(value)) for name, value in item.get("headers") or ()]
        said += "; " + await forward_to(core, message, data, str(item.get("to", "")), added)
    for item in answer.get("replies") or ():
        raw = str(item.get("raw", "")).encode()
        await pass_on(core, message, raw, [str(item.get("to") or message.mail_from)])
        said += "; answered"
    if answer.get("rejected"):
        said += f"; refused: {answer['rejected']}"
    return said[:250]


async def publish(core: Core, caller: Caller, message: Message, facts: Facts, _data: bytes, topic: str) -> str:
    """A message on a topic."""
    await core.call("pubsub.publish", caller, topic=topic, data=summary(message, facts))
    return f"published on {topic}"


async def write_document(
    core: Core, caller: Caller, message: Message, facts: Facts, _data: bytes, collection: str
) -> str:
    """A document of the message's own id, so that doing it twice changes nothing."""
    await core.call("textdb.put", caller, collection=collection, id=message.id, doc=summary(message, facts))
    return f"written to {collection}"


async def call_webhook(core: Core, _caller: Caller, message: Message, facts: Facts, _data: bytes, value: str) -> str:
    """A POST to a public address, signed where a secret stands behind a blank: `https://… SECRET`."""
    import httpx  # noqa: PLC0415 - httpx is large, and seldom needed

    from fazt.core.outbound import open_client  # noqa: PLC0415 - httpx is large, and seldom needed

    url, _, secret = value.strip().partition(" ")
    body = msgspec.json.encode(summary(message, facts))
    headers = {"content-type": "application/json", "idempotency-key": message.id}
    if secret.strip():
        digest = hmac.new(secret.strip().encode(), body, hashlib.sha256).hexdigest()
        headers["x-fazt-signature"] = f"sha256={digest}"
    try:
        async with open_client(core, max_bytes=100_000, follow_redirects=False) as client:
            answer = await client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise Unavailable(f"{url} cannot be reached: {error or type(error).__name__}.") from error
    if answer.status_code >= 300:
        raise Unavailable(f"{url} answered {answer.status_code}.")
    return f"sent to {url}"


async def forward(core: Core, _caller: Caller, message: Message, _facts: Facts, data: bytes, address: str) -> str:
    """The message as it is, to another address."""
    return await forward_to(core, message, data, address, [])


async def forward_to(core: Core, message: Message, data: bytes, address: str, added: list[tuple[str, str]]) -> str:
    """Pass a message on with `added` headers, unless it has been here before or is a report about what we sent."""
    own = message.recipient or f"postmaster@{own_domains(core)[0]}"
    marks = re.findall(rf"(?im)^{FORWARDED}:\s*(\S+)", mime.decode_bytes(data[:262_144]).partition("\r\n\r\n")[0])
    if not message.mail_from and message.source == "smtp":
        return "not forwarded: it is a report"
    if normalize(own) in [normalize(mark) for mark in marks] or normalize(address) == normalize(own):
        return "not forwarded: it would go round in circles"
    top = [(FORWARDED, own), *(pair for pair in added if is_addable(*pair))]
    head = "".join(f"{name}: {value}\r\n" for name, value in top).encode("utf-8", "replace")
    await pass_on(core, message, head + data, [address])
    return f"forwarded to {address}"


def is_addable(name: str, value: str) -> bool:
    """Whether a function may put this header on what it forwards: those of its own kind (X-…), on one line."""
    plain = re.fullmatch(r"[Xx]-[A-Za-z0-9-]{1,60}", name) is not None
    return plain and len(value) <= 900 and value.isprintable()


async def pass_on(core: Core, message: Message, data: bytes, recipients: list[str]) -> None:
    """Queue bytes under our own address as sender, so that SPF holds; the signature of the author stays whole."""
    domain = own_domains(core)[0]
    sender = message.recipient if domain_of(message.recipient) in own_domains(core) else f"postmaster@{domain}"
    stored = await store(core, data)
    facts = await read_facts(stored, core.clock())
    await ensure_key(core, domain_of(sender))

    def queue(conn: Connection) -> None:
        now = core.clock()
        blob = put_blob(conn, stored, now)
        queue_message(
            conn,
            user_id=message.user_id,
            mail_from=sender,
            recipients=recipients,
            subject=facts.subject,
            header_id=facts.header_id,
            source="forward",
            blob=blob,
            now=now,
        )

    await core.db.write(queue)


async def save_files(core: Core, caller: Caller, message: Message, facts: Facts, data: bytes, folder: str) -> str:
    """Attachments into a folder of the drive."""
    saved = 0
    for part in facts.parts:
        if not part.name or part.is_inline:
            continue
        await save_file(core, caller, data, part.n, folder, message.id[-6:])
        saved += 1
    return f"{saved} attachments saved to {folder}"


async def save_file(core: Core, caller: Caller, data: bytes, n: int, folder: str, mark: str) -> str:
    """One attachment into the drive; its path there. Raises NotFound."""
    found = mime.find_part(data, n)
    if found is None:
        raise NotFound("There is no such attachment.")
    part, body = found
    stem, dot, ending = part.name.rpartition(".")
    name = f"{stem} {mark}.{ending}" if dot and stem else f"{part.name} {mark}"
    path = f"{folder.strip('/')}/{name}"
    packed = base64.b64encode(body).decode()
    await core.call("drive.write", caller, path=path, content=packed, encoding="base64")
    return path


def check_kind(kind: str) -> None:
    """Raises Invalid for a kind that is done elsewhere."""
    if kind not in ACTS:
        raise Invalid(f"{kind!r} is nothing that is done after a message was taken.")


ACTS = {
    "function": run_function,
    "topic": publish,
    "textdb": write_document,
    "webhook": call_webhook,
    "forward": forward,
    "save": save_files,
}
