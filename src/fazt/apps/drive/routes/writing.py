"""PUT, MKCOL, DELETE, COPY, MOVE and PROPPATCH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from fazt.apps.drive import actions, store
from fazt.apps.drive.actions import SMALL_BYTES, receive_content
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Content, Node, Put, Spot
from fazt.apps.drive.routes.asking import XML_TYPE, Ask, Header, Refused, Reply
from fazt.apps.drive.routes.getting import file_headers
from fazt.apps.drive.wire.digests import parse_digests
from fazt.apps.drive.wire.headers import Checksum, parse_checksums, parse_depth, parse_oc_time, parse_overwrite
from fazt.apps.drive.wire.multistatus import CLOSING, MS, OPENING, PROTECTED, propstat, render_patch, tags
from fazt.apps.drive.wire.xml import DAV, PropSet, has_collection, parse_mkcol, parse_proppatch
from fazt.core.clock import SECOND
from fazt.core.errors import Invalid, OverQuota, TooLarge
from fazt.core.http.conditional import parse_date
from fazt.core.http.messages import stream_body

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FILE_BYTES = 1 << 50
DIGESTS = (b"content-digest", b"repr-digest", b"digest", b"content-md5")
ACCEPTED: Header = (b"x-oc-mtime", b"accepted")
TIMES = frozenset({(DAV, "lastmodified"), (DAV, "getlastmodified"), (MS, "Win32LastModifiedTime")})
"""Properties that set the time of last change: rclone's, some clients' in spite of the RFC, Windows'."""
OK, FORBIDDEN, FAILED, FULL = (
    "HTTP/1.1 200 OK",
    "HTTP/1.1 403 Forbidden",
    "HTTP/1.1 424 Failed Dependency",
    "HTTP/1.1 507 Insufficient Storage",
)


# --- PUT


