"""PROPFIND: what is there, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.engine import Drive, Listing, News, State, drive_of, ids_of_folders
from fazt.apps.drive.engine.drive import ENTRY_BYTES
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.naming import key_of
from fazt.apps.drive.model.nodes import Node, Spot
from fazt.apps.drive.routes.asking import XML_TYPE, Ask, Refused, Reply
from fazt.apps.drive.wire.headers import parse_depth
from fazt.apps.drive.wire.multistatus import (
    CLOSING,
    LIVE,
    OPENING,
    Plan,
    Scene,
    hangs_on_nodes,
    make_plan,
    render,
    render_each,
)
from fazt.apps.drive.wire.paths import to_href
from fazt.apps.drive.wire.xml import DAV, parse_propfind
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core

PAGE = 2_000
MOST_NEWS = 1_000
"""Where more than this changed, a folder is read as a whole again."""


def virtual(name: str, now: int) -> Node:
    """A folder above the spaces."""
    return Node(0, 0, None, name, True, "", 0, now, now, 0, 0, "")


async def propfind(ask: Ask) -> Reply:
    """PROPFIND: the resource, and with Depth 1 what is in it."""
    ask.check_xml()
    asked = parse_propfind(await ask.body())
    depth_header = ask.text(b"depth")
    depth = parse_depth(depth_header, "1")  # webdav4 and others send none and want one entry, or a folder's list
    if depth == "infinity":
        raise Refused(403, "Ask for one folder at a time.", "propfind-finite-depth")
    plan = make_plan(asked, is_listing=depth == "1")
    if ask.place.spot is None:
        return await list_virtual(ask, plan, depth)
    spot = ask.spot
    drive = drive_of(ask.core)
    generation = drive.generation(spot.space.id)
    prefix = ask.core.settings.get("drive.public_path")
    key = (
        (ask.address.segments, depth, plan, spot.space.may_write, prefix)
        if b"if" not in ask.headers and is_lasting(plan)
        else None
    )
    kept = None if key is None else drive.find_answer(spot.space.id, key)
    if kept is not None:
        return multistatus(kept.parts if isinstance(kept, Listing) else [kept])
    terms = await ask.terms()
    if key is not None and depth == "1" and hangs_on_nodes(plan):
        return await list_members(ask, plan, terms, Shelf(drive, spot.space.id, generation, key))
    opened = await ask.core.db.read(open_listing, spot, terms, plan, depth)
    scene, own, first = opened.scene, opened.own, opened.page
    if first.is_whole and key is not None and not scene.locks:
        body = "".join(render_page(ask, plan, scene, own, first)).encode()
        drive.put_answer(spot.space.id, generation, key, body, len(body) + 1_000)
        return multistatus([body])
    return Reply(207, [XML_TYPE], stream_listing(ask, plan, scene, own, first))


async def list_members(ask: Ask, plan: Plan, terms: Terms, shelf: Shelf) -> Reply:
    """A folder's list that is kept, as it was or as the one before with what changed since."""
    older = shelf.drive.find_older(shelf.space_id, shelf.key)
    if isinstance(older, Listing):
        found = await ask.core.db.read(open_news, ask.spot, terms, plan, older.state)
        if found is not None:
            scene, own, news = found
            top = "".join(render_page(ask, plan, scene, own, Page([], {}, is_whole=True))).encode()
            lines = render_each(plan, news.changed, ask.href(ask.names, is_folder=True), scene)
            listing = older.amended(news, top, lines)
            if listing is not None:
                shelf.put(listing)
                return multistatus(listing.parts)
    opened = await ask.core.db.read(open_listing, ask.spot, terms, plan, "1")
    pieces = stream_members(ask, plan, opened, shelf)
    if opened.page.is_whole:
        return Reply(207, [XML_TYPE], b"".join([piece async for piece in pieces]))
    return Reply(207, [XML_TYPE], pieces)


async def stream_members(ask: Ask, plan: Plan, opened: Opened, shelf: Shelf) -> AsyncIterator[bytes]:
    """As `stream_listing`, and kept for the next who asks, unless it is too long for that.

    Pages are of different moments. The first one's counts: what changed after it is looked up again the next time.
    """
    own, page = opened.own, opened.page
    top = "".join(render_page(ask, plan, opened.scene, own, Page([], {}, is_whole=True))).encode()
    base = ask.href(ask.names, is_folder=own[0].is_folder)
    listing = Listing(opened.state, top, {}, frozenset())
    yield OPENING.encode() + top
    while True:
        lines = render_each(plan, page.nodes, base, opened.scene)
        if listing.size <= ENTRY_BYTES:
            listing = Listing(
                opened.state, top, {**listing.lines, **lines}, listing.folders | ids_of_folders(page.nodes)
            )
        yield b"".join(lines.values())
        if page.is_whole:
            break
        page = await ask.core.db.read(load_page, own[0], key_of(page.nodes[-1].name), plan)
    shelf.put(listing)
    yield CLOSING.encode()


