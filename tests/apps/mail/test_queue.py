"""What goes out, as rows: states, crashes, bounces, relays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from fazt.apps.mail.model.outgoing import parse_relay, split_list, split_recipients
from fazt.apps.mail.store import messages, outgoing, relays, suppression
from fazt.apps.mail.store.sending import send_out
from fazt.apps.mail.wire import mime
from fazt.core.auth.model import User
from fazt.core.clock import DAY, HOUR
from fazt.core.epoch import begin_epoch
from fazt.core.errors import Conflict, Invalid, NotFound
from fazt.core.events import list_events
from tests.apps.mail.making import POLICY, queue, states, stored_of
from tests.conftest import NOW


def test_the_queue(conn: Connection, owner: User) -> None:
    out = queue(conn, owner, "a@x.org", "b@x.org", "a@x.org")
    assert outgoing.list_due(conn, 5, now=NOW) == [out.id]
    due = outgoing.take_due(conn, out.id, "relay", now=NOW)
    assert [one.address for one in due] == ["a@x.org", "b@x.org"]
    assert outgoing.take_due(conn, out.id, "relay", now=NOW) == []
    assert outgoing.list_due(conn, 5, now=NOW) == []
    outgoing.note_sent(conn, [due[0].id], "relay", "remote-1", now=NOW)
    outgoing.note_deferred(conn, [due[1].id], "busy", NOW + HOUR, is_unsure=False, now=NOW)
    assert states(conn, out.id) == ["sent", "queued"]
    assert outgoing.find_next(conn) == NOW + HOUR
    assert outgoing.take_due(conn, out.id, "relay", now=NOW) == []
    (late,) = outgoing.take_due(conn, out.id, "relay", now=NOW + HOUR)
    outgoing.note_failed(conn, [late.id], "550 no", now=NOW)
    assert states(conn, out.id) == ["sent", "failed"]
    assert [one.data["address"] for one in list_events(conn) if one.name == "mail.bounced"] == ["b@x.org"]
    assert outgoing.retry(conn, out.id, owner.id, now=NOW) == 1
    assert outgoing.cancel(conn, out.id, owner.id, now=NOW) == 1
    with pytest.raises(Conflict):
        outgoing.cancel(conn, out.id, owner.id, now=NOW)
    with pytest.raises(NotFound):
        outgoing.retry(conn, out.id, "somebody", now=NOW)


def test_a_crash_in_a_relays_hands_is_counted_and_bound_to_it(conn: Connection, owner: User) -> None:
    out = queue(conn, owner, "a@x.org")
    outgoing.take_due(conn, out.id, "first relay", now=NOW)
    assert outgoing.recover(conn, now=NOW + 1) == 1
    assert outgoing.bound_to(conn, out.id, now=NOW + 1) == "first relay"
    assert outgoing.count_states(conn) == {"queued": 1, "unsure": 1}
    (again,) = outgoing.take_due(conn, out.id, "first relay", now=NOW + 1)
    assert (again.attempts, again.unsure) == (2, 1)
    assert outgoing.recover(conn, now=NOW) == 1


def test_after_four_days_it_is_given_up(conn: Connection, owner: User) -> None:
    out = queue(conn, owner, "a@x.org")
    outgoing.postpone(conn, out.id, "no relay", NOW + HOUR, counts=True, now=NOW + DAY)
    assert states(conn, out.id) == ["queued"]
    outgoing.postpone(conn, out.id, "no relay", NOW + 5 * DAY, counts=True, now=NOW + 4 * DAY + HOUR)
    assert states(conn, out.id) == ["failed"]
    assert outgoing.prune_outgoing(conn, before=NOW + 1) == 1
    assert outgoing.list_outgoing(conn) == []


def test_bounces_and_complaints_stop_an_address(conn: Connection, owner: User) -> None:
    out = queue(conn, owner, "Gone@X.org", "b@x.org")
    due = outgoing.take_due(conn, out.id, "relay", now=NOW)
    outgoing.note_sent(conn, [one.id for one in due], "relay", "remote-1", now=NOW)
    assert outgoing.find_by_remote(conn, "remote-1") == out.id
    assert outgoing.find_by_header(conn, f"{NOW}@example.org") == out.id
    assert outgoing.note_return(conn, out.id, "gone@x.org", "bounced", "550 gone", is_hard=True, now=NOW)
    assert not outgoing.note_return(conn, out.id, "stranger@x.org", "bounced", "550", is_hard=True, now=NOW)
    assert states(conn, out.id) == ["bounced", "sent"]
    again = queue(conn, owner, "gone@X.org", "b@x.org", now=NOW + 1)
    assert states(conn, again.id) == ["suppressed", "queued"]
    suppression.release(conn, "GONE@x.org")
    assert suppression.list_suppressed(conn) == []
    with pytest.raises(NotFound):
        suppression.release(conn, "gone@x.org")


def test_sending_keeps_a_copy_delivers_here_and_queues_the_rest(conn: Connection, owner: User, member: User) -> None:
    text = b"From: anna@example.org\r\nSubject: x\r\nMessage-ID: <s@example.org>\r\n\r\nhello\r\n"
    arguments: dict[str, Any] = {
        "user_id": owner.id,
        "mail_from": "anna@example.org",
        "recipients": ["bert@example.org", "away@example.net"],
        "facts": mime.read(text, NOW),
        "stored": stored_of(text),
        "source": "api",
        "policy": POLICY,
        "now": NOW,
    }
    sent = send_out(conn, **arguments)
    assert (sent.local, sent.queued) == (("bert@example.org",), ("away@example.net",))
    assert [one.subject for one in messages.list_messages(conn, owner.id, "sent")] == ["x"]
    assert [one.subject for one in messages.list_messages(conn, member.id, "inbox")] == ["x"]
    assert send_out(conn, **arguments).id == ""  # the same again: nothing is sent twice
    assert len(outgoing.list_outgoing(conn)) == 1
    arguments |= {"recipients": ["nobody@example.org"]}
    with pytest.raises(Invalid):
        send_out(conn, **arguments)


def test_relays(conn: Connection) -> None:
    one = relays.add_relay(conn, "smtp://user:pa%40ss@mail.example.org", now=NOW)
    two = relays.add_relay(conn, "postmark://token@", now=NOW)
    assert (one.url.port, one.url.password, one.url.signs, two.url.signs) == (587, "pa@ss", True, False)
    assert "pa@ss" not in repr(one)
    relays.change_relay(conn, two.id, by=-1)
    assert [relay.id for relay in relays.list_relays(conn)] == [two.id, one.id]
    relays.note_trouble(conn, one.id, "no answer", now=NOW)
    assert relays.get_relay(conn, one.id).error == "no answer"
    for bad in ("http://x", "smtp://", "postmark://", "ses://key@eu-west-1", "smtp://h:99999", "smtp://h?tls=maybe"):
        with pytest.raises(Invalid):
            parse_relay(bad)


def test_the_grey_list(conn: Connection) -> None:
    assert relays.pass_grey(conn, "key", HOUR, now=NOW) == HOUR
    assert relays.pass_grey(conn, "key", HOUR, now=NOW + HOUR // 2) == HOUR // 2
    assert relays.pass_grey(conn, "key", HOUR, now=NOW + HOUR) == 0
    relays.prune_grey(conn, before=NOW + HOUR + 1)
    assert relays.pass_grey(conn, "key", HOUR, now=NOW + HOUR) == HOUR


def test_fields_of_recipients() -> None:
    assert split_list('"Müller, A" <a@b.c>, d@e.f;\n g@h.i') == ('"Müller, A" <a@b.c>', "d@e.f", "g@h.i")
    assert [str(one) for one in split_recipients(("A <a@b.c>", "A@B.C", "d@e.f"))] == ["a@b.c", "d@e.f"]
    with pytest.raises(Invalid):
        split_recipients(())
    with pytest.raises(Invalid):
        split_recipients(("nobody",))


def test_what_a_backup_brings_back_is_held(conn: Connection, owner: User) -> None:
    out = queue(conn, owner, "a@x.org")
    begin_epoch(conn, "a backup", now=NOW + HOUR)
    fresh = queue(conn, owner, "b@x.org", now=NOW + 2 * HOUR)
    outgoing.recover(conn, now=NOW + 2 * HOUR)
    assert (states(conn, out.id), states(conn, fresh.id)) == (["cancelled"], ["queued"])
    outgoing.retry(conn, out.id, owner.id, now=NOW + 2 * HOUR)
    outgoing.recover(conn, now=NOW + 3 * HOUR)
    assert states(conn, out.id) == ["queued"]
