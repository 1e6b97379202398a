"""What is asked most, at the front door: a document as it is now, and a list that is a short walk.

Only the plain case is taken: somebody who may read the whole collection asks, by a token or because it is public, and
gets an answer that has nothing of its own but the documents. Everything else, and every error, goes the general way.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from fazt.apps.textdb.actions import access_of
from fazt.apps.textdb.engine import Textdb, textdb_of
from fazt.apps.textdb.model.collection import Access, Collection
from fazt.apps.textdb.model.document import Page
from fazt.apps.textdb.model.expression import EVERYTHING
from fazt.apps.textdb.model.naming import MAX_ID, key_of
from fazt.apps.textdb.model.query import Query
from fazt.apps.textdb.routes.documents import cached_date
from fazt.apps.textdb.routes.lists import is_plain, page_links, parse_plain, show_links, to_tag
from fazt.apps.textdb.store.glance import Walk, Walked, find_document, plan_walk, take_walk
from fazt.apps.textdb.store.lists import Known
from fazt.apps.textdb.store.rules import sees_all
from fazt.core import Core
from fazt.core.app import Scope
from fazt.core.auth import Caller
from fazt.core.clock import SECOND
from fazt.core.db import TooLong
from fazt.core.errors import FaztError
from fazt.core.http.eager import Waits, at_once
from fazt.core.http.front import Reply
from fazt.core.http.hosts import client_address, find_header

UNUSUAL = frozenset({b"cookie", b"if-none-match", b"origin"})
"""Headers that make an answer another one."""

HEAD = b"content-type: application/json\r\ncache-control: private, no-cache\r\n"
OF_DOCUMENT = (
    HEAD + b'etag: "%d"\r\nlast-modified: %b\r\nx-created-at: %d\r\nx-updated-at: %d\r\ncontent-length: %d\r\n'
)
MAX_VIEWS = 1_024
MAX_LISTINGS = 1_024
LONGEST_QUERY = 500
SKIPPED = 100
"""So often a list that took too long is not tried again."""


class Listing:
    """A list that was asked for before: its walk (None where it is none), and the headers of its newest answer."""

    __slots__ = ("asked", "head", "head_of", "query", "skip", "walk")

    def __init__(self, asked: str, query: Query, walk: Walk | None) -> None:
        self.asked = asked
        self.query = query
        self.walk = walk
        self.skip = 0
        self.head = b""
        self.head_of: tuple[int, int | None] = (-1, None)

    def headers(self, scope: Scope, collection: Collection, found: Walked) -> bytes:
        """The lines of all headers but the length."""
        if self.head_of != (found.seq, found.total):
            self.head_of = (found.seq, found.total)
            lines = [] if found.total is None else [b"x-total-count: %d" % found.total]
            if links := page_links(self.asked, self.query, Page((), found.total, found.seq)):
                lines.append(b"link: " + show_links(scope, links))
            lines.append(b"etag: " + to_tag(self.asked, collection, found.seq).encode())
            self.head = HEAD + b"\r\n".join(lines) + b"\r\n"
        return self.head


class Glances:
    """What is remembered between requests. All of it follows from what it is remembered by."""

    def __init__(self) -> None:
        self._views: dict[tuple[int, int], tuple[Caller, Collection, Access]] = {}
        self._listings: OrderedDict[tuple[int, int, int, int, str], Listing] = OrderedDict()

    def access(self, caller: Caller, collection: Collection) -> Access:
        """What a caller is to a collection."""
        key = (id(caller), collection.id)
        kept = self._views.get(key)
        if kept is None or kept[0] is not caller or kept[1] is not collection:
            if len(self._views) >= MAX_VIEWS:
                self._views.clear()
            kept = self._views[key] = (caller, collection, access_of(caller, collection.name))
        return kept[2]

    def listing(self, core: Core, collection: Collection, asked: str, known: Known | None) -> Listing | None:
        """The list that a query string asks for; None where that is not worth remembering (yet). Raises Invalid."""
        if len(asked) > LONGEST_QUERY or not is_plain(asked):
            return None
        limits = core.settings.get("textdb.default_limit"), core.settings.get("textdb.max_limit")
        key = (collection.id, collection.revision, *limits, asked)
        kept = self._listings.get(key)
        if kept is None:
            query = parse_plain(asked, *limits)
            if query.count and known is None and query.where != EVERYTHING:
                return None  # it has to be counted first, which may be the last that is heard of it
            kept = self._listings[key] = Listing(asked, query, core.db.look(plan_walk, collection, query))
            if len(self._listings) > MAX_LISTINGS:
                self._listings.popitem(last=False)
        return kept


def glances_of(core: Core) -> Glances:
    """The one Glances of this program."""
    found: Any = core.engines.get(Glances)
    if found is None:
        found = Glances()
        core.add(found)
    glances: Glances = found
    return glances


def glance(core: Core, scope: Scope, reply: Reply) -> bool:
    """Answer, or answer False and leave it to others. A Front."""
    steps = scope["raw_path"].split(b"/")
    if not core.db.has_look or not 3 <= len(steps) <= 4 or steps[1] != b"db":
        return False
    textdb = textdb_of(core)
    collection = textdb.known(steps[2].decode("latin-1"))
    if collection is None or not may_see_all(core, scope, collection):
        return False
    if len(steps) == 3:
        return answer_list(core, textdb, collection, scope, reply)
    return not scope["query_string"] and answer_document(core, collection, steps[3], reply)


def may_see_all(core: Core, scope: Scope, collection: Collection) -> bool:
    """Whether this is somebody who may read everything there, and asks for nothing unusual."""
    authorization = find_authorization(scope)
    if authorization is None:
        return False
    if collection.settings.rules.read == "public":
        return True
    caller = find_caller(core, scope, authorization)
    return caller is not None and sees_all(collection, glances_of(core).access(caller, collection))


def find_authorization(scope: Scope) -> bytes | None:
    """The header Authorization, b"" where it is missing; None for a request that asks for something unusual."""
    for name, _ in scope["headers"]:
        if name in UNUSUAL:
            return None
    return find_header(scope["headers"], b"authorization") or b""


def find_caller(core: Core, scope: Scope, authorization: bytes) -> Caller | None:
    """Whose token this is; None where that is not to be had at once."""
    if authorization[:7].lower() != b"bearer ":
        return None
    secret = authorization[7:].decode("latin-1").strip()
    try:
        return at_once(core.auth.identify_token(secret, core.clock(), client_address(scope)))
    except Waits:
        return None


def answer_document(core: Core, collection: Collection, step: bytes, reply: Reply) -> bool:
    """GET /db/{collection}/{id}."""
    id_ = step.decode("latin-1")
    if not 0 < len(id_) <= MAX_ID or id_[0] == "_" or "%" in id_ or not (id_.isascii() and id_.isprintable()):
        return False
    found = core.db.look(find_document, collection.id, key_of(id_))
    if found is None:
        return False
    seq, created_at, updated_at, expires_at, text = found
    if expires_at is not None and expires_at <= core.clock():
        return False
    head = OF_DOCUMENT % (seq, cached_date(updated_at // SECOND), created_at, updated_at, len(text))
    reply.say(200, head, text)
    return True


def answer_list(core: Core, textdb: Textdb, collection: Collection, scope: Scope, reply: Reply) -> bool:
    """GET /db/{collection}, where its total is known."""
    asked = scope["query_string"].decode("latin-1")
    known = textdb.known_total((collection.id, collection.revision, "", asked))
    try:
        listing = glances_of(core).listing(core, collection, asked, known)
    except FaztError:
        return False
    if listing is None or listing.walk is None:
        return False
    if listing.skip:
        listing.skip -= 1
        return False
    try:
        found = core.db.look_briefly(take_walk, listing.walk, known)
    except TooLong:
        listing.skip = SKIPPED
        return False
    if found is None:
        return False
    head = listing.headers(scope, collection, found)
    reply.say(200, b"%bcontent-length: %d\r\n" % (head, len(found.text)), found.text)
    return True
