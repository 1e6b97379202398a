"""Listings that are made from the one before are those that would be made afresh."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.engine import Listing, News, State
from fazt.apps.drive.model.nodes import Space, Spot
from fazt.apps.drive.routes import listing
from fazt.apps.drive.routes.listing import open_news
from fazt.apps.drive.wire.multistatus import Plan, hangs_on_nodes
from fazt.apps.drive.wire.xml import DAV
from tests.apps.drive.trees import ME, mkdir, put
from tests.apps.drive.webdav import FILES, XML, propfind

SHOWN = ("getetag", "getcontentlength", "getlastmodified", "resourcetype", "displayname")
FRESH = {"if": "(Not <DAV:no-lock>)"}
MTIME = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><Z:Win32LastModifiedTime xmlns:Z="urn:schemas-microsoft-com:">'
    "Wed, 01 Jan 2020 10:00:00 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>"
)


def both(dav: httpx.Client, path: str) -> tuple[bytes, bytes]:
    """What is said of a folder now, and what is said when nothing that was kept may be used."""
    body = "".join(f"<D:{name}/>" for name in SHOWN)
    content = f'<D:propfind xmlns:D="DAV:"><D:prop>{body}</D:prop></D:propfind>'
    kept, fresh = (
        dav.request("PROPFIND", path, content=content, headers={"depth": "1", **XML, **more}) for more in ({}, FRESH)
    )
    assert kept.status_code == fresh.status_code == 207
    return kept.content, fresh.content


def test_a_kept_listing_is_the_fresh_one_whatever_changed(dav: httpx.Client) -> None:
    at = f"{FILES}/kept"
    for folder in ("", "/b", "/d", "/d/e"):
        assert dav.request("MKCOL", at + folder).is_success
    for name in ("a", "c", "é", "b/x", "d/e/y", "z z"):
        assert dav.put(f"{at}/{name}", content=name).is_success
    changes: list[tuple[str, str, dict[str, str], str]] = [
        ("PUT", "a", {}, "other bytes"),
        ("PUT", "0 first", {}, "new"),
        ("PUT", "e\u0301", {}, "the same name, composed in another way"),
        ("PUT", "d/e/deep", {}, "below"),
        ("MKCOL", "f", {}, ""),
        ("MOVE", "f", {"destination": f"{at}/aa"}, ""),
        ("MOVE", "b", {"destination": f"{at}/d/b"}, ""),
        ("MOVE", "d/b", {"destination": f"{at}/b"}, ""),
        ("COPY", "d", {"destination": f"{at}/d2"}, ""),
        ("COPY", "a", {"destination": f"{at}/c"}, ""),
        ("PROPPATCH", "c", {}, MTIME),
        ("DELETE", "c", {}, ""),
        ("DELETE", "d", {}, ""),
        ("PUT", "d", {}, "a file where a folder was"),
    ]
    before, _ = both(dav, at)
    for method, name, headers, content in changes:
        assert dav.request(method, f"{at}/{name}", headers=headers, content=content).is_success, (method, name)
        kept, fresh = both(dav, at)
        assert kept == fresh, (method, name)
        assert kept != before, (method, name)
        assert both(dav, at) == (kept, fresh), (method, name)
        before = kept


def test_a_folder_that_went_and_came_back_is_listed_as_it_is(dav: httpx.Client) -> None:
    at = f"{FILES}/wandering"
    for folder in (at, f"{at}/up", f"{at}/up/in", f"{FILES}/elsewhere"):
        assert dav.request("MKCOL", folder).is_success
    assert dav.put(f"{at}/up/in/file", content="one").is_success
    both(dav, f"{at}/up/in")
    assert dav.request("MOVE", f"{at}/up", headers={"destination": f"{FILES}/elsewhere/up"}).is_success
    assert propfind(dav, f"{at}/up/in", *SHOWN, depth="1").status_code == 404
    assert dav.put(f"{FILES}/elsewhere/up/in/file", content="two, longer").is_success
    assert dav.request("MOVE", f"{FILES}/elsewhere/up", headers={"destination": f"{at}/up"}).is_success
    kept, fresh = both(dav, f"{at}/up/in")
    assert kept == fresh
    assert b">11</D:getcontentlength>" in kept


def state_of(conn: Connection, spot: Spot) -> State:
    return State.of(store.walk(conn, spot))


def look(conn: Connection, spot: Spot, since: State) -> News | None:
    found = open_news(conn, spot, ME, Plan(((DAV, "getetag"),)), since)
    return None if found is None else found[2]


def test_news_of_a_folder_are_what_changed_in_it(conn: Connection, home: Space) -> None:
    for folder, name in (("a", "one"), ("a", "two"), ("b", "three")):
        if store.find_node(conn, Spot(home, (folder,))) is None:
            mkdir(conn, home, folder)
        put(conn, home, f"{folder}/{name}")
    spot = Spot(home, ("a",))
    since = state_of(conn, spot)
    assert (news := look(conn, spot, since)) is not None
    assert (len(news.ids), news.changed, news.state) == (2, [], since)
    put(conn, home, "a/two", "22")
    put(conn, home, "b/three", "33")
    assert (news := look(conn, spot, since)) is not None
    assert [node.name for node in news.changed] == ["two"]
    assert news.state.seq == since.seq + 2
    assert look(conn, Spot(home, ("b",)), since) is None
    assert look(conn, Spot(home, ("a", "one")), since) is None


def test_too_many_news_are_none(conn: Connection, home: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_NEWS", 3)
    mkdir(conn, home, "a")
    put(conn, home, "a/one")
    spot = Spot(home, ("a",))
    since = state_of(conn, spot)
    put(conn, home, "a/two")
    assert look(conn, spot, since) is None


def test_a_listing_that_misses_a_line_is_not_amended() -> None:
    state = State(((1, 1),), 5)
    kept = Listing(state, b"top", {2: b"folder", 3: b"file"}, frozenset({2}))
    assert kept.amended(News(state, [3, 4, 2], []), b"new", {}) is None
    amended = kept.amended(News(state, [3, 2], []), b"new", {3: b"other"})
    assert amended is not None
    assert amended.parts == [b"new", b"folder", b"other"]
    assert kept.parts == [b"top", b"folder", b"file"]


@pytest.mark.parametrize("name", ["lockdiscovery", "sync-token", "quota-available-bytes", "unknown"])
def test_what_is_said_elsewhere_is_looked_up_each_time(name: str) -> None:
    assert not hangs_on_nodes(Plan(((DAV, "getetag"), (DAV, name))))
    assert not hangs_on_nodes(Plan(((DAV, "getetag"),), all_dead=True))
    assert hangs_on_nodes(Plan(((DAV, "getetag"), (DAV, "getcontentlength"))))
