"""The queue of what goes out. A delivery is marked before it is handed to a relay, so that a crash is noticed.

    queued -> sending -> sent -> bounced | complained
                      -> queued (later) | failed

What is `sending` when the program starts was in a relay's hands when it died: nobody knows whether the relay took
it. It is counted (`unsure`), and offered again to that same relay, with the same Message-ID.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, bindparam, delete, func, insert, select, update

from fazt.apps.mail.model.addresses import normalize
from fazt.apps.mail.model.outgoing import GIVE_UP_AFTER, OPEN, Delivery, Outgoing
from fazt.apps.mail.schema import delivery, message, out
from fazt.apps.mail.store.messages import add_message
from fazt.apps.mail.store.suppression import find_suppressed, suppress
from fazt.core import blobs
from fazt.core.db import wake
from fazt.core.epoch import get_epoch
from fazt.core.errors import Conflict, NotFound
from fazt.core.events import Event, emit
from fazt.core.ids import new_id

SIGNAL = "mail.out"
BOUNCED, SENT = "mail.bounced", "mail.sent"
MAX_ERROR = 500
HELD = "Held: this was brought back from a backup, and may have left since. Try it again if it has not."
d = delivery.c
DUE = (
    select(d.out_id)
    .where(d.state == "queued", d.next_at <= bindparam("now"))
    .group_by(d.out_id)
    .order_by(func.min(d.next_at), d.out_id)
    .limit(bindparam("limit"))
)
NEXT = select(func.min(d.next_at)).where(d.state == "queued")
OF_OUT = select(delivery).where(d.out_id == bindparam("of")).order_by(d.id)
ONE = update(delivery).where(d.id == bindparam("delivery_id"))


def queue_message(
    conn: Connection,
    *,
    user_id: str,
    mail_from: str,
    recipients: Sequence[str],
    subject: str,
    header_id: str,
    source: str,
    blob: str,
    message_id: str = "",
    now: int,
) -> Outgoing:
    """Queue bytes that are there for these recipients, each once; those on the suppression list are not asked."""
    new = new_id(now)
    blobs.keep(conn, blob)
    row: dict[str, Any] = {"id": new, "user_id": user_id, "message_id": message_id, "blob": blob}
    row |= {"mail_from": mail_from, "subject": subject, "header_id": header_id, "source": source, "created_at": now}
    conn.execute(insert(out), row)
    stopped = find_suppressed(conn, recipients)
    blank = {"out_id": new, "relay": "", "remote_id": "", "attempts": 0, "unsure": 0, "next_at": now, "at": now}
    rows = [
        {
            **blank,
            "address": address,
            "state": "suppressed" if normalize(address) in stopped else "queued",
            "error": stopped.get(normalize(address), ""),
        }
        for address in dict.fromkeys(recipients)
    ]
    conn.execute(insert(delivery), rows)
    wake(conn, SIGNAL)
    return get_outgoing(conn, new)


def queue_with_copy(
    conn: Connection,
    row: dict[str, Any],
    data: bytes | None,
    *,
    recipients: Sequence[str],
    references: Sequence[str],
    text: str,
    now: int,
) -> Outgoing:
    """As queue_message, and keep a copy in Sent, in one transaction. `data` None: the blob is there already."""
    if data is not None:
        blobs.put(conn, data, now)
    blobs.keep(conn, row["blob"])
    kept = {name: value for name, value in row.items() if name in message.c}
    message_id = add_message(conn, kept, references=references, text=text, now=now)
    return queue_message(
        conn,
        user_id=row["user_id"],
        mail_from=row["mail_from"],
        recipients=recipients,
        subject=row["subject"],
        header_id=row["header_id"],
        source=row["source"],
        blob=row["blob"],
        message_id=message_id,
        now=now,
    )


def recover(conn: Connection, *, now: int) -> int:
    """After a stop of whatever kind: what was in a relay's hands is offered to it again; how many."""
    hold_restored(conn)
    values = {"state": "queued", "next_at": now, "unsure": d.unsure + 1, "error": "The relay's answer was lost."}
    return conn.execute(update(delivery).where(d.state == "sending").values(**values)).rowcount


def hold_restored(conn: Connection) -> None:
    """What waits in data that was brought back from a backup may have left since the backup: a person decides."""
    epoch = get_epoch(conn)
    if epoch.reason != "new":
        here = d.state.in_(OPEN) & (d.at < epoch.begun_at)
        conn.execute(update(delivery).where(here).values(state="cancelled", error=HELD))


def list_due(conn: Connection, limit: int, *, now: int) -> list[str]:
    """Messages with recipients that are due, the longest waiting first."""
    return list(conn.scalars(DUE, {"now": now, "limit": limit}))


def find_next(conn: Connection) -> int | None:
    """When the next delivery is due (ms)."""
    at: int | None = conn.scalar(NEXT)
    return at


