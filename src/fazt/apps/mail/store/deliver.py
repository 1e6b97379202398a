"""Taking a message in: who gets it, what their rules want, and all of it in one transaction."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, select

from fazt.apps.mail.model.addresses import Address, find_address
from fazt.apps.mail.model.message import Envelope, Facts, Stored, Verdicts
from fazt.apps.mail.model.rules import Outcome, Rule, apply_rules, fits_text
from fazt.apps.mail.schema import rule as rule_table
from fazt.apps.mail.store.addresses import Target, note_use, resolve
from fazt.apps.mail.store.messages import add_message, find_twin
from fazt.apps.mail.store.rules import list_rules, note_hits
from fazt.core import blobs
from fazt.core.auth.store import find_owner
from fazt.core.db import Prepared
from fazt.core.events import Event, emit
from fazt.core.jobs import enqueue
from fazt.core.push import Notice, has_device, notify

ACT_JOB = "mail.act"
RECEIVED = "mail.received"
HAS_RULES = Prepared(
    select(rule_table.c.id).where(rule_table.c.user_id == bindparam("user"), rule_table.c.is_on).limit(1)
)


class Policy(Struct, frozen=True):
    """What the owner chose about taking mail in: our domains, and where doubtful messages go."""

    domains: tuple[str, ...]
    catch_all: bool = False
    junk_failures: bool = True


class Taken(Struct, frozen=True):
    """What became of a message for one recipient; `refused` is what the sender is told."""

    recipient: str
    message_id: str = ""
    refused: str = ""
    is_double: bool = False
    is_dropped: bool = False


def find_target(conn: Connection, recipient: str, policy: Policy, *, now: int) -> Target | None:
    """Whom a recipient of the envelope reaches: by name, or by a rule of the owner's for that very address."""
    text = recipient if "@" in recipient else f"{recipient}@{policy.domains[0]}"
    address = find_address(text)
    if address is None or address.domain not in policy.domains:
        return None
    return resolve(conn, address, catch_all=policy.catch_all, now=now) or by_rule(conn, address)


def by_rule(conn: Connection, address: Address) -> Target | None:
    """The owner, where one of their rules names this recipient."""
    owner = find_owner(conn)
    if owner is None:
        return None
    text = str(address).lower()
    for rule in list_rules(conn, owner.id):
        if rule.is_on and names_recipient(rule, text):
            return Target(owner.id)
    return None


def names_recipient(rule: Rule, text: str) -> bool:
    """Whether a rule speaks of this recipient: what makes an address exist that nobody else has."""
    wanted = [condition for condition in rule.conditions if condition.field == "recipient"]
    return any(condition.test in {"is", "begins", "ends", "like"} for condition in wanted) and all(
        fits_text(condition, text) for condition in wanted
    )


def take(
    conn: Connection,
    envelope: Envelope,
    facts: Facts,
    stored: Stored,
    verdicts: Verdicts,
    policy: Policy,
    *,
    now: int,
) -> list[Taken]:
    """Take a message in for all its recipients. The blob is kept once for each mailbox that has it."""
    taken: list[Taken] = []
    for recipient in dict.fromkeys(envelope.recipients):
        target = find_target(conn, recipient, policy, now=now)
        if target is None:
            taken.append(Taken(recipient, refused="There is nobody of this name here."))
            continue
        outcome = decide(conn, target, recipient, envelope, facts, verdicts, policy, stored.size)
        if outcome.reject is not None or outcome.is_dropped:
            taken.append(Taken(recipient, refused=outcome.reject or "", is_dropped=outcome.is_dropped))
        else:
            taken.append(keep(conn, target, recipient, envelope, facts, stored, verdicts, outcome, now=now))
        note_hits(conn, outcome.rules)
    return taken


def decide(
    conn: Connection,
    target: Target,
    recipient: str,
    envelope: Envelope,
    facts: Facts,
    verdicts: Verdicts,
    policy: Policy,
    size: int,
) -> Outcome:
    """What the rules want, and where it goes if they say nothing."""
    outcome = Outcome()
    if HAS_RULES.row(conn, {"user": target.user_id}) is not None:
        rules = [rule for rule in list_rules(conn, target.user_id) if rule.is_on]
        outcome = apply_rules(rules, recipient, envelope, facts, verdicts, size)
    if not outcome.folder:
        is_junk = policy.junk_failures and verdicts.is_doubtful and verdicts.policy in {"quarantine", "reject"}
        outcome.folder = "routed" if outcome.routes else "junk" if is_junk else "inbox"
    return outcome