def is_lasting(plan: Plan) -> bool:
    """Whether an answer stays true until something changes: quotas hang on the disk."""
    return (DAV, "quota-available-bytes") not in plan.names


def multistatus(parts: list[bytes]) -> Reply:
    """207 with a body that is at hand."""
    return Reply(207, [XML_TYPE], OPENING.encode() + b"".join(parts) + CLOSING.encode())


class Page:
    """Some of the members of a folder, with their dead properties."""

    def __init__(self, nodes: list[Node], dead: dict[int, store.Props], *, is_whole: bool) -> None:
        self.nodes = nodes
        self.dead = dead
        self.is_whole = is_whole


class Opened(NamedTuple):
    """The beginning of an answer: the resource itself, with its dead properties, and the first of its members."""

    scene: Scene
    own: tuple[Node, store.Props]
    page: Page
    state: State


class Shelf(NamedTuple):
    """Where an answer is kept."""

    drive: Drive
    space_id: int
    generation: int
    key: Any

    def put(self, listing: Listing) -> None:
        """Keep it, if it is not too long."""
        self.drive.put_answer(self.space_id, self.generation, self.key, listing, listing.size)


def load_page(conn: Connection, parent: Node, after: str, plan: Plan) -> Page:
    """The members of a folder from after the key `after` on."""
    nodes = store.list_children(conn, parent.id, after, PAGE)
    dead: dict[int, store.Props] = {}
    if nodes and shows_dead(plan):
        dead = store.load_child_props(conn, parent.id, after, key_of(nodes[-1].name))
    return Page(nodes, dead, is_whole=len(nodes) < PAGE)


def shows_dead(plan: Plan) -> bool:
    """Whether any dead property could be in the answer."""
    return plan.all_dead or any(name not in LIVE for name in plan.names)


def open_listing(conn: Connection, spot: Spot, terms: Terms, plan: Plan, depth: str) -> Opened:
    """All that the beginning of an answer needs, in one snapshot. Raises NotFound, PreconditionFailed."""
    trail = store.walk(conn, spot)
    found = trail.node
    if terms.demands:
        store.check_terms(conn, trail, spot, store.list_locks(conn, spot.space.id, terms.now), terms)
    if found is None:
        raise NotFound("There is no such file or folder.")
    scene = make_scene(conn, spot, found, trail.ids[:-1], plan, terms)
    dead = store.load_props(conn, found.id) if shows_dead(plan) else {}
    page = Page([], {}, is_whole=True)
    if depth == "1" and found.is_folder:
        page = load_page(conn, found, "", plan)
    return Opened(scene, (found, dead), page, State.of(trail))


def open_news(
    conn: Connection, spot: Spot, terms: Terms, plan: Plan, since: State
) -> tuple[Scene, tuple[Node, store.Props], News] | None:
    """What changed in a folder since it was listed; None where too much did, or it is another folder."""
    trail = store.walk(conn, spot)
    found, state = trail.node, State.of(trail)
    if found is None or not found.is_folder or state.way != since.way:
        return None
    changed = store.list_changed(conn, spot.space.id, since.seq, MOST_NEWS)
    if len(changed) == MOST_NEWS:
        return None
    members = [node for node in changed if node.parent_id == found.id]
    scene = make_scene(conn, spot, found, trail.ids[:-1], plan, terms)
    return scene, (found, {}), News(state, store.list_child_ids(conn, found.id), members)


def make_scene(conn: Connection, spot: Spot, found: Node, above: tuple[int, ...], plan: Plan, terms: Terms) -> Scene:
    """What the answer has to say besides the nodes' own facts; looked up only where it is asked for."""
    names = set(plan.names)
    roots = store.list_lock_roots(conn, spot.space.id, terms.now) if (DAV, "lockdiscovery") in names else []
    hrefs = {lock.token: to_href(path, is_folder=store.is_folder(conn, lock.node_id)) for lock, path in roots}
    available, sync = None, {}
    if (DAV, "quota-available-bytes") in names or (DAV, "sync-token") in names:
        usage = store.get_usage(conn, spot.space.id, terms.quota)
        available = max(0, usage.quota - usage.used) if usage.quota else None
        sync = {found.id: store.sync_token(found, usage.seq)}
    return Scene(
        now=terms.now,
        locks=tuple(lock for lock, _ in roots),
        hrefs=hrefs,
        above=above,
        available=available,
        may_write=spot.space.may_write,
        sync=sync,
    )


