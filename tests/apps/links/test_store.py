"""Links in the file, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.apps.links import store
from fazt.apps.links.model import CLICK, Link, NewLink, check_target
from fazt.core.clock import DAY
from fazt.core.errors import Conflict, Invalid, NotFound
from fazt.core.events import list_events
from fazt.core.search.store import search
from fazt.core.visits import Record
from fazt.core.visits.model import BOT, HUMAN
from fazt.core.visits.store import list_newest
from tests.conftest import NOW

TARGET = "https://example.org/"


def check(target: str) -> str:
    return check_target(target, ("cloud.example",))


def make(conn: Connection, slug: str = "", owner: str = "ann", **fields: object) -> Link:
    asked = NewLink(target=TARGET, slug=slug, **fields)  # type: ignore[arg-type] # of tests
    return store.create_link(conn, asked, owner=owner, check_target=check, slug_length=5, now=NOW)


def click(link: Link, robot: int = HUMAN) -> store.Click:
    blank = dict.fromkeys(Record.__struct_fields__, "")
    told = {"kind": CLICK, "target": str(link.id), "at": NOW, "path": link.slug, "robot": robot, "visitor": 7}
    record = Record(**{**blank, **told})  # type: ignore[arg-type] # all but three are texts
    return store.Click(link.id, record, is_limited=link.max_visits is not None)


def test_made_found_and_told(conn: Connection) -> None:
    made = make(conn, "hello", tags=("B", "a", "b"), title=" Hi ")
    assert (made.tags, made.title) == (("b", "a"), "Hi")
    assert store.find_link(conn, "", "hello") == made
    assert store.find_link(conn, "go.example", "hello") is None
    assert [event.name for event in list_events(conn)] == ["links.created"]
    assert [found.path for found in search(conn, "hello", user_id="ann")] == [f"/links/{made.id}"]
    assert len(make(conn).slug) == 5


def test_a_slug_is_one_links_on_one_host(conn: Connection) -> None:
    made = make(conn, "hello")
    make(conn, "hello", host="go.example")
    with pytest.raises(Conflict):
        make(conn, "hello")
    store.delete_link(conn, made.id, owner=None, now=NOW)
    again = make(conn, "hello")
    with pytest.raises(NotFound):
        store.restore_link(conn, made.id, owner=None, now=NOW)
    assert store.find_link(conn, "", "hello") == again


def test_deleted_links_come_back_for_a_while(conn: Connection) -> None:
    made = make(conn, "hello", tags=("a",))
    store.delete_link(conn, made.id, owner="ann", now=NOW)
    assert store.find_link(conn, "", "hello") is None
    assert search(conn, "hello", user_id="ann") == []
    assert store.restore_link(conn, made.id, owner="ann", now=NOW) == made
    store.delete_link(conn, made.id, owner="ann", now=NOW)
    assert store.forget_deleted(conn, days=30, now=NOW + 30 * DAY) == 0
    assert store.forget_deleted(conn, days=30, now=NOW + 30 * DAY + 1) == 1


def test_others_links_are_not_seen(conn: Connection) -> None:
    made = make(conn, "hello")
    for call in (store.get_link, store.purge_link):
        with pytest.raises(NotFound):
            call(conn, made.id, owner="bob")
    with pytest.raises(NotFound):
        store.delete_link(conn, made.id, owner="bob", now=NOW)
    assert store.list_links(conn, store.Asked(owner="bob")).total == 0


def test_clicks_are_counted_and_robots_apart(conn: Connection) -> None:
    made = make(conn, "hello")
    assert store.follow(conn, [click(made), click(made), click(made, BOT)]) == [True, True, True]
    found = store.get_link(conn, made.id, owner=None)
    assert (found.clicks, found.robot_clicks) == (2, 1)
    assert list_newest(conn, (CLICK,), (str(made.id),), offset=0, limit=1)[1] == 3
    assert store.forget_clicks(conn, made.id) == 3
    assert store.get_link(conn, made.id, owner=None).clicks == 0


def test_the_last_visit_is_taken_once(conn: Connection) -> None:
    made = make(conn, "twice", max_visits=2)
    clicks = [click(made), click(made, BOT), click(made), click(made)]
    assert store.follow(conn, clicks) == [True, True, True, False]
    assert list_newest(conn, (CLICK,), (str(made.id),), offset=0, limit=9)[1] == 3, "what was refused left nothing"


def test_lists(conn: Connection) -> None:
    one = make(conn, "one", tags=("a",))
    two = make(conn, "two", tags=("a", "b"), max_visits=1)
    make(conn, "over", expires_at=NOW + 1)
    store.follow(conn, [click(two)])

    def slugs(**asked: object) -> list[str]:
        found = store.list_links(conn, store.Asked(order="slug", descending=False, **asked))  # type: ignore[arg-type]
        assert found.total >= len(found.links)
        return [link.slug for link in found.links]

    assert slugs() == ["one", "over", "two"]
    assert slugs(tags=("a", "b"), tags_mode="all") == ["two"]
    assert slugs(tags=("a", "b")) == ["one", "two"]
    assert slugs(without_tags=("b",)) == ["one", "over"]
    assert slugs(words="TW") == ["two"]
    assert slugs(words="%") == []
    assert slugs(skip_used_up=True, skip_expired_at=NOW + 1) == ["one"]
    assert slugs(limit=1, offset=1) == ["over"]
    assert [tag.name for tag in store.list_tags(conn, owner="ann")] == ["a", "b"]
    store.rename_tag(conn, "a", "c", owner="ann")
    assert store.get_link(conn, one.id, owner=None).tags == ("c",)
    with pytest.raises(Conflict):
        store.rename_tag(conn, "c", "b", owner="ann")
    store.delete_tags(conn, ["c", "b"], owner="ann")
    assert store.list_tags(conn, owner="ann") == []


def test_changes_are_checked(conn: Connection) -> None:
    made = make(conn, "hello")
    make(conn, "other")
    changes: list[tuple[dict[str, object], type[Exception]]] = [
        ({"target": "ftp://x/"}, Invalid),
        ({"target": "https://cloud.example/r/other"}, Invalid),
        ({"slug": "other"}, Conflict),
        ({"status": 200}, Invalid),
        ({"valid_from": 5, "expires_at": 5}, Invalid),
        ({"clicks": 5}, Invalid),
    ]
    for wanted, error in changes:
        with pytest.raises(error):
            store.change_link(conn, made.id, wanted, owner=None, check_target=check, now=NOW)
    changed = store.change_link(conn, made.id, {"slug": "new/name"}, owner=None, check_target=check, now=NOW + 1)
    assert store.find_link(conn, "", "new/name") == changed


def test_who_is_gone_leaves_no_links(conn: Connection) -> None:
    make(conn, "hello", tags=("a",))
    store.links.forget_owner(conn, "ann")
    assert store.find_link(conn, "", "hello") is None


@pytest.mark.parametrize(
    "target", ["https://cloud.example/r/a", "https://CLOUD.example./%72/a", "http://cloud.example//r/a"]
)
def test_links_to_short_links_of_this_cloud_are_refused(target: str) -> None:
    with pytest.raises(Invalid, match="short link of this cloud"):
        check(target)
    assert check("https://cloud.example/readme")


def test_clicks_of_all_links_are_summed(conn: Connection) -> None:
    assert store.count_clicks(conn, owner=None) == (0, 0)
    made = make(conn, "hello")
    store.follow(conn, [click(made), click(made), click(made, BOT)])
    assert store.count_clicks(conn, owner=made.owner) == (2, 1)
    assert store.count_clicks(conn, owner="nobody") == (0, 0)