def keep(
    conn: Connection,
    target: Target,
    recipient: str,
    envelope: Envelope,
    facts: Facts,
    stored: Stored,
    verdicts: Verdicts,
    outcome: Outcome,
    *,
    now: int,
) -> Taken:
    """Put it into one mailbox, unless it is there already; tell of it, and queue what rules want done."""
    twin = find_twin(conn, target.user_id, stored.fold) if stored.fold else None
    if twin is not None:
        return Taken(recipient, twin, is_double=True)
    blob = keep_blob(conn, stored, now)
    row: dict[str, Any] = {
        "user_id": target.user_id,
        "folder": outcome.folder,
        "is_read": outcome.is_read,
        "is_starred": outcome.is_starred,
        "recipient": recipient,
        "verdicts": msgspec.json.encode(verdicts).decode(),
        "received_at": now,
        **columns_of_way(envelope, stored, blob),
        **columns(facts),
    }
    text = facts.text or facts.snippet
    message_id = add_message(conn, row, references=facts.references, text=text, labels=outcome.labels, now=now)
    if target.alias:
        note_use(conn, target.alias)
    for number, action in enumerate(outcome.routes):
        payload = {"message": message_id, "kind": action.kind, "value": action.value}
        enqueue(conn, ACT_JOB, payload, now=now, key=f"{message_id}/{number}")
    tell(conn, message_id, target.user_id, outcome.folder, recipient, facts, now=now)
    return Taken(recipient, message_id)


def put_blob(conn: Connection, stored: Stored, now: int) -> str:
    """The hash of the message's bytes, which whoever calls has to keep; small ones are written here."""
    return stored.hash if stored.data is None else blobs.put(conn, stored.data, now).hash


def keep_blob(conn: Connection, stored: Stored, now: int) -> str:
    """The hash of the message's bytes, kept once more; small ones are written here."""
    if stored.data is None:
        return blobs.keep(conn, stored.hash).hash
    return blobs.put_kept(conn, stored.data, stored.hash, now).hash


def columns_of_way(envelope: Envelope, stored: Stored, blob: str) -> dict[str, Any]:
    """What a row keeps of how a message came."""
    return {
        "blob": blob,
        "size": stored.size,
        "fold": stored.fold,
        "mail_from": envelope.mail_from,
        "source": envelope.source,
        "remote": f"{envelope.helo} [{envelope.address}]" if envelope.address else envelope.remote,
        "notes": "[]",
    }


def columns(facts: Facts) -> dict[str, Any]:
    """What a row keeps of what a message says."""
    people = ", ".join((*facts.to, *facts.cc))
    return {
        "header_id": facts.header_id,
        "subject": facts.subject,
        "from_name": facts.from_name,
        "from_address": facts.from_address,
        "to_text": people[:1_000],
        "snippet": facts.snippet,
        "sent_at": facts.sent_at,
        "has_files": any(part.name and not part.is_inline for part in facts.parts),
    }


def tell(
    conn: Connection, message_id: str, user_id: str, folder: str, recipient: str, facts: Facts, *, now: int
) -> None:
    """The event that a message came, and a notice to the devices of whom it is for."""
    data = {
        "id": message_id,
        "user_id": user_id,
        "folder": folder,
        "recipient": recipient,
        "from": facts.from_address,
        "subject": facts.subject,
    }
    emit(conn, Event(RECEIVED, data, key=user_id), now=now)
    if folder == "inbox" and has_device(conn, user_id):
        who = facts.from_name or facts.from_address or "Somebody"
        title, text = who, f"{facts.subject or '(no subject)'}\n{facts.snippet}"
        path = f"/mail/message/{message_id}"
        notify(conn, Notice(user_id=user_id, title=title, text=text, path=path, tag=f"mail/{message_id}"), now=now)
