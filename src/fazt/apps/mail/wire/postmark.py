"""Postmark's JSON: messages to send, messages that came, and what became of those sent.

Field names and meanings: https://postmarkapp.com/developer (api/email-api, webhooks/inbound-webhook and kin).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from fazt.apps.mail.model.addresses import normalize
from fazt.apps.mail.model.outgoing import Attachment, Draft, is_sendable, split_list
from fazt.apps.mail.wire.compose import compose
from fazt.apps.mail.wire.mime import content, describe, leaves, parse, read, read_addresses, shown, values_of
from fazt.core.errors import Invalid

HARD = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated", "SpamNotification"})
UNKNOWN = "unknown@sender.invalid"
PASSED_ON = frozenset(
    [
        "auto-submitted",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "precedence",
        "in-reply-to",
        "references",
        "message-id",
    ]
)


def to_postmark(data: bytes, mail_from: str, recipients: Sequence[str], stream: str) -> dict[str, Any]:
    """A message as the body of `POST /email`, for these recipients alone; whom no header names gets a blind copy."""
    message = parse(data)
    facts = read(data, 0)
    left = {normalize(address): address for address in recipients}
    fields: dict[str, list[str]] = {"To": [], "Cc": [], "Bcc": []}
    for field, header in (("To", "to"), ("Cc", "cc")):
        for name, address in read_addresses(values_of(message, header)):
            if left.pop(normalize(address), None):
                fields[field] += shown([(name, address)])
    fields["Bcc"] = list(left.values())
    senders = read_addresses(values_of(message, "from")) or [("", mail_from)]
    body: dict[str, Any] = {"From": shown(senders)[0], "Subject": facts.subject, "MessageStream": stream or "outbound"}
    body |= {name: ", ".join(values) for name, values in fields.items() if values}
    if "To" not in body:
        body["To"] = body.pop("Cc", "") or body.pop("Bcc", "")
    if facts.reply_to:
        body["ReplyTo"] = facts.reply_to
    if facts.text or not facts.html:
        body["TextBody"] = facts.text or " "
    if facts.html:
        body["HtmlBody"] = facts.html
    headers = [{"Name": name, "Value": value} for name, value in facts.headers if is_passed_on(name)]
    files = [to_attachment(part, n) for n, part in enumerate(leaves(message)) if is_file(part, n)]
    return body | ({"Headers": headers} if headers else {}) | ({"Attachments": files} if files else {})


def is_passed_on(name: str) -> bool:
    """Whether Postmark is told of a header; the others it writes itself."""
    return name.lower() in PASSED_ON or name.lower().startswith("x-")


def is_file(part: Any, n: int) -> bool:
    """Whether a part goes along as an attachment."""
    return bool(describe(part, n, 0).name)


def to_attachment(part: Any, n: int) -> dict[str, str]:
    """One file."""
    data = content(part)
    found = describe(part, n, len(data))
    file = {"Name": found.name, "Content": base64.b64encode(data).decode(), "ContentType": found.content_type}
    return file | ({"ContentID": f"cid:{found.content_id}"} if found.content_id else {})


def text_of(body: dict[str, Any], name: str) -> str:
    """A field that is text, or "". Raises Invalid for anything else."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.")
    return value


