"""Multistatus answers: compact, in pieces, and made by columns rather than by entries, for folders are long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from time import gmtime, strftime
from xml.sax.saxutils import escape

import msgspec

from fazt.apps.drive.model.locks import Lock
from fazt.apps.drive.model.nodes import Node
from fazt.apps.drive.wire.paths import encode_name
from fazt.apps.drive.wire.types import find_type
from fazt.apps.drive.wire.xml import DAV, Name, PropFind
from fazt.core.clock import SECOND

OC = "http://owncloud.org/ns"
MS = "urn:schemas-microsoft-com:"
PREFIXES = {DAV: "D", OC: "oc", MS: "Z"}
OPENING = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:" xmlns:oc="{OC}" xmlns:Z="{MS}">\n'
CLOSING = "</D:multistatus>"
OK, NOT_FOUND = "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
ENTRY = "<D:lockentry><D:lockscope><D:{}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
SUPPORTED_LOCK = ENTRY.format("exclusive") + ENTRY.format("shared")
SUPPORTED_REPORT = "<D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report>"
PRIVILEGES = "<D:privilege><D:read/></D:privilege>"
WRITE_PRIVILEGES = PRIVILEGES + "<D:privilege><D:write/></D:privilege>"


class Scene(msgspec.Struct, frozen=True):
    """What is the same for all entries of an answer. `locks` come with the ids on the way to each node asked about."""

    now: int
    locks: tuple[Lock, ...] = ()
    hrefs: Mapping[str, str] = {}
    """Where the root of each lock is, by its token."""
    above: tuple[int, ...] = ()
    """Ids of the folders above the entries."""
    available: int | None = None
    may_write: bool = True
    sync: Mapping[int, str] = {}


@lru_cache(maxsize=16_384)
def _http_minute(minute: int) -> str:
    return strftime("%a, %d %b %Y %H:%M:", gmtime(minute * 60))


@lru_cache(maxsize=16_384)
def _iso_minute(minute: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:", gmtime(minute * 60))


_TWO = [f"{second:02}" for second in range(60)]


def http_date(at: int) -> str:
    """Milliseconds as an HTTP date; one strftime a minute of the past."""
    minute, second = divmod(at // 1_000, 60)
    return f"{_http_minute(minute)}{_TWO[second]} GMT"


def iso_date(at: int) -> str:
    """Milliseconds as RFC 3339 without a fraction, which some clients cannot read."""
    minute, second = divmod(at // 1_000, 60)
    return f"{_iso_minute(minute)}{_TWO[second]}Z"


def to_text(text: str) -> str:
    """Text for XML: escaped, what XML cannot hold replaced."""
    if text.isalnum():
        return text
    return escape(UNFIT.sub("\ufffd", text), {"\r": "&#13;"})


# --- live properties: for many nodes at once, what stands in each one's element

Column = Callable[[Sequence[Node], Scene], Iterable[str]]


class Live(msgspec.Struct, frozen=True):
    """A live property: of files, of folders (None where they have it not), and whether allprop shows it."""

    files: Column | None
    folders: Column | None
    in_all: bool = False


def _same(text: str) -> Column:
    return lambda nodes, _scene: [text] * len(nodes)


def _names(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [to_text(node.name) for node in nodes]


def _sizes(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [str(node.size) for node in nodes]


def _modified(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [http_date(node.modified_at) for node in nodes]


def _created(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [iso_date(node.created_at) for node in nodes]


def _etags(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [node.etag for node in nodes]


def _types(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [find_type(node.name) for node in nodes]


def _locks(nodes: Sequence[Node], scene: Scene) -> Iterable[str]:
    if not scene.locks:
        return [""] * len(nodes)
    return [
        "".join(to_activelock(lock, scene) for lock in scene.locks if lock.covers((*scene.above, node.id)))
        for node in nodes
    ]


def to_activelock(lock: Lock, scene: Scene) -> str:
    """One lock, as lockdiscovery shows it. No blanks around token and href: clients compare them."""
    left_s = max(1, -(-(lock.expires_at - scene.now) // SECOND))
    scope = "shared" if lock.is_shared else "exclusive"
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.is_deep else '0'}</D:depth>{lock.owner_xml}"
        f"<D:timeout>Second-{left_s}</D:timeout><D:locktoken><D:href>{lock.token}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{scene.hrefs.get(lock.token, '')}</D:href></D:lockroot></D:activelock>"
    )


def _available(nodes: Sequence[Node], scene: Scene) -> Iterable[str]:
    return [str(scene.available or 0)] * len(nodes)


def _privileges(nodes: Sequence[Node], scene: Scene) -> Iterable[str]:
    return [WRITE_PRIVILEGES if scene.may_write else PRIVILEGES] * len(nodes)


def _sync_tokens(nodes: Sequence[Node], scene: Scene) -> Iterable[str]:
    return [scene.sync.get(node.id, "") for node in nodes]


def _ids(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [str(node.id) for node in nodes]


def _checksums(nodes: Sequence[Node], _scene: Scene) -> Iterable[str]:
    return [f"<oc:checksum>{node.checksums}</oc:checksum>" if node.checksums else "" for node in nodes]


def _file_rights(nodes: Sequence[Node], scene: Scene) -> Iterable[str]:
    return ["RGDNVW" if scene.may_write else "G"] * len(nodes)


def _folder_rights(nodes: Sequence[Node], scene: Scene) -> Iterable[str]:
    return ["RGDNVCK" if scene.may_write else "G"] * len(nodes)


LIVE: dict[Name, Live] = {
    (DAV, "resourcetype"): Live(_same(""), _same("<D:collection/>"), in_all=True),
    (DAV, "getlastmodified"): Live(_modified, _modified, in_all=True),
    (DAV, "getcontentlength"): Live(_sizes, None, in_all=True),
    (DAV, "getetag"): Live(_etags, _etags, in_all=True),
    (DAV, "getcontenttype"): Live(_types, _same("httpd/unix-directory"), in_all=True),
    (DAV, "creationdate"): Live(_created, _created, in_all=True),
    (DAV, "displayname"): Live(_names, _names, in_all=True),
    (DAV, "supportedlock"): Live(_same(SUPPORTED_LOCK), _same(SUPPORTED_LOCK), in_all=True),
    (DAV, "lockdiscovery"): Live(_locks, _locks, in_all=True),
    (DAV, "quota-used-bytes"): Live(None, _sizes),
    (DAV, "quota-available-bytes"): Live(None, _available),
    (DAV, "supported-report-set"): Live(_same(""), _same(SUPPORTED_REPORT)),
    (DAV, "sync-token"): Live(None, _sync_tokens),
    (DAV, "current-user-privilege-set"): Live(_privileges, _privileges),
    (OC, "id"): Live(_ids, _ids),
    (OC, "fileid"): Live(_ids, _ids),
    (OC, "size"): Live(_sizes, _sizes),
    (OC, "permissions"): Live(_file_rights, _folder_rights),
    (OC, "checksums"): Live(_checksums, None),
    (MS, "Win32LastModifiedTime"): Live(_modified, _modified),
}
ALL = tuple(name for name, live in LIVE.items() if live.in_all)
QUIET = frozenset({(DAV, "supportedlock"), (DAV, "lockdiscovery")})
"""Of allprop, what is left out of listings: Windows gives up at a megabyte, and nobody needs it for each file."""
ELSEWHERE = frozenset({(DAV, "lockdiscovery"), (DAV, "quota-available-bytes"), (DAV, "sync-token")})
"""What is not known from the row of a file or folder alone."""
PROTECTED = frozenset(LIVE) - {(MS, "Win32LastModifiedTime")}


# --- elements


@lru_cache(maxsize=1_024)
def tags(name: Name) -> tuple[str, str, str]:
    """Opening, closing and empty tag of a property."""
    namespace, local = name
    prefix = PREFIXES.get(namespace)
    if prefix is not None:
        return f"<{prefix}:{local}>", f"</{prefix}:{local}>", f"<{prefix}:{local}/>"
    if not namespace:
        return f"<{local}>", f"</{local}>", f"<{local}/>"
    quoted = escape(namespace, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
    return f'<x:{local} xmlns:x="{quoted}">', f"</x:{local}>", f'<x:{local} xmlns:x="{quoted}"/>'


def propstat(body: str, status: str, more: str = "") -> str:
    """One propstat, or nothing for no property."""
    return f"<D:propstat><D:prop>{body}</D:prop><D:status>{status}</D:status>{more}</D:propstat>" if body else ""


class Plan(msgspec.Struct, frozen=True):
    """Which properties an answer shows. `all_dead` shows every dead property; `only_names` shows no values."""

    names: tuple[Name, ...]
    all_dead: bool = False
    only_names: bool = False
    shows_missing: bool = True


def make_plan(asked: PropFind, *, is_listing: bool) -> Plan:
    """What to show for a PROPFIND; in listings allprop leaves out what only makes them longer."""
    if asked.kind == "prop":
        return Plan(asked.names)
    if asked.kind == "propname":
        return Plan(tuple(LIVE), all_dead=True, only_names=True, shows_missing=False)
    names = tuple(name for name in ALL if not (is_listing and name in QUIET))
    return Plan((*names, *(name for name in asked.names if name not in names)), all_dead=True, shows_missing=False)


Dead = Mapping[int, Mapping[Name, str]]
"""Dead properties by node id."""


def render(plan: Plan, nodes: Sequence[Node], base: str, scene: Scene, dead: Dead, *, is_self: bool = False) -> str:
    """The responses for nodes in the folder whose href is `base` (of a node itself, with `is_self`)."""
    parts: list[str] = []
    for is_folder in (True, False):
        group = [node for node in nodes if node.is_folder is is_folder]
        if not group:
            continue
        slash = "/" if is_folder else ""
        hrefs = [base] if is_self else [f"{base}{encode_name(node.name)}{slash}" for node in group]
        rich = [node.id in dead for node in group]
        if not any(rich):
            parts.extend(_render_alike(plan, group, hrefs, scene, is_folder=is_folder))
            continue
        for node, href in zip(group, hrefs, strict=True):
            parts.append(_render_one(plan, node, href, scene, dead.get(node.id, {})))
    return "".join(parts)


def render_each(plan: Plan, nodes: Sequence[Node], base: str, scene: Scene) -> dict[int, bytes]:
    """As `render`, one by one: the responses by id, folders first, of nodes that have no dead properties to show."""
    found: dict[int, bytes] = {}
    for is_folder in (True, False):
        group = [node for node in nodes if node.is_folder is is_folder]
        slash = "/" if is_folder else ""
        hrefs = [f"{base}{encode_name(node.name)}{slash}" for node in group]
        lines = _render_alike(plan, group, hrefs, scene, is_folder=is_folder)
        found.update(zip((node.id for node in group), map(str.encode, lines), strict=True))
    return found


def hangs_on_nodes(plan: Plan) -> bool:
    """Whether all that is shown of a file is in its own row: then it is true for as long as the row is the same."""
    return not plan.all_dead and all(name in LIVE and name not in ELSEWHERE for name in plan.names)


def _split(plan: Plan, *, is_folder: bool) -> tuple[list[tuple[Name, Column]], list[Name]]:
    shown: list[tuple[Name, Column]] = []
    missing: list[Name] = []
    for name in plan.names:
        live = LIVE.get(name)
        column = None if live is None else live.folders if is_folder else live.files
        if column is None:
            missing.append(name)
        else:
            shown.append((name, column))
    return shown, missing


def _render_alike(
    plan: Plan, nodes: Sequence[Node], hrefs: list[str], scene: Scene, *, is_folder: bool
) -> Iterable[str]:
    """Nodes that have the same properties: one template, filled by columns."""
    shown, missing = _split(plan, is_folder=is_folder)
    lost = propstat("".join(tags(name)[2] for name in missing), NOT_FOUND) if plan.shows_missing else ""
    if plan.only_names:
        found = propstat("".join(tags(name)[2] for name, _ in shown), OK)
        return [f"<D:response><D:href>{href}</D:href>{found}{lost}</D:response>\n" for href in hrefs]
    inside = "".join(f"{_percent(tags(name)[0])}%s{_percent(tags(name)[1])}" for name, _ in shown)
    found = propstat(inside, OK)
    if not found and not lost:
        found = f"<D:propstat><D:prop/><D:status>{OK}</D:status></D:propstat>"
    template = f"<D:response><D:href>%s</D:href>{found}{_percent(lost)}</D:response>\n"
    columns = [column(nodes, scene) for _, column in shown]
    return map(template.__mod__, zip(hrefs, *columns, strict=True))


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _render_one(plan: Plan, node: Node, href: str, scene: Scene, dead: Mapping[Name, str]) -> str:
    """One node, with dead properties among the others."""
    shown, missing = _split(plan, is_folder=node.is_folder)
    if plan.only_names:
        found = "".join(tags(name)[2] for name, _ in shown)
    else:
        found = "".join(f"{tags(name)[0]}{next(iter(column([node], scene)))}{tags(name)[1]}" for name, column in shown)
    wanted = dead if plan.all_dead else {name: dead[name] for name in missing if name in dead}
    found += "".join(tags(name)[2] if plan.only_names else xml for name, xml in wanted.items() if name not in LIVE)
    lost = "".join(tags(name)[2] for name in missing if name not in dead) if plan.shows_missing else ""
    stats = propstat(found, OK) + propstat(lost, NOT_FOUND)
    return f"<D:response><D:href>{href}</D:href>{stats}</D:response>\n"


def render_patch(href: str, results: Mapping[str, Sequence[Name]], conditions: Mapping[str, str]) -> str:
    """The answer to PROPPATCH: names by status line, with the condition that a status breaks."""
    stats = "".join(
        propstat(
            "".join(tags(name)[2] for name in names),
            status,
            f"<D:error><D:{conditions[status]}/></D:error>" if status in conditions else "",
        )
        for status, names in results.items()
    )
    return f"{OPENING}<D:response><D:href>{href}</D:href>{stats}</D:response>\n{CLOSING}"


def render_status(href: str, status: str, condition: str = "") -> str:
    """A response that is only a status."""
    error = f"<D:error><D:{condition}/></D:error>" if condition else ""
    return f"<D:response><D:href>{href}</D:href><D:status>{status}</D:status>{error}</D:response>\n"


def render_locks(locks: Sequence[Lock], scene: Scene) -> str:
    """The answer to LOCK."""
    inside = "".join(to_activelock(lock, scene) for lock in locks)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<D:prop xmlns:D="DAV:"><D:lockdiscovery>{inside}</D:lockdiscovery></D:prop>'
    )


def render_error(condition: str, message: str, hrefs: Sequence[str] = ()) -> str:
    """The body of an error: the condition that was broken (section 16), and words for people."""
    inside = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    broken = f"<D:{condition}>{inside}</D:{condition}>" if condition else ""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="DAV:" xmlns:f="urn:fazt">'
        f"{broken}<f:message>{to_text(message)}</f:message></D:error>"
    )