def complete(ask: Ask, scene: Scene) -> Scene:
    """The scene with addresses as clients see them, and the room that the disk has."""
    base = ask.core.settings.get("drive.public_path") + to_href(ask.place.base, is_folder=False)
    hrefs = {token: base + href for token, href in scene.hrefs.items()}
    available = free_bytes(ask.core) if scene.available is None else min(scene.available, free_bytes(ask.core))
    return Scene(
        now=scene.now,
        locks=scene.locks,
        hrefs=hrefs,
        above=scene.above,
        available=available,
        may_write=scene.may_write,
        sync=scene.sync,
    )


def free_bytes(core: Core) -> int:
    """How much fits on the disk."""
    import shutil  # noqa: PLC0415

    return shutil.disk_usage(core.config.data.parent).free


def render_page(
    ask: Ask, plan: Plan, scene: Scene, own: tuple[Node, store.Props] | None, page: Page, top: Node | None = None
) -> list[str]:
    """The responses of a page, after that of the folder itself where it is the first."""
    scene = complete(ask, scene)
    folder = own[0] if own is not None else top
    assert folder is not None
    base = ask.href(ask.names, is_folder=folder.is_folder)
    parts = []
    if own is not None:
        dead = {folder.id: own[1]} if own[1] else {}
        parts.append(render(plan, [folder], base, scene, dead, is_self=True))
    inner = Scene(
        now=scene.now,
        locks=scene.locks,
        hrefs=scene.hrefs,
        above=(*scene.above, folder.id),
        available=scene.available,
        may_write=scene.may_write,
        sync=scene.sync,
    )
    parts.append(render(plan, page.nodes, base, inner, page.dead))
    return parts


async def stream_listing(
    ask: Ask, plan: Plan, scene: Scene, own: tuple[Node, store.Props], page: Page
) -> AsyncIterator[bytes]:
    """A folder of any length, some members at a time."""
    yield OPENING.encode()
    yield "".join(render_page(ask, plan, scene, own, page)).encode()
    while not page.is_whole:
        after = key_of(page.nodes[-1].name)
        page = await ask.core.db.read(load_page, own[0], after, plan)
        yield "".join(render_page(ask, plan, scene, None, page, own[0])).encode()
    yield CLOSING.encode()


async def list_virtual(ask: Ask, plan: Plan, depth: str) -> Reply:
    """The folders above the spaces."""
    kind, now = ask.place.kind, ask.core.clock()
    names: list[str] = []
    if kind == "none":
        raise NotFound("There is nothing at this address.")
    if kind == "root":
        names = ["files", "shared", "sites"]
    elif kind == "shared":
        names = [space.name for space in await ask.core.db.read(store.list_shared, ask.caller.user_id)]
    elif kind == "sites":
        names = await list_sites(ask)
    elif len(ask.place.rest) > 1:
        return await list_upload(ask, plan, depth)
    scene = Scene(now=now, available=free_bytes(ask.core), may_write=False)
    base = ask.href(ask.names, is_folder=True)
    parts = [render(plan, [virtual((ask.names or ("dav",))[-1], now)], base, scene, {}, is_self=True)]
    if depth == "1":
        parts.append(render(plan, [virtual(name, now) for name in names], base, scene, {}))
    return multistatus(["".join(parts).encode()])


async def list_sites(ask: Ask) -> list[str]:
    """The names of the caller's sites; none where there is no such app, or the token is for other things."""
    if "sites.list" not in ask.core.script or not ask.caller.may_some("sites:read"):
        return []
    return [site["name"] for site in await ask.core.call("sites.list", ask.caller)]


async def list_upload(ask: Ask, plan: Plan, depth: str) -> Reply:
    """The pieces of an upload that have come."""
    found, pieces = await ask.core.db.read(load_upload, ask.caller.user_id, ask.place.rest[1])
    now = found.touched_at
    scene = Scene(now=now)
    base = ask.href(ask.names[:3], is_folder=True)
    nodes = [Node(0, 0, None, one.name, False, one.hash, one.size, now, now, 0, 0, "") for one in pieces]
    if len(ask.place.rest) > 2:
        raise NotFound("There is nothing at this address.")
    parts = [render(plan, [virtual(found.name, now)], base, scene, {}, is_self=True)]
    parts += [render(plan, nodes, base, scene, {})] if depth == "1" else []
    return multistatus(["".join(parts).encode()])


def load_upload(conn: Connection, user_id: str, name: str) -> tuple[store.Upload, list[store.Piece]]:
    """An upload and its pieces. Raises NotFound."""
    found = store.get_upload(conn, user_id, name)
    return found, store.list_pieces(conn, found.id)