def take_due(conn: Connection, out_id: str, relay: str, *, now: int) -> list[Delivery]:
    """Mark what is due of a message as being handed to this relay."""
    rows = conn.execute(OF_OUT, {"of": out_id}).mappings().all()
    due = [row for row in rows if row["state"] == "queued" and row["next_at"] <= now]
    for row in due:
        values = {"state": "sending", "relay": relay, "attempts": row["attempts"] + 1, "at": now}
        conn.execute(ONE.values(**values), {"delivery_id": row["id"]})
    return [to_delivery({**row, "state": "sending", "relay": relay, "attempts": row["attempts"] + 1}) for row in due]


def postpone(conn: Connection, out_id: str, error: str, next_at: int, *, counts: bool, now: int) -> None:
    """Put what is due of a message off; `counts` where it was tried in vain."""
    rows = conn.execute(OF_OUT, {"of": out_id}).mappings().all()
    due = [row for row in rows if row["state"] == "queued" and row["next_at"] <= now]
    if counts:
        for row in due:
            conn.execute(ONE.values(attempts=row["attempts"] + 1), {"delivery_id": row["id"]})
    note_deferred(conn, [row["id"] for row in due], error, next_at, is_unsure=False, now=now)


def bound_to(conn: Connection, out_id: str, *, now: int) -> str:
    """The relay that may have this message already, as its answer was lost; "" where any will do."""
    rows = conn.execute(OF_OUT, {"of": out_id}).mappings().all()
    due = [row for row in rows if row["state"] == "queued" and row["next_at"] <= now and row["unsure"]]
    return due[0]["relay"] if due else ""


def note_sent(conn: Connection, ids: Sequence[int], relay: str, remote_id: str, *, now: int) -> None:
    """The relay took it."""
    for one in ids:
        values = {"state": "sent", "relay": relay, "remote_id": remote_id, "at": now, "error": ""}
        conn.execute(ONE.values(**values), {"delivery_id": one})


def note_failed(conn: Connection, ids: Sequence[int], error: str, *, now: int) -> None:
    """The relay refused these recipients for good; told as bounced."""
    for one in ids:
        conn.execute(ONE.values(state="failed", at=now, error=error[:MAX_ERROR]), {"delivery_id": one})
        tell_bounced(conn, get_delivery(conn, one), error, now=now)


def note_deferred(conn: Connection, ids: Sequence[int], error: str, next_at: int, *, is_unsure: bool, now: int) -> None:
    """Try again later, or give up where it has been too long. `is_unsure`: the relay may have it."""
    for one in ids:
        found = get_delivery(conn, one)
        sent_at = conn.scalar(select(out.c.created_at).where(out.c.id == found.out_id)) or now
        if now - sent_at > GIVE_UP_AFTER:
            note_failed(conn, [one], f"Given up after four days: {error}", now=now)
            continue
        values = {"state": "queued", "next_at": next_at, "at": now, "error": error[:MAX_ERROR]}
        conn.execute(ONE.values(**values, unsure=found.unsure + is_unsure), {"delivery_id": one})
    wake(conn, SIGNAL)


def give_back(conn: Connection, ids: Sequence[int], *, now: int) -> None:
    """Nothing was tried: it waits again as before."""
    for one in ids:
        values = {"state": "queued", "next_at": now, "attempts": d.attempts - 1}
        conn.execute(ONE.values(**values), {"delivery_id": one})


def note_return(
    conn: Connection, out_id: str, address: str, state: str, detail: str, *, is_hard: bool, now: int
) -> bool:
    """A bounce or a complaint came back for what was handed over; hard ones stop the address. False: not ours."""
    rows = conn.execute(OF_OUT, {"of": out_id}).mappings().all()
    hit = next((row for row in rows if normalize(row["address"]) == normalize(address)), None)
    if hit is None and len(rows) == 1:  # the other server knows the recipient by another name (an alias of its own)
        hit = rows[0]
    if hit is None or hit["state"] in {state, "complained"}:
        return hit is not None
    conn.execute(ONE.values(state=state, at=now, error=detail[:MAX_ERROR]), {"delivery_id": hit["id"]})
    if is_hard:
        suppress(conn, hit["address"], "complaint" if state == "complained" else "bounce", detail, now=now)
    tell_bounced(conn, get_delivery(conn, hit["id"]), detail, now=now)
    return True


def find_by_header(conn: Connection, header_id: str) -> str | None:
    """The message that we sent with this Message-ID."""
    found: str | None = conn.scalar(select(out.c.id).where(out.c.header_id == header_id))
    return found


def find_by_remote(conn: Connection, remote_id: str) -> str | None:
    """The message that a relay knows by this id."""
    wanted = select(d.out_id).where(d.remote_id == remote_id).limit(1)
    found: str | None = conn.scalar(wanted) if remote_id else None
    return found


