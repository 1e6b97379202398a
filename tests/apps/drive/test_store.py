"""Trees, locks, trash, versions and as calls on a connection, on both engines."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from fazt.apps.drive import store
from fazt.apps.drive.model.nodes import Put, Space, Spot
from fazt.apps.drive.schema import node
from fazt.core.blobs import put as put_blob
from fazt.core.db import attempt
from fazt.core.errors import Conflict, Forbidden, Invalid, Locked, NotFound, OverQuota, PreconditionFailed
from fazt.core.search import search
from tests.apps.drive.trees import ME, NOW, check_books, content, keeps, mkdir, put, refuses, spot, tree


def test_a_file_comes_back_by_either_composition(conn: Connection, home: Space) -> None:
    made = put(conn, home, "e\u0301.txt", "one")
    again = store.put_file(conn, spot(home, "é.txt"), content("two!"), ME)
    assert (again.is_new, again.node.id, again.node.name) == (False, made.id, "e\u0301.txt")
    assert tree(conn, home) == {"e\u0301.txt": 4}
    put(conn, home, "É.txt")
    assert len(tree(conn, home)) == 2
    check_books(conn, home)


def test_etags_are_of_the_bytes_and_change_within_a_millisecond(conn: Connection, home: Space) -> None:
    first, second, third = (put(conn, home, "a", text).etag for text in ("aaa", "bbb", "aaa"))
    assert first == third != second
    folder = store.trail_of(conn, home.root_id).nodes[0].etag
    put(conn, home, "b")
    assert store.trail_of(conn, home.root_id).nodes[0].etag != folder


def test_a_missing_folder_is_a_conflict_and_a_folder_is_no_file(conn: Connection, home: Space) -> None:
    with pytest.raises(Conflict):
        put(conn, home, "no/such/a")
    put(conn, home, "a")
    with pytest.raises(Conflict):
        put(conn, home, "a/b")
    mkdir(conn, home, "f")
    for call in (partial(put, path="f"), partial(mkdir, path="f"), partial(mkdir, path="a")):
        with pytest.raises(Conflict) as caught:
            call(conn, home)
        assert caught.value.details["status"] == 405
    with pytest.raises(Invalid):
        put(conn, home, "x" * 256)


def test_versions_are_kept_pruned_and_restored(conn: Connection, home: Space) -> None:
    terms = msgspec.structs.replace(ME, versions=2)
    for text in ("one", "two", "three", "four"):
        put(conn, home, "a", text, terms)
    found = store.get_node(conn, spot(home, "a"))
    assert [one.size for one in store.list_versions(conn, found.id)] == [5, 3]
    check_books(conn, home)
    oldest = store.list_versions(conn, found.id)[-1]
    restored = store.restore_version(conn, spot(home, "a"), oldest.id, terms)
    assert restored.hash == content("two").hash
    check_books(conn, home)
    assert store.sweep_versions(conn, NOW + 1) == 2
    check_books(conn, home)


def test_of_files_that_are_put_at_once_each_hears_its_own(conn: Connection, home: Space) -> None:
    mkdir(conn, home, "d")
    kept = put(conn, home, "kept", "kept")
    only_new = msgspec.structs.replace(ME, is_met=lambda etag, _modified_at: etag is None)
    wanted = [
        (spot(home, "a"), content("1"), ME),
        (spot(home, "no/such"), content("22"), ME),
        (spot(home, "d"), content("333"), ME),
        (spot(home, "kept"), content("4444"), only_new),
        (spot(home, "a"), content("55555"), ME),
        (spot(home, "d/b"), content("666666"), only_new),
    ]
    done = store.put_files(conn, wanted)
    kinds = [one.is_new if isinstance(one, Put) else type(one) for one in done]
    assert kinds == [True, Conflict, Conflict, PreconditionFailed, False, True]
    assert tree(conn, home) == {"a": 5, "d/": 6, "d/b": 6, "kept": 4}
    assert store.get_node(conn, spot(home, "kept")) == kept
    check_books(conn, home)


def test_files_that_are_put_at_once_are_none_where_one_has_no_room(conn: Connection, home: Space) -> None:
    store.put_quota(conn, home.id, 10)
    with pytest.raises(OverQuota), attempt(conn):
        store.put_files(conn, [(spot(home, name), content("6 byte"), ME) for name in ("a", "b")])
    assert tree(conn, home) == {}
    check_books(conn, home)


def test_the_quota_is_exact(conn: Connection, home: Space) -> None:
    store.put_quota(conn, home.id, 10)
    put(conn, home, "a", "12345")
    put(conn, home, "b", "12345")
    refuses(OverQuota, lambda: put(conn, home, "c", "1"), lambda: put(conn, home, "a", "123456"))
    with pytest.raises(OverQuota):
        store.check_put(conn, spot(home, "a"), ME, 6)
    with pytest.raises(OverQuota):
        store.copy_node(conn, spot(home, "a"), store.Target(spot(home, "c")), ME)


def test_a_tree_is_copied_without_its_bytes(conn: Connection, grown: Space) -> None:
    done = store.copy_node(conn, spot(grown, "a"), store.Target(spot(grown, "z")), ME)
    assert (done.is_new, done.node.size) == (True, 6)
    found = tree(conn, grown)
    assert {path[1:]: size for path, size in found.items() if path[0] == "a"} == {
        path[1:]: size for path, size in found.items() if path[0] == "z"
    }
    copied = store.get_node(conn, spot(grown, "z/b/2"))
    assert store.load_props(conn, copied.id) == {("urn:p", "q"): "<q/>"}
    check_books(conn, grown)
    flat = store.copy_node(conn, spot(grown, "a"), store.Target(spot(grown, "y")), ME, is_deep=False)
    assert flat.node.size == 0
    assert [path for path in tree(conn, grown) if path.startswith("y")] == ["y/"]
    over = store.copy_node(conn, spot(grown, "a"), store.Target(spot(grown, "y")), ME)
    assert not over.is_new
    check_books(conn, grown)


def test_a_tree_moves_and_replaces(conn: Connection, grown: Space) -> None:
    before = store.get_node(conn, spot(grown, "a/b"))
    done = store.move_node(conn, spot(grown, "a/b"), store.Target(spot(grown, "B")), ME)
    assert (done.node.id, done.node.modified_at, done.is_new) == (before.id, before.modified_at, True)
    assert tree(conn, grown) == {"B/": 5, "B/2": 2, "B/c/": 3, "B/c/3": 3, "a/": 1, "a/1": 1, "top": 4}
    check_books(conn, grown)
    done = store.move_node(conn, spot(grown, "B/c"), store.Target(spot(grown, "a")), ME)
    assert not done.is_new
    assert tree(conn, grown) == {"B/": 2, "B/2": 2, "a/": 3, "a/3": 3, "top": 4}
    check_books(conn, grown)
    with pytest.raises(PreconditionFailed):
        store.move_node(conn, spot(grown, "top"), store.Target(spot(grown, "a/3"), overwrite=False), ME)
    store.move_node(conn, spot(grown, "top"), store.Target(spot(grown, "TOP")), ME)
    assert "TOP" in tree(conn, grown)


@pytest.mark.parametrize(
    ("source", "goal"),
    [("a", "a/b/x"), ("a", "a/x"), ("a/b", "a"), ("a/b/c", "a"), ("a", ""), ("", "a/x"), ("a", "a"), ("top", "top/x")],
)
def test_nothing_is_lost_by_a_move_that_makes_no_sense(conn: Connection, grown: Space, source: str, goal: str) -> None:
    before = tree(conn, grown)
    with pytest.raises((Conflict, Forbidden)):
        store.move_node(conn, spot(grown, source), store.Target(spot(grown, goal)), ME)
    with pytest.raises((Conflict, Forbidden)):
        store.copy_node(conn, spot(grown, source), store.Target(spot(grown, goal)), ME)
    assert tree(conn, grown) == before


def test_a_file_moved_onto_a_file_becomes_its_next_version(conn: Connection, home: Space) -> None:
    """How editors save: into a temporary file, then over the document, which keeps its lock."""
    document = put(conn, home, "doc", "old")
    wanted = store.Wanted(is_shared=False, is_deep=False, owner_xml="", timeout_s=600)
    (lock,), _ = store.lock_node(conn, spot(home, "doc"), wanted, ME)
    put(conn, home, "tmp", "newer")
    with pytest.raises(Locked):
        store.move_node(conn, spot(home, "tmp"), store.Target(spot(home, "doc")), ME)
    holder = msgspec.structs.replace(ME, tokens=frozenset({lock.token}))
    done = store.move_node(conn, spot(home, "tmp"), store.Target(spot(home, "doc")), holder)
    assert (done.node.id, done.is_new) == (document.id, False)
    assert [one.size for one in store.list_versions(conn, document.id)] == [3]
    assert [one.node_id for one in store.list_locks(conn, home.id, NOW)] == [document.id]
    assert tree(conn, home) == {"doc": 5}
    check_books(conn, home)


def test_between_spaces_everything_is_counted_where_it_is(conn: Connection, grown: Space) -> None:
    team = store.create_shared(conn, "team", "me", NOW)
    put(conn, grown, "a/b/2", "two two")
    store.move_node(conn, spot(grown, "a"), store.Target(spot(team, "a")), ME)
    assert store.get_usage(conn, team.id, 0).used == 11
    assert store.get_usage(conn, team.id, 0).kept == 2
    assert store.get_usage(conn, grown.id, 0).kept == 0
    assert tree(conn, grown) == {"top": 4}
    ids = conn.scalars(select(node.c.space_id).where(node.c.name.in_(["1", "2", "3"]))).all()
    assert set(ids) == {team.id}


def test_the_trash_gives_back_and_forgets(conn: Connection, grown: Space) -> None:
    store.delete_node(conn, spot(grown, "a"), ME)
    assert tree(conn, grown) == {"top": 4}
    check_books(conn, grown)
    (found,) = store.list_trash(conn, grown.id)
    assert (found.path, found.size, found.is_folder) == ("/a", 6, True)
    put(conn, grown, "a", "in the way")
    assert store.restore_trashed(conn, grown, found.id, ME) == ("a (2)",)
    assert tree(conn, grown)["a (2)/b/c/3"] == 3
    check_books(conn, grown)
    store.delete_node(conn, spot(grown, "a (2)/b"), ME)
    store.delete_node(conn, spot(grown, "a (2)"), ME)
    (inner,) = (one for one in store.list_trash(conn, grown.id) if one.path == "/a (2)/b")
    assert store.restore_trashed(conn, grown, inner.id, ME) == ("a (2)", "b")
    store.delete_node(conn, spot(grown, "a (2)"), ME)
    assert store.empty_trash(conn, grown.id) == 2
    while store.purge_some(conn, 2):
        pass
    assert tree(conn, grown) == {"a": 10, "top": 4}
    check_books(conn, grown)
    assert conn.scalar(select(func.count()).select_from(node)) == 3
    store.delete_node(conn, spot(grown, "a"), ME)
    assert store.expire_trash(conn, NOW) == 0
    assert store.expire_trash(conn, NOW + 1) == 1


def test_trash_and_versions_make_room_for_the_tree(conn: Connection, home: Space) -> None:
    store.put_quota(conn, home.id, 10)
    for name in "abc":
        put(conn, home, name, "12345")
        store.delete_node(conn, spot(home, name), ME)
    assert store.make_room(conn, 0)
    assert [one.path for one in store.list_trash(conn, home.id)] == ["/c", "/b"]


def test_who_may_only_read_changes_nothing(conn: Connection, home: Space) -> None:
    team = store.create_shared(conn, "team", "me", NOW)
    put(conn, team, "a")
    assert store.find_shared(conn, "team", "guest") is None
    store.put_access(conn, "team", "me", "guest", may_write=False)
    seen = store.find_shared(conn, "team", "guest")
    assert seen is not None
    guest = msgspec.structs.replace(ME, user_id="guest")
    refuses(
        Forbidden,
        lambda: put(conn, seen, "b", "x", guest),
        lambda: store.delete_node(conn, spot(seen, "a"), guest),
        lambda: store.move_node(conn, spot(seen, "a"), store.Target(spot(home, "a")), guest),
        lambda: store.lock_node(conn, spot(seen, "a"), store.Wanted(False, False, "", 9), guest),
    )
    store.copy_node(conn, spot(seen, "a"), store.Target(spot(home, "a")), guest)
    store.put_access(conn, "team", "me", "guest", may_write=True)
    assert [space.may_write for space in store.list_shared(conn, "guest")] == [True]
    store.delete_access(conn, "team", "guest", "guest")
    assert store.list_shared(conn, "guest") == []


def changes(conn: Connection, space: Space, path: str, token: str, *, deep: bool = True) -> tuple[dict[str, bool], str]:
    """By path: whether it is (still) there; and the next token."""
    found = store.list_changes(conn, spot(space, path), token, is_deep=deep, limit=None)
    return {"/".join(one.path): one.node is not None for one in found.changes}, found.token


def test_changes_since_a_token(conn: Connection, grown: Space) -> None:
    everything, token = changes(conn, grown, "", "")
    assert everything == dict.fromkeys(["a", "a/b", "a/b/c", "a/1", "a/b/2", "a/b/c/3", "top"], True)
    assert changes(conn, grown, "", token)[0] == {}
    put(conn, grown, "a/b/2", "other")
    store.delete_node(conn, spot(grown, "top"), ME)
    assert changes(conn, grown, "", token, deep=False)[0] == {"a": True, "top": False}
    found, token = changes(conn, grown, "", token)
    assert found == {"a": True, "a/b": True, "a/b/2": True, "top": False}
    store.move_node(conn, spot(grown, "a/b"), store.Target(spot(grown, "B")), ME)
    found, token = changes(conn, grown, "", token)
    assert found == {"a": True, "a/b": False, "B": True, "B/2": True, "B/c": True, "B/c/3": True}
    put(conn, grown, "a/b", "back again")
    assert changes(conn, grown, "", token)[0] == {"a": True, "a/b": True}
    for bad in ("nonsense", token + "9", "urn:fazt:sync:1:1"):
        with pytest.raises(Forbidden):
            changes(conn, grown, "", bad)
    assert store.forget_changes(conn, NOW + 1) == 2
    _, token = changes(conn, grown, "", "")
    assert changes(conn, grown, "", token)[0] == {}


def test_changes_come_in_parts(conn: Connection, grown: Space) -> None:
    seen: dict[str, bool] = {}
    token, rounds = "", 0
    while rounds < 20:
        found = store.list_changes(conn, spot(grown, ""), token, is_deep=True, limit=3)
        seen |= {"/".join(one.path): one.node is not None for one in found.changes}
        token, rounds = found.token, rounds + 1
        if not found.is_cut:
            break
    assert 1 < rounds < 20
    assert len(seen) == 7


def test_uploads_in_pieces(conn: Connection) -> None:
    begun = store.create_upload(conn, "me", "up", NOW)
    with pytest.raises(Conflict):
        store.create_upload(conn, "me", "up", NOW)
    for name, text in (("10", "c"), ("2", "b"), ("1", "a"), ("2", "B")):
        blob = put_blob(conn, text.encode(), NOW)
        store.put_piece(conn, "me", "up", store.Piece(name, store.read_number(name), blob.hash, 1), NOW)
    pieces = store.list_pieces(conn, begun.id)
    assert [piece.name for piece in pieces] == ["1", "2", "10"]
    store.check_whole(pieces)
    gap = [store.Piece("0-9", 0, "", 10), store.Piece("11-20", 11, "", 10)]
    with pytest.raises(Conflict):
        store.check_whole(gap)
    with pytest.raises(NotFound):
        store.get_upload(conn, "other", "up")
    assert store.sweep_uploads(conn, NOW + 1) == 1
    assert keeps(conn) == 0


def test_properties_have_an_end(conn: Connection, home: Space) -> None:
    put(conn, home, "a")
    many = [store.Change(("urn:p", f"n{n}"), "<q/>") for n in range(201)]
    with pytest.raises(OverQuota):
        store.change_props(conn, spot(home, "a"), many, None, ME)


def test_very_deep_trees_are_no_trouble(conn: Connection, home: Space) -> None:
    names: tuple[str, ...] = ()
    for _ in range(40):
        names = (*names, "d")
        store.create_folder(conn, Spot(home, names), ME)
    store.put_file(conn, Spot(home, (*names, "f")), content("deep"), ME)
    store.copy_node(conn, spot(home, "d"), store.Target(spot(home, "e")), ME)
    assert store.get_node(conn, Spot(home, ("e", *names[1:], "f"))).size == 4
    store.delete_node(conn, spot(home, "d"), ME)
    store.empty_trash(conn, home.id)
    while store.purge_some(conn):
        pass
    assert store.get_usage(conn, home.id, 0).used == 4
    assert store.get_usage(conn, home.id, 0).kept == 0


def test_search_misses_nothing_that_goes_while_it_is_at_work(conn: Connection, home: Space) -> None:
    for number in range(30):
        put(conn, home, f"zebra {number}.txt", f"stripes {number}")
    place = store.index_some(conn, None, NOW)
    store.delete_node(conn, spot(home, "zebra 3.txt"), ME)
    while place is not None:
        place = store.index_some(conn, place, NOW)
    assert len(search(conn, "stripes", user_id="me", limit=100)) == 29
    store.delete_node(conn, spot(home, "zebra 4.txt"), ME)
    assert store.index_some(conn, None, NOW) is not None
    assert store.index_some(conn, None, NOW) is None
    assert len(search(conn, "stripes", user_id="me", limit=100)) == 28
