"""Messages taken in and queued, for tests of the store."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.mail.model.message import Envelope, Stored, Verdicts
from fazt.apps.mail.model.outgoing import Outgoing
from fazt.apps.mail.store import outgoing
from fazt.apps.mail.store.deliver import Policy, Taken, take
from fazt.apps.mail.wire import mime
from fazt.apps.mail.wire.mime import Digest
from fazt.core import blobs
from fazt.core.auth.model import User
from tests.conftest import NOW

POLICY = Policy(("example.org",))


def stored_of(data: bytes) -> Stored:
    digest = Digest(10**8)
    digest.push(data)
    return Stored(digest.size, digest.hash(), digest.fold(), digest.head(), data)


def deliver(
    conn: Connection,
    to: str,
    text: str = "Subject: hi\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n",
    *,
    verdicts: Verdicts | None = None,
    policy: Policy = POLICY,
    now: int = NOW,
) -> list[Taken]:
    data = text.encode()
    envelope = Envelope("sender@example.net", tuple(to.split()), "smtp", address="192.0.2.1")
    facts = mime.read(data, now)
    return take(conn, envelope, facts, stored_of(data), verdicts or Verdicts(), policy, now=now)


def queue(conn: Connection, user: User, *recipients: str, now: int = NOW) -> Outgoing:
    blob = blobs.put(conn, b"Subject: x\r\n\r\ny", now).hash
    return outgoing.queue_message(
        conn,
        user_id=user.id,
        mail_from="anna@example.org",
        recipients=recipients,
        subject="x",
        header_id=f"{now}@example.org",
        source="test",
        blob=blob,
        now=now,
    )


def states(conn: Connection, out_id: str) -> list[str]:
    return [one.state for one in outgoing.get_outgoing(conn, out_id).deliveries]