def tell_bounced(conn: Connection, found: Delivery, detail: str, *, now: int) -> None:
    """The event that a message came back, or never left."""
    row = conn.execute(select(out.c.user_id, out.c.subject).where(out.c.id == found.out_id)).one()
    data = {"id": found.out_id, "user_id": row.user_id, "address": found.address, "state": found.state}
    emit(conn, Event(BOUNCED, {**data, "subject": row.subject, "detail": detail[:300]}, key=row.user_id), now=now)


def get_outgoing(conn: Connection, out_id: str, user_id: str | None = None) -> Outgoing:
    """A message that goes out, of this person or of anybody. Raises NotFound."""
    row = conn.execute(select(out).where(out.c.id == out_id)).mappings().first()
    if row is None or (user_id is not None and row["user_id"] != user_id):
        raise NotFound("There is no such message.")
    return to_outgoing(conn, [row])[0]


def list_outgoing(
    conn: Connection, user_id: str | None = None, *, is_open: bool = False, before: str = "", limit: int = 50
) -> list[Outgoing]:
    """What went out or waits, the newest first."""
    wanted = select(out)
    if user_id is not None:
        wanted = wanted.where(out.c.user_id == user_id)
    if is_open:
        wanted = wanted.where(out.c.id.in_(select(d.out_id).where(d.state.in_(("queued", "sending", "failed")))))
    if before:
        wanted = wanted.where(out.c.id < before)
    return to_outgoing(conn, conn.execute(wanted.order_by(out.c.id.desc()).limit(limit)).mappings().all())


def count_failed(conn: Connection, user_id: str, *, since: int) -> int:
    """How many letters of somebody's did not reach all their recipients since then; a hundred is many."""
    troubled = d.state.in_(("failed", "bounced")) & (d.at > since)
    ids = select(out.c.id).join(delivery, d.out_id == out.c.id).where(out.c.user_id == user_id, troubled).distinct()
    return len(conn.scalars(ids.limit(100)).all())


def list_of_message(conn: Connection, message_id: str) -> list[Delivery]:
    """How a message in Sent went, recipient by recipient."""
    wanted = select(delivery).join(out, out.c.id == d.out_id).where(out.c.message_id == message_id).order_by(d.id)
    return [to_delivery(row) for row in conn.execute(wanted).mappings()]


def get_delivery(conn: Connection, delivery_id: int) -> Delivery:
    """One recipient. Raises NotFound."""
    row = conn.execute(select(delivery).where(d.id == delivery_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such message.")
    return to_delivery(row)


def retry(conn: Connection, out_id: str, user_id: str | None, *, now: int) -> int:
    """Try what failed or waits again now; how many recipients. Raises NotFound."""
    get_outgoing(conn, out_id, user_id)
    again = d.state.in_(("queued", "failed", "cancelled"))
    done = conn.execute(update(delivery).where(d.out_id == out_id, again).values(state="queued", next_at=now, at=now))
    wake(conn, SIGNAL)
    return done.rowcount


def cancel(conn: Connection, out_id: str, user_id: str | None, *, now: int) -> int:
    """Stop what waits; how many recipients. Raises NotFound, and Conflict where nothing waits any more."""
    get_outgoing(conn, out_id, user_id)
    waiting = update(delivery).where(d.out_id == out_id, d.state == "queued")
    stopped = conn.execute(waiting.values(state="cancelled", at=now, error="Cancelled.")).rowcount
    if not stopped:
        raise Conflict("Nothing of this message waits any more.")
    return stopped


def count_states(conn: Connection) -> dict[str, int]:
    """How many recipients are in each state, and how many answers of relays were lost (`unsure`)."""
    counts = {row[0]: row[1] for row in conn.execute(select(d.state, func.count()).group_by(d.state))}
    counts["unsure"] = int(conn.scalar(select(func.sum(d.unsure))) or 0)
    return counts


def prune_outgoing(conn: Connection, *, before: int, limit: int = 200) -> int:
    """Forget finished deliveries of long ago (copies in Sent stay); how many."""
    is_open = select(d.out_id).where(d.state.in_(("queued", "sending")))
    wanted = select(out.c.id, out.c.blob).where(out.c.created_at < before, out.c.id.not_in(is_open)).limit(limit)
    rows = conn.execute(wanted).all()
    for row in rows:
        conn.execute(delete(out).where(out.c.id == row.id))
        blobs.drop(conn, row.blob)
    return len(rows)


def to_outgoing(conn: Connection, rows: Sequence[RowMapping]) -> list[Outgoing]:
    """Rows with their recipients."""
    found: dict[str, list[Delivery]] = {}
    if rows:
        wanted = select(delivery).where(d.out_id.in_([row["id"] for row in rows])).order_by(d.id)
        for row in conn.execute(wanted).mappings():
            found.setdefault(row["out_id"], []).append(to_delivery(row))
    return [Outgoing(**row, deliveries=tuple(found.get(row["id"], ()))) for row in rows]


def to_delivery(row: RowMapping | dict[str, Any] | Row[Any]) -> Delivery:
    """A row as it is known outside."""
    return Delivery(**row)  # type: ignore[arg-type]