async def put(ask: Ask) -> Reply:
    """PUT: a file whole, or nothing."""
    if b"content-range" in ask.headers:
        raise Refused(400, "Parts of a file cannot be put.", headers=((b"accept-ranges", b"bytes"),))
    if ask.address.is_folder:
        raise Refused(405, "An address that ends with a slash is a folder's.")
    spot, terms = ask.spot, await ask.terms()
    if not spot.segments:
        raise Refused(405, "This is a folder.")
    length = ask.length
    is_small = length is not None and length <= SMALL_BYTES and b"expect" not in ask.headers
    if not is_small:  # before a byte has come, and before 100 Continue is said
        announced = announced_bytes(ask)
        ask.core.db.check_room((announced or 0) // 2)  # once, not twice: the log is folded in while it comes
        await ask.core.db.read(store.check_put, spot, terms, announced)
    content = await receive(ask, await room(ask, spot) if not is_small else SMALL_BYTES)
    done = await drive_of(ask.core).put_file(spot, content, terms)
    return Reply(201 if done.is_new else 204, put_headers(ask, done), changed=(spot,))


def announced_bytes(ask: Ask) -> int | None:
    """How many bytes are to come, where anything says so: Content-Length, Finder's and ownCloud's headers."""
    if ask.length is not None:
        return ask.length
    for name in (b"x-expected-entity-length", b"oc-total-length"):
        text = ask.text(name) or ""
        if text.isascii() and text.isdigit() and len(text) < 18:
            return int(text)
    return None


async def room(ask: Ask, spot: Spot) -> int:
    """How many bytes a file may have here."""
    usage = await ask.core.db.read(store.get_usage, spot.space.id, actions.quota_bytes(ask.core))
    if not usage.quota:
        return MAX_FILE_BYTES
    old = await ask.core.db.read(store.find_node, spot)
    return max(0, usage.quota - usage.used + (old.size if old is not None and not old.is_folder else 0))


async def receive(ask: Ask, max_bytes: int) -> Content:
    """The body as a content. Raises Invalid where it is not what was announced, OverQuota, TooLarge."""
    checks, is_shown = find_checks(ask)
    stream = stream_body(ask.scope, ask.receive, max_bytes)
    try:
        content = await receive_content(ask.core, stream, max_bytes=max_bytes, checks=checks, is_shown=is_shown)
    except TooLarge as error:
        raise OverQuota("There is not enough room left in this drive.") from error
    check_expected(ask, content)
    return with_times(ask, content)


def find_checks(ask: Ask) -> tuple[list[Checksum], bool]:
    """What the body has to sum up to, and whether such sums are to be kept. Raises Invalid."""
    checks = parse_checksums(ask.text(b"oc-checksum"))
    digests = {name.decode(): ask.headers[name].decode("latin-1") for name in DIGESTS if name in ask.headers}
    return unique([*checks, *(parse_digests(digests) if digests else [])]), bool(checks)


def with_times(ask: Ask, content: Content) -> Content:
    """A content with the times that the client gives it."""
    modified_at, created_at = parse_oc_time(ask.text(b"x-oc-mtime")), parse_oc_time(ask.text(b"x-oc-ctime"))
    return msgspec.structs.replace(content, modified_at=modified_at, created_at=created_at)


def unique(checks: Sequence[Checksum]) -> list[Checksum]:
    """Checks without doubles. Raises Invalid where two contradict each other."""
    found: dict[str, Checksum] = {}
    for check in checks:
        if found.setdefault(check.algorithm, check) != check:
            raise Invalid("The digests of this request contradict each other.")
    return list(found.values())


def check_expected(ask: Ask, content: Content) -> None:
    """Raises Invalid where Finder meant to send bytes and a proxy has swallowed them all."""
    expected = ask.text(b"x-expected-entity-length") or ""
    if not content.size and ask.length is None and expected.isascii() and expected.isdigit() and int(expected[:18]):
        raise Invalid("No bytes came, though some were announced.", hint="A proxy in between may not pass them on.")


def put_headers(ask: Ask, done: Put) -> list[Header]:
    """Finder and davfs2 ask again for what is not told here."""
    found = done.node
    headers = file_headers(found)[:2]
    headers += [(b"oc-etag", found.etag.encode()), (b"oc-fileid", str(found.id).encode())]
    if b"x-oc-mtime" in ask.headers:
        headers.append(ACCEPTED)
    return headers


# --- MKCOL and DELETE


async def mkcol(ask: Ask) -> Reply:
    """MKCOL, and with a body the extended one (RFC 5689)."""
    changes: list[PropSet] = []
    if ask.has_body:
        body = await read_xml(ask)
        changes = parse_mkcol(body) if body.strip() else []
    if ask.place.spot is None and ask.place.kind != "none":
        raise Refused(405, "This folder is there already.")
    spot, terms = ask.spot, await ask.terms()
    if not spot.segments:
        raise Refused(405, "This folder is there already.")
    kinds = [kind for change in changes if (kind := has_collection(change)) is not None]
    if False in kinds:
        raise Refused(403, "Only plain folders can be made.", "valid-resourcetype")
    sets = [change for change in changes if has_collection(change) is None]
    failed = [change.name for change in sets if change.name in PROTECTED and change.name != (DAV, "displayname")]
    if failed:
        return refuse_mkcol(sets, failed)
    await ask.core.db.write(make_folder, spot, terms, to_changes(sets))
    return Reply(201, [(b"content-location", ask.href(ask.names, is_folder=True).encode())], changed=(spot,))


async def read_xml(ask: Ask) -> bytes:
    """The body, which has to be XML. Raises Refused (415)."""
    body = await ask.body()
    if body:
        kind = (ask.text(b"content-type") or "").partition(";")[0].strip().lower()
        if kind and kind not in {"text/xml", "application/xml", "text/plain"} and not kind.endswith("+xml"):
            raise Refused(415, "The body of this method is XML.")
    return body


def refuse_mkcol(sets: Sequence[PropSet], failed: Sequence[tuple[str, str]]) -> Reply:
    """What an extended MKCOL says that was refused."""
    bad = "".join(tags(name)[2] for name in failed)
    rest = "".join(tags(change.name)[2] for change in sets if change.name not in failed)
    error = "<D:error><D:cannot-modify-protected-property/></D:error>"
    body = OPENING.replace("multistatus", "mkcol-response") + propstat(bad, FORBIDDEN, error) + propstat(rest, FAILED)
    return Reply(403, [XML_TYPE], (body + CLOSING.replace("multistatus", "mkcol-response")).encode())


def make_folder(conn: Connection, spot: Spot, terms: Terms, changes: list[store.Change]) -> Node:
    """A folder with its first properties."""
    made = store.create_folder(conn, spot, terms)
    if changes:
        store.put_props(conn, made.id, changes)
    return made


def to_changes(sets: Sequence[PropSet]) -> list[store.Change]:
    """What is kept of changes. displayname is the name itself, and cannot be another."""
    return [store.Change(one.name, one.xml) for one in sets if one.name != (DAV, "displayname")]


async def delete(ask: Ask) -> Reply:
    """DELETE: into the trash, all or nothing."""
    if ask.address.is_folder or b"depth" in ask.headers:
        depth = parse_depth(ask.text(b"depth"), "infinity")
        if depth == "1" or (depth == "0" and ask.address.is_folder):
            raise Refused(400, "A folder is deleted with all that is in it.")
    spot, terms = ask.spot, await ask.terms()
    await ask.core.db.write(store.delete_node, spot, terms)
    return Reply(204, changed=(spot,))


# --- COPY and MOVE


async def copy(ask: Ask) -> Reply:
    """COPY: no byte is copied."""
    depth = parse_depth(ask.text(b"depth"), "infinity")
    if depth == "1":
        raise Refused(400, "COPY has Depth 0 or infinity.")
    spot, target, terms = await read_target(ask)
    done = await ask.core.db.write(store.copy_node, spot, target, terms, is_deep=depth == "infinity")
    return moved_reply(ask, done, target, (target.spot,))


async def move(ask: Ask) -> Reply:
    """MOVE: at once, with all that is below."""
    if parse_depth(ask.text(b"depth"), "infinity") != "infinity":
        raise Refused(400, "MOVE has Depth infinity.")
    spot, target, terms = await read_target(ask)
    done = await ask.core.db.write(store.move_node, spot, target, terms)
    return moved_reply(ask, done, target, (spot, target.spot))


async def read_target(ask: Ask) -> tuple[Spot, store.Target, Terms]:
    """What is to go where. Raises what fits."""
    overwrite = parse_overwrite(ask.text(b"overwrite"))
    spot = ask.spot
    goal, _ = await ask.destination()
    ask.caller.check("sites:write" if goal.space.kind == "site" else actions.WRITE)
    modified_at = parse_oc_time(ask.text(b"x-oc-mtime"))
    return spot, store.Target(goal, overwrite, modified_at), await ask.terms()


def moved_reply(ask: Ask, done: store.Moved, target: store.Target, changed: tuple[Spot, ...]) -> Reply:
    """201 for a new address, 204 for one where something was."""
    headers: list[Header] = []
    if not done.node.is_folder:
        headers = [(b"oc-etag", done.node.etag.encode()), (b"etag", done.node.etag.encode())]
    headers.append((b"oc-fileid", str(done.node.id).encode()))
    if target.modified_at is not None and b"x-oc-mtime" in ask.headers:
        headers.append(ACCEPTED)
    return Reply(201 if done.is_new else 204, headers, changed=changed)


# --- PROPPATCH


async def proppatch(ask: Ask) -> Reply:
    """PROPPATCH: all changes in their order, or none."""
    ask.check_xml()
    sets = parse_proppatch(await ask.body())
    spot, terms = ask.spot, await ask.terms()
    found = await ask.core.db.read(store.get_node, spot)
    href = ask.href(ask.names, is_folder=found.is_folder)
    names = list(dict.fromkeys(change.name for change in sets))
    bad = [change.name for change in sets if is_protected(change)]
    if bad:
        rest = [name for name in names if name not in bad]
        results = {FORBIDDEN: list(dict.fromkeys(bad)), FAILED: rest}
        return patched(href, results, {FORBIDDEN: "cannot-modify-protected-property"})
    modified_at = find_time(sets)
    changes = [change for change in to_changes(sets) if change.name not in TIMES]
    try:
        await ask.core.db.write(store.change_props, spot, changes, modified_at, terms)
    except OverQuota:
        return patched(href, {FULL: names}, {})
    return patched(href, {OK: names}, {})


def patched(href: str, results: dict[str, list[tuple[str, str]]], conditions: dict[str, str]) -> Reply:
    """207 for one resource."""
    return Reply(207, [XML_TYPE], render_patch(href, results, conditions).encode())


def is_protected(change: PropSet) -> bool:
    """Whether the server alone says what this is."""
    if change.name in TIMES:
        return change.xml is not None and read_time(change.text) is None
    return change.name in PROTECTED and not (change.name[0] != DAV and change.name[1] == "checksums")


def find_time(sets: Sequence[PropSet]) -> int | None:
    """The time of last change that the last of the properties sets that mean it, in ms."""
    found = None
    for change in sets:
        if change.name in TIMES and change.xml is not None:
            found = read_time(change.text)
    return found


def read_time(text: str) -> int | None:
    """An HTTP date, or seconds since 1970 as rclone sends them; in ms, or None."""
    try:
        seconds = float(text)
    except ValueError:
        date = parse_date(text)
        return None if date is None else max(0, date) * SECOND
    return int(min(max(0.0, seconds), 253_402_300_799.0) * SECOND) if seconds == seconds else None  # noqa: PLR0124 - not a number is what is not itself
