"""Rules and SQL of mail, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from fazt.apps.mail import store as mail_store
from fazt.apps.mail.model.addresses import Address, parse_address, parse_path
from fazt.apps.mail.model.message import Verdicts
from fazt.apps.mail.model.rules import Action, Condition, fits_glob
from fazt.apps.mail.store import addresses, messages, outgoing, rules
from fazt.apps.mail.store.deliver import Policy, find_target
from fazt.core import blobs
from fazt.core.auth.model import User
from fazt.core.clock import HOUR
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound
from fazt.core.events import Event, list_events
from fazt.core.jobs import list_jobs
from fazt.core.search import search
from tests.apps.mail.making import POLICY, deliver, queue
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("<a@b.c>", ("a@b.c", "")),
        ("<>", ("", "")),
        ("<a@b.c> SIZE=10 BODY=8BITMIME", ("a@b.c", "SIZE=10 BODY=8BITMIME")),
        ("a@b.c SIZE=1", ("a@b.c", "SIZE=1")),
        ("<@relay.example,@other.example:a@b.c>", ("a@b.c", "")),
        ('<"a b"@b.c>', ('"a b"@b.c', "")),
        ('<"a>b"@b.c> SIZE=1', ('"a>b"@b.c', "SIZE=1")),
        ("<Postmaster>", ("Postmaster", "")),
        ("<ü@ü.de>", ("ü@ü.de", "")),
        ("<a@b.c", None),
        ("<a b@c.d>", None),
        ("<a@@b.c>", None),
        ("<a@b..c>", None),
        ("<a@b.c\x00>", None),
    ],
)
def test_paths(argument: str, path: tuple[str, str] | None) -> None:
    assert parse_path(argument) == path


def test_names_that_are_reached_from_the_start(conn: Connection, owner: User, member: User) -> None:
    for name in ("admin", "postmaster", "abuse", "anna", "ANNA", "anna+shop"):
        target = find_target(conn, f"{name}@example.org", POLICY, now=NOW)
        assert target is not None
        assert target.user_id == owner.id
    found = find_target(conn, "bert+x@Example.ORG", POLICY, now=NOW)
    assert found is not None
    assert found.user_id == member.id
    assert find_target(conn, "postmaster", POLICY, now=NOW) is not None
    for text in ("nobody@example.org", "anna@example.com", "", "@example.org"):
        assert find_target(conn, text, POLICY, now=NOW) is None
    everything = find_target(conn, "nobody@example.org", Policy(("example.org",), catch_all=True), now=NOW)
    assert everything is not None
    assert everything.user_id == owner.id


def test_one_time_addresses_end(conn: Connection, owner: User) -> None:
    made = addresses.create_alias(conn, owner.id, "", note="shop", now=NOW, expires_at=NOW + HOUR, max_uses=1)
    to = f"{made.address}@example.org"
    assert find_target(conn, to, POLICY, now=NOW + HOUR) is None
    assert deliver(conn, to)[0].message_id
    assert deliver(conn, to, "Subject: again\r\nMessage-ID: <2@x>\r\n\r\n")[0].refused
    addresses.delete_alias(conn, owner.id, made.address)
    with pytest.raises(NotFound):
        addresses.delete_alias(conn, owner.id, made.address)


def test_aliases_are_not_taken_from_others(conn: Connection, owner: User, member: User) -> None:
    addresses.create_alias(conn, member.id, "shop", note="", now=NOW)
    for name in ("shop", "anna", "bert"):
        with pytest.raises(Conflict):
            addresses.create_alias(conn, owner.id, name, note="", now=NOW)
    with pytest.raises(Forbidden):
        addresses.create_alias(conn, member.id, "postmaster", note="", now=NOW)
    with pytest.raises(Invalid):
        addresses.create_alias(conn, member.id, "a b", note="", now=NOW)
    assert addresses.may_write_as(conn, member.id, parse_address("shop+x@example.org"), ("example.org",))
    assert not addresses.may_write_as(conn, owner.id, Address("bert", "example.org"), ("example.org",))
    assert not addresses.may_write_as(conn, owner.id, Address("anna", "example.com"), ("example.org",))


def test_a_message_is_kept_found_and_told(conn: Connection, owner: User, member: User) -> None:
    text = "From: Carl <carl@example.net>\r\nSubject: Apples\r\nMessage-ID: <1@x>\r\n\r\npears and plums\r\n"
    taken = deliver(conn, "anna@example.org bert@example.org nobody@example.org", text)
    assert [bool(one.message_id) for one in taken] == [True, True, False]
    assert taken[2].refused
    found = messages.get_message(conn, owner.id, taken[0].message_id)
    assert (found.subject, found.from_name, found.folder, found.is_read) == ("Apples", "Carl", "inbox", False)
    assert blobs.load(conn, found.blob) == text.encode()
    with pytest.raises(NotFound):
        messages.get_message(conn, member.id, found.id)
    assert [hit.id for hit in search(conn, "plums", user_id=owner.id)] == [found.id]
    assert messages.count_unread(conn, owner.id) == 1
    events = [one for one in list_events(conn) if one.name == "mail.received"]
    assert {one.data["user_id"] for one in events} == {owner.id, member.id}


def test_doubles_fold(conn: Connection, owner: User) -> None:
    first = deliver(conn, "anna@example.org", "Received: a\r\nMessage-ID: <1@x>\r\nSubject: a\r\n\r\nbody")
    again = deliver(conn, "anna@example.org", "Received: b\r\nMessage-ID: <1@x>\r\nSubject: a\r\n\r\nbody")
    other = deliver(conn, "anna@example.org", "Message-ID: <1@x>\r\nSubject: a\r\n\r\nother body")
    assert again[0].message_id == first[0].message_id
    assert again[0].is_double
    assert other[0].message_id != first[0].message_id
    for _ in range(2):  # nothing says that these are the same message
        assert not deliver(conn, "anna@example.org", "Subject: disk full\r\n\r\n")[0].is_double


def test_threads_come_together_in_any_order(conn: Connection, owner: User) -> None:
    deliver(conn, "anna@example.org", "Subject: a\r\nMessage-ID: <1@x>\r\n\r\n")
    deliver(conn, "anna@example.org", "Subject: Re: b\r\nMessage-ID: <3@x>\r\nReferences: <2@x>\r\n\r\n")
    assert len(messages.list_threads(conn, owner.id, "inbox")) == 2
    deliver(conn, "anna@example.org", "Subject: Re: a\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\n")
    (thread,) = messages.list_threads(conn, owner.id, "inbox")
    assert thread.count == 3
    assert thread.unread == 3
    assert len(messages.list_thread(conn, owner.id, thread.newest.thread_id)) == 3
    assert messages.list_threads(conn, owner.id, "inbox", before=thread.newest.id) == []


def make_rule(conn: Connection, user: User, *conditions: Condition, do: str, value: str = "", stop: bool = True) -> Any:
    return rules.put_rule(conn, user.id, do, conditions, (Action(do, value),), stop=stop, now=NOW)


def test_rules(conn: Connection, owner: User) -> None:
    make_rule(conn, owner, Condition("subject", "contains", "INVOICE"), do="label", value="Money", stop=False)
    make_rule(conn, owner, Condition("sender", "ends", "@spam.example"), do="drop")
    make_rule(conn, owner, Condition("header", "is", "yes", "X-No"), do="reject", value="Go away")
    make_rule(conn, owner, Condition("verdict", "is", "fail", "dmarc"), do="junk")
    make_rule(conn, owner, Condition("size", "over", "1000"), do="archive")
    make_rule(conn, owner, Condition("recipient", "like", "orders-*@example.org"), do="topic", value="orders")
    say = "Message-ID: <{0}@x>\r\n{1}\r\n\r\nx"
    money = deliver(conn, "anna@example.org", say.format(1, "Subject: your invoice"))[0]
    found = messages.get_message(conn, owner.id, money.message_id)
    assert (found.labels, found.folder) == (("Money",), "inbox")
    assert messages.list_labels(conn, owner.id) == ["Money"]
    assert [one.newest.id for one in messages.list_threads(conn, owner.id, "label:Money")] == [found.id]
    dropped = deliver(conn, "anna@example.org", say.format(2, "From: x@spam.example"))[0]
    assert (dropped.is_dropped, dropped.message_id, dropped.refused) == (True, "", "")
    assert deliver(conn, "anna@example.org", say.format(3, "X-No: yes"))[0].refused == "Go away"
    failed = deliver(conn, "anna@example.org", say.format(4, "Subject: x"), verdicts=Verdicts(dmarc="fail"))[0]
    assert messages.get_message(conn, owner.id, failed.message_id).folder == "junk"
    large = deliver(conn, "anna@example.org", say.format(5, "Subject: x") + "y" * 2_000)[0]
    assert messages.get_message(conn, owner.id, large.message_id).folder == "archive"
    routed = deliver(conn, "orders-17@example.org", say.format(6, "Subject: x"))[0]
    assert messages.get_message(conn, owner.id, routed.message_id).folder == "routed"
    (job,) = [one for one in list_jobs(conn) if one.name == "mail.act"]
    assert job.payload == {"message": routed.message_id, "kind": "topic", "value": "orders"}
    assert find_target(conn, "other@example.org", POLICY, now=NOW) is None
    assert [rule.hits for rule in rules.list_rules(conn, owner.id)] == [1, 1, 1, 1, 1, 1]


def test_rules_are_checked_moved_and_switched(conn: Connection, owner: User, member: User) -> None:
    first = make_rule(conn, owner, do="star")
    second = make_rule(conn, owner, do="read")
    rules.move_rule(conn, owner.id, second.id, -1)
    assert [rule.id for rule in rules.list_rules(conn, owner.id)] == [second.id, first.id]
    rules.switch_rule(conn, owner.id, second.id, is_on=False)
    taken = deliver(conn, "anna@example.org")[0]
    found = messages.get_message(conn, owner.id, taken.message_id)
    assert (found.is_starred, found.is_read) == (True, False)
    with pytest.raises(NotFound):
        rules.delete_rule(conn, member.id, first.id)
    for bad in (Action("nothing"), Action("label"), Action("forward", "nobody"), Action("webhook", "ftp://x")):
        with pytest.raises(Invalid):
            rules.put_rule(conn, owner.id, "bad", (), (bad,), now=NOW)
    for wrong in (Condition("size", "over", "much"), Condition("header", "is", "x"), Condition("body", "is", "x")):
        with pytest.raises(Invalid):
            rules.put_rule(conn, owner.id, "bad", (wrong,), (Action("star"),), now=NOW)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a*c", "abc", True),
        ("*", "", True),
        ("a*b*c", "axxbyyc", True),
        ("a*b", "ab c", False),
        ("ab*ba", "aba", False),
    ],
)
def test_globs(pattern: str, text: str, fits: bool) -> None:
    assert fits_glob(pattern, text) is fits


def test_failures_of_dmarc_go_to_junk_where_the_domain_wishes_it(conn: Connection, owner: User) -> None:
    fails = Verdicts(dmarc="fail", policy="reject")
    taken = deliver(conn, "anna@example.org", verdicts=fails)[0]
    assert messages.get_message(conn, owner.id, taken.message_id).folder == "junk"
    kept = deliver(
        conn, "anna@example.org", "Message-ID: <7@x>\r\n\r\n", verdicts=Verdicts(dmarc="fail", policy="none")
    )[0]
    assert messages.get_message(conn, owner.id, kept.message_id).folder == "inbox"


def test_trash_is_emptied_with_its_blobs(conn: Connection, owner: User) -> None:
    taken = deliver(conn, "anna@example.org")[0]
    found = messages.get_message(conn, owner.id, taken.message_id)
    messages.change_messages(conn, owner.id, [found.id], folder="trash", now=NOW)
    assert messages.purge(conn, trash_before=NOW, routed_before=0) == 0
    assert messages.purge(conn, trash_before=NOW + 1, routed_before=0) == 1
    with pytest.raises(NotFound):
        messages.get_message(conn, owner.id, found.id)
    assert search(conn, "body", user_id=owner.id) == []
    with pytest.raises(NotFound):
        blobs.drop(conn, found.blob)
    assert not deliver(conn, "anna@example.org")[0].is_double  # its thread and its fold are forgotten, too


def test_with_a_person_goes_their_mail(conn: Connection, owner: User, member: User) -> None:
    taken = deliver(conn, "bert@example.org anna@example.org")
    queue(conn, member, "a@x.org")
    addresses.create_alias(conn, member.id, "shop", note="", now=NOW)
    mail_store.on_event(conn, Event("auth.user_deleted", {"user_id": member.id}))
    assert messages.list_messages(conn, member.id, "inbox") == []
    assert outgoing.list_outgoing(conn, member.id) == []
    assert addresses.list_aliases(conn, member.id) == []
    assert messages.get_message(conn, owner.id, taken[1].message_id)


def test_verdicts_survive_the_file(conn: Connection, owner: User) -> None:
    verdicts = Verdicts("pass", "pass", "pass", "none", "example.net", ("example.net",), "reject")
    taken = deliver(conn, "anna@example.org", verdicts=verdicts)[0]
    assert messages.get_message(conn, owner.id, taken.message_id).verdicts == verdicts
