"""Trees, locks, trash, versions and as calls on a connection, on both engines."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.model.locks import Condition, Demand
from fazt.apps.drive.model.nodes import Space, Spot
from fazt.core.errors import Conflict, Locked, PreconditionFailed
from tests.apps.drive.trees import ME, NOW, check_books, lock, mkdir, put, refuses, spot, tree


def test_a_lock_keeps_all_others_out(conn: Connection, grown: Space) -> None:
    holder = lock(conn, grown, "a/b", deep=True)
    other = msgspec.structs.replace(holder, user_id="other")
    for terms in (ME, other):
        for path in ("a/b/2", "a/b/new", "a/b/c/3"):
            with pytest.raises(Locked):
                put(conn, grown, path, "y", terms)
        for path in ("a", "a/b", "a/b/c"):
            with pytest.raises(Locked):
                store.delete_node(conn, spot(grown, path), terms)
        with pytest.raises(Locked):
            store.move_node(conn, spot(grown, "top"), store.Target(spot(grown, "a/b/top")), terms)
    put(conn, grown, "a/1", "free")
    put(conn, grown, "a/b/2", "mine", holder)
    with pytest.raises(Locked) as caught:
        store.lock_node(conn, spot(grown, "a"), store.Wanted(False, True, "", 600), ME)
    assert (caught.value.details["condition"], caught.value.details["path"]) == ("no-conflicting-lock", ["a", "b"])
    store.delete_node(conn, spot(grown, "a"), holder)
    assert store.list_locks(conn, grown.id, NOW) == []


def test_a_shallow_lock_guards_the_list_of_members(conn: Connection, grown: Space) -> None:
    holder = lock(conn, grown, "a/b")
    put(conn, grown, "a/b/2", "contents are free")
    refuses(
        Locked,
        lambda: put(conn, grown, "a/b/new"),
        lambda: store.delete_node(conn, spot(grown, "a/b/2"), ME),
        lambda: mkdir(conn, grown, "a/b/new"),
    )
    put(conn, grown, "a/b/new", "y", holder)


def test_shared_locks_stand_together(conn: Connection, grown: Space) -> None:
    one = lock(conn, grown, "top", shared=True)
    lock(conn, grown, "top", shared=True)
    with pytest.raises(Locked):
        lock(conn, grown, "top")
    with pytest.raises(Locked):
        put(conn, grown, "top")
    put(conn, grown, "top", "y", one)


def test_a_lock_on_nothing_makes_an_empty_file_that_stays(conn: Connection, home: Space) -> None:
    wanted = store.Wanted(is_shared=False, is_deep=False, owner_xml="", timeout_s=600)
    (taken,), is_new = store.lock_node(conn, spot(home, "new"), wanted, ME)
    assert is_new
    store.delete_lock(conn, spot(home, "new"), taken.token, ME)
    assert tree(conn, home) == {"new": 0}
    check_books(conn, home)


def test_locks_end_and_are_refreshed(conn: Connection, grown: Space) -> None:
    holder = lock(conn, grown, "top")
    token = next(iter(holder.tokens))
    late = msgspec.structs.replace(ME, now=NOW + 600_000)
    demand = (Demand(spot(grown, "top"), (Condition(token=token),)),)
    fresh = msgspec.structs.replace(holder, demands=demand, now=NOW + 599_999)
    (refreshed,) = store.refresh_lock(conn, spot(grown, "top"), 600, fresh)
    assert refreshed.expires_at == NOW + 1_199_999
    with pytest.raises(Locked):
        put(conn, grown, "top", "y", late)
    over = msgspec.structs.replace(late, now=NOW + 1_199_999)
    put(conn, grown, "top", "y", over)
    with pytest.raises(PreconditionFailed):
        store.refresh_lock(conn, spot(grown, "top"), 600, msgspec.structs.replace(fresh, now=over.now))
    assert store.sweep_locks(conn, over.now) == 1


def test_a_move_leaves_its_lock_behind_and_meets_the_one_that_is_there(conn: Connection, grown: Space) -> None:
    holder = lock(conn, grown, "top")
    with pytest.raises(Locked):
        store.move_node(conn, spot(grown, "top"), store.Target(spot(grown, "moved")), ME)
    store.move_node(conn, spot(grown, "top"), store.Target(spot(grown, "moved")), holder)
    put(conn, grown, "top")
    put(conn, grown, "moved")
    there = lock(conn, grown, "a")
    store.move_node(conn, spot(grown, "moved"), store.Target(spot(grown, "a")), there)
    with pytest.raises(Locked):
        put(conn, grown, "a", "y")


def test_unlocking_needs_the_right_token_and_place(conn: Connection, grown: Space) -> None:
    holder = lock(conn, grown, "a", deep=True)
    token = next(iter(holder.tokens))
    with pytest.raises(Conflict):
        store.delete_lock(conn, spot(grown, "top"), token, ME)
    with pytest.raises(Conflict):
        store.delete_lock(conn, spot(grown, "a"), "urn:uuid:other", ME)
    store.delete_lock(conn, spot(grown, "a/b/2"), token, ME)
    assert store.list_locks(conn, grown.id, NOW) == []


def test_conditions_of_the_if_header(conn: Connection, grown: Space) -> None:
    holder = lock(conn, grown, "top")
    token, etag = next(iter(holder.tokens)), store.get_node(conn, spot(grown, "top")).etag
    top, nowhere = spot(grown, "top"), spot(grown, "nowhere")

    def holds(*conditions: Condition, at: Spot | None = top) -> bool:
        terms = msgspec.structs.replace(holder, demands=(Demand(at, conditions),))
        try:
            store.check_terms(conn, store.walk(conn, top), top, store.list_locks(conn, grown.id, NOW), terms)
        except PreconditionFailed:
            return False
        return True

    assert holds(Condition(token=token), Condition(etag=etag))
    assert not holds(Condition(token=token), Condition(etag='"other"'))
    assert holds(Condition(etag='"other"', is_not=True))
    assert not holds(Condition(token="DAV:no-lock"))
    assert holds(Condition(token=token), Condition(token="DAV:no-lock", is_not=True))
    assert not holds(Condition(token=token), at=nowhere)
    assert holds(Condition(token=token, is_not=True), at=nowhere)
    assert holds(Condition(token=token, is_not=True), at=None)
    assert not holds(Condition(etag=etag), at=None)
