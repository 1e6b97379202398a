"""What providers post: messages that came to them, and what became of those we sent."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from fazt.apps.mail.actions.receive import max_bytes, receive, store_bytes
from fazt.apps.mail.engine.desk import get_desk, own_domains
from fazt.apps.mail.model.addresses import domain_of
from fazt.apps.mail.model.message import Envelope, Verdicts
from fazt.apps.mail.store.deliver import Taken
from fazt.apps.mail.store.outgoing import find_by_remote, note_return
from fazt.apps.mail.wire import aws, postmark
from fazt.apps.mail.wire.mime import parse, read_addresses, values_of
from fazt.core.errors import Forbidden, Invalid, NotFound, Unavailable
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

MAX_CERTIFICATES = 10
TO_HEADERS = ("x-original-to", "delivered-to", "envelope-to", "to", "cc")

log = get_logger(__name__)


async def take_postmark(core: Core, body: dict[str, Any]) -> list[Taken]:
    """Postmark's inbound, bounce and complaint webhooks. Raises Invalid."""
    if body.get("RecordType") and body["RecordType"] != "Inbound":
        found = postmark.from_return(body)
        if found is not None:
            remote_id, address, state, detail, is_hard = found
            await core.db.write(note_remote, remote_id, state, [(address, detail, is_hard)], now=core.clock())
        return []
    data, sender, recipient = postmark.from_inbound(body, core.clock())
    envelope = Envelope(sender, (recipient,), "postmark", remote="Postmark")
    return await receive(core, envelope, store_bytes(data, max_bytes(core)))


async def take_raw(core: Core, data: bytes, sender: str, recipients: list[str]) -> list[Taken]:
    """A message as MIME. Without `recipients`, those of its headers that are here."""
    if not recipients:
        domains = own_domains(core)
        message = parse(data[:262_144])
        found = [address for name in TO_HEADERS for _, address in read_addresses(values_of(message, name))]
        recipients = [address for address in dict.fromkeys(found) if domain_of(address) in domains]
    if not recipients:
        raise Invalid("Nobody here is among the recipients.", hint="Name them: ?to=anna@example.org")
    envelope = Envelope(sender, tuple(recipients[:100]), "raw", remote="a webhook")
    return await receive(core, envelope, store_bytes(data, max_bytes(core)))


async def take_sns(core: Core, notice: dict[str, Any]) -> list[Taken]:
    """A notice of Amazon's SNS: signed by Amazon, of a topic that the owner named. Raises Forbidden, Invalid."""
    topics = core.settings.get("mail.sns_topics")
    if str(notice.get("TopicArn", "")) not in topics:
        raise Forbidden("This topic is not taken.", hint="Add its ARN to the setting mail.sns_topics.")
    certificate = await find_certificate(core, aws.certificate_url(notice))
    aws.check_notice(notice, certificate, datetime.now(UTC))
    if notice["Type"] != "Notification":
        if notice["Type"] == "SubscriptionConfirmation":
            await confirm(core, aws.confirm_url(notice))
        return []
    try:
        message = json.loads(str(notice.get("Message", "")))
    except ValueError:
        return []  # SNS sends a text to say that a topic was joined
    return await take_ses(core, message) if isinstance(message, dict) else []


async def take_ses(core: Core, message: dict[str, Any]) -> list[Taken]:
    """What SES says in a notice: a message that came, a bounce, a complaint."""
    remote_id, state, people = aws.read_returns(message)
    if state:
        await core.db.write(note_remote, remote_id, state, people, now=core.clock())
        return []
    if message.get("notificationType") != "Received":
        return []
    content = message.get("content")
    if not isinstance(content, str):
        raise Invalid("The notice brings no message.", hint="Let SES send the content along (SNS action).")
    receipt = message.get("receipt") or {}
    mail = message.get("mail") or {}
    try:
        is_packed = (receipt.get("action") or {}).get("encoding") == "BASE64"
        data = base64.b64decode(content) if is_packed else content.encode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise Invalid("The message in the notice is garbled.") from error
    recipients = [str(one) for one in receipt.get("recipients") or mail.get("destination") or []]
    envelope = Envelope(str(mail.get("source", "")), tuple(recipients), "ses", remote="Amazon SES")
    return await receive(core, envelope, store_bytes(data, max_bytes(core)), given=read_verdicts(receipt))


def read_verdicts(receipt: dict[str, Any]) -> Verdicts:
    """What SES found out by itself."""

    def verdict(name: str) -> str:
        status = str((receipt.get(f"{name}Verdict") or {}).get("status", "")).lower()
        return status if status in {"pass", "fail"} else "none"

    policy = str(receipt.get("dmarcPolicy", "")).lower()
    return Verdicts(verdict("spf"), verdict("dkim"), verdict("dmarc"), "none", policy=policy, detail="Checked by SES.")


def note_remote(conn: Connection, remote_id: str, state: str, people: list[tuple[str, str, bool]], *, now: int) -> None:
    """Write down what a relay tells of a message that it knows by its own id."""
    out_id = find_by_remote(conn, remote_id)
    for address, detail, is_hard in people if out_id else ():
        note_return(conn, out_id or "", address, state, detail, is_hard=is_hard, now=now)


async def find_certificate(core: Core, url: str) -> bytes:
    """Amazon's certificate, fetched once. Raises Unavailable."""
    known = get_desk(core).certificates
    if url not in known:
        known[url] = await fetch(core, url)
        while len(known) > MAX_CERTIFICATES:
            known.pop(next(iter(known)))
    return known[url]


async def confirm(core: Core, url: str) -> None:
    """Join the topic. Raises Unavailable."""
    await fetch(core, url)
    log.info("joined a topic of SNS")


async def fetch(core: Core, url: str) -> bytes:
    """A small file of Amazon's. Raises Unavailable."""
    import httpx  # noqa: PLC0415 - httpx is large, and seldom needed

    from fazt.core.outbound import open_client  # noqa: PLC0415 - httpx is large, and seldom needed

    try:
        async with open_client(core, max_bytes=100_000, follow_redirects=False) as client:
            answer = await client.get(url)
    except httpx.HTTPError as error:
        raise Unavailable("Amazon does not answer just now.") from error
    if answer.status_code != 200:
        raise Unavailable(f"Amazon answered {answer.status_code}.")
    return answer.content


def check_taken(taken: list[Taken]) -> None:
    """Raises NotFound where nobody took the message."""
    if taken and all(one.refused for one in taken):
        raise NotFound(taken[0].refused)
