"""Sending in one transaction: the copy in Sent, the queue for elsewhere, and delivery to people here."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from fazt.apps.mail.model.addresses import domain_of
from fazt.apps.mail.model.message import Envelope, Facts, Stored, Verdicts
from fazt.apps.mail.store.deliver import Policy, columns, put_blob, take
from fazt.apps.mail.store.messages import add_message, find_twin
from fazt.apps.mail.store.outgoing import queue_message
from fazt.core import blobs
from fazt.core.errors import Invalid


class Sent(Struct, frozen=True):
    """What was sent: `id` of the queue ("" where all recipients are here), `message_id` of the copy in Sent."""

    id: str
    message_id: str
    header_id: str
    local: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()


def send_out(
    conn: Connection,
    *,
    user_id: str,
    mail_from: str,
    recipients: Sequence[str],
    facts: Facts,
    stored: Stored,
    source: str,
    policy: Policy,
    now: int,
) -> Sent:
    """Everything that sending means, or nothing. The same message for the same people again is not sent again.

    Raises Invalid, naming who is not known here.
    """
    local = [address for address in recipients if domain_of(address) in policy.domains]
    away = [address for address in recipients if domain_of(address) not in policy.domains]
    blob = put_blob(conn, stored, now)
    kept = Stored(stored.size, blob, stored.fold, stored.head)
    twin = sha256(f"sent\0{stored.fold}\0{sorted(recipients)}".encode()).hexdigest() if stored.fold else ""
    before = find_twin(conn, user_id, twin) if twin else None
    if before is not None:
        return Sent("", before, facts.header_id)
    message_id = keep_copy(conn, user_id, mail_from, recipients, facts, kept, twin, source, now=now)
    if local:
        deliver_here(conn, mail_from, local, facts, kept, policy, now=now)
    queued = ""
    if away:
        queued = queue_message(
            conn,
            user_id=user_id,
            mail_from=mail_from,
            recipients=away,
            subject=facts.subject,
            header_id=facts.header_id,
            source=source,
            blob=blob,
            message_id=message_id,
            now=now,
        ).id
    return Sent(queued, message_id, facts.header_id, tuple(local), tuple(away))


def keep_copy(
    conn: Connection,
    user_id: str,
    mail_from: str,
    recipients: Sequence[str],
    facts: Facts,
    stored: Stored,
    fold: str,
    source: str,
    *,
    now: int,
) -> str:
    """The copy in Sent."""
    blobs.keep(conn, stored.hash)
    row: dict[str, Any] = {
        "user_id": user_id,
        "folder": "sent",
        "blob": stored.hash,
        "size": stored.size,
        "fold": fold,
        "is_read": True,
        "is_starred": False,
        "recipient": "",
        "mail_from": mail_from,
        "source": source,
        "remote": "",
        "verdicts": "{}",
        "notes": "[]",
        "received_at": now,
        **columns(facts),
    }
    row["to_text"] = row["to_text"] or ", ".join(recipients)[:1_000]
    return add_message(conn, row, references=facts.references, text=facts.text, now=now)


def deliver_here(
    conn: Connection, mail_from: str, local: list[str], facts: Facts, stored: Stored, policy: Policy, *, now: int
) -> None:
    """Straight into the mailboxes of people here. Raises Invalid for who is not known."""
    envelope = Envelope(mail_from, tuple(local), "local", remote="this cloud")
    for taken in take(conn, envelope, facts, stored, Verdicts(), policy, now=now):
        if taken.refused:
            raise Invalid(f"{taken.recipient}: {taken.refused}")