def list_of(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A field that is a list of objects. Raises Invalid."""
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Invalid(f"{name} must be a list of objects.")
    return value


def read_file(item: dict[str, Any]) -> Attachment:
    """One of Attachments. Raises Invalid."""
    try:
        data = base64.b64decode(text_of(item, "Content"), validate=False)
    except (binascii.Error, ValueError) as error:
        raise Invalid("The content of an attachment is not base64.") from error
    content_id = text_of(item, "ContentID").removeprefix("cid:")
    kind = text_of(item, "ContentType") or "application/octet-stream"
    return Attachment(text_of(item, "Name") or "file", kind, data, content_id)


def read_headers(body: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The list of Name and Value."""
    return tuple((text_of(item, "Name"), text_of(item, "Value")) for item in list_of(body, "Headers"))


def from_send(body: dict[str, Any]) -> Draft:
    """The body of `POST /email` as a draft. Raises Invalid."""
    text, markup = text_of(body, "TextBody"), text_of(body, "HtmlBody")
    if not text and not markup:
        raise Invalid("Provide either email TextBody or HtmlBody or both.")
    return Draft(
        sender=text_of(body, "From"),
        to=split_list(text_of(body, "To")),
        cc=split_list(text_of(body, "Cc")),
        bcc=split_list(text_of(body, "Bcc")),
        reply_to=text_of(body, "ReplyTo"),
        subject=text_of(body, "Subject"),
        text=text,
        html=markup,
        attachments=tuple(read_file(item) for item in list_of(body, "Attachments")),
        headers=read_headers(body),
    )


def person(item: dict[str, Any]) -> str:
    """`Name <address>` of a …Full field."""
    name, address = text_of(item, "Name"), text_of(item, "Email")
    return f"{name} <{address}>" if name and "<" not in name else address


def writable(*texts: str) -> str:
    """The first that can stand in a header; "" where none can: a message is not refused for an odd address."""
    return next((text for text in texts if is_sendable(text)), "")


def from_inbound(body: dict[str, Any], now: int) -> tuple[bytes, str, str]:
    """What the inbound webhook posts: the message (RawEmail where it is sent along), sender and recipient.

    Raises Invalid.
    """
    recipient = text_of(body, "OriginalRecipient")
    sender = text_of(body.get("FromFull") or {}, "Email") or text_of(body, "From")
    if not recipient:
        raise Invalid("There is no OriginalRecipient: this is no inbound message of Postmark's.")
    raw = text_of(body, "RawEmail")
    if raw:
        return raw.encode("utf-8", "surrogateescape"), sender, recipient
    headers = read_headers(body)
    given = {name.lower(): value for name, value in headers}
    draft = Draft(
        sender=writable(person(body.get("FromFull") or {}), sender) or UNKNOWN,
        to=tuple(one for item in list_of(body, "ToFull") if (one := writable(person(item)))),
        cc=tuple(one for item in list_of(body, "CcFull") if (one := writable(person(item)))),
        reply_to=writable(text_of(body, "ReplyTo")),
        subject=text_of(body, "Subject"),
        text=text_of(body, "TextBody"),
        html=text_of(body, "HtmlBody"),
        attachments=tuple(read_file(item) for item in list_of(body, "Attachments")),
        headers=tuple((name, " ".join(value.split())) for name, value in headers if is_kept(name, value)),
        in_reply_to=given.get("in-reply-to", "").strip(" <>"),
    )
    message_id = given.get("message-id", "").strip(" <>") or f"{text_of(body, 'MessageID')}@postmark"
    return compose(draft, message_id, now), sender, recipient


def is_kept(name: str, value: str) -> bool:
    """Whether a header of a message that came is one that can be written again."""
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(value) <= 5_000


def from_return(body: dict[str, Any]) -> tuple[str, str, str, str, bool] | None:
    """What bounce and complaint webhooks post: (Postmark's id, address, state, words, for good), or None."""
    kind = text_of(body, "RecordType")
    if kind == "Bounce":
        detail = " ".join((text_of(body, "Description"), text_of(body, "Details"))).strip()
        is_final = text_of(body, "Type") not in {"Transient", "SoftBounce", "DnsError", "AutoResponder", "Subscribe"}
        if not is_final:
            return None
        return text_of(body, "MessageID"), text_of(body, "Email"), "bounced", detail, text_of(body, "Type") in HARD
    if kind == "SpamComplaint":
        return text_of(body, "MessageID"), text_of(body, "Email"), "complained", text_of(body, "Subject"), True
    return None
