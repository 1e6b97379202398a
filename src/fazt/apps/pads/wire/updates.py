"""Yjs updates (version 1): walked through before anything is done with them.

The library that applies them allocates what an update announces, and waits for what it builds upon. So each one is
read here first: its numbers are held against its size, and `find_gap` says whether what it builds upon is there.

Clocks count units of UTF-16, so a client may cut a character in two. Yjs then has U+FFFD for both halves, and the
library another text, and another idea of all that follows: `Pairs` finds such cuts, which are refused.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from fazt.apps.pads.wire.lib0 import Reader, garbled
from fazt.core.errors import Invalid

MAX_CLOCK = 1 << 31
WIDE = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
"""How a character of two units looks in UTF-8; now and then something else does, too."""
MAX_DEPTH = 32
GC, SKIP = 0, 10
DELETED, JSON, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, DOC = range(1, 10)
NAMED_TYPES, TYPES = {3, 5}, 7
"""XML elements and hooks carry a name."""
FIXED = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}
ANY_INT, ANY_TEXT, ANY_OBJECT, ANY_ARRAY, ANY_BYTES = 125, 119, 118, 117, 116


class Walked(msgspec.Struct):
    """What an update brings and builds upon. `blocks` are (client, from, to); `needs` says up to where, by client.

    `pairs` are (client, clock) of second halves of characters; `cuts` before which units something is put or deleted.
    """

    blocks: list[tuple[int, int, int]]
    needs: dict[int, int]
    pairs: list[tuple[int, int]]
    cuts: list[tuple[int, int]]

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.blocks and not self.needs


def walk(update: bytes) -> Walked:
    """Read an update from end to end. Raises Invalid."""
    reader = Reader(update)
    walked = Walked([], {}, [], [])
    try:
        for _ in range(count_of(reader)):
            walk_client(reader, walked)
        for _ in range(count_of(reader)):
            client = reader.uint()
            for _ in range(count_of(reader)):
                clock = reader.uint()
                end = check_clock(clock + reader.uint())
                need(walked, client, end)
                walked.cuts += ((client, clock), (client, end))
    except Invalid as error:
        raise Invalid("This is no Yjs update.") from error
    if not reader.is_over:
        raise Invalid("This is no Yjs update.")
    return walked


def count_of(reader: Reader) -> int:
    """How many of something follow; each has a byte at least."""
    count = reader.uint()
    if count > reader.end - reader.at:
        raise garbled()
    return count


def check_clock(clock: int) -> int:
    """A moment in a client's work."""
    if clock > MAX_CLOCK:
        raise garbled()
    return clock


def need(walked: Walked, client: int, clock: int) -> None:
    """It builds upon the work of a client before `clock`."""
    if walked.needs.get(client, 0) < clock:
        walked.needs[client] = clock


def walk_client(reader: Reader, walked: Walked) -> None:
    """The work of one client."""
    structs, client = count_of(reader), reader.uint()
    clock = reader.uint()
    for _ in range(structs):
        info = reader.byte()
        begin = clock
        if info == SKIP:
            clock += reader.uint()
        else:
            clock += reader.uint() if info & 0x1F == GC else walk_item(reader, info, walked, (client, begin))
            walked.blocks.append((client, begin, check_clock(clock)))
    check_clock(clock)


def walk_item(reader: Reader, info: int, walked: Walked, begin: tuple[int, int]) -> int:
    """An item; how long it is."""
    if info & 0x80:
        client, clock = walk_id(reader, walked)
        walked.cuts.append((client, clock + 1))
    if info & 0x40:
        walked.cuts.append(walk_id(reader, walked))
    if not info & 0xC0:
        walk_parent(reader, walked)
        if info & 0x20:
            reader.text()
    if info & 0x1F == STRING:
        return walk_string(reader.text(), walked, *begin)
    return walk_content(reader, info & 0x1F)


def walk_string(text: str, walked: Walked, client: int, clock: int) -> int:
    """Characters; how many units of UTF-16."""
    size = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    if size > len(text):
        wide = (at for at, character in enumerate(text) if character > "\uffff")
        walked.pairs += ((client, clock + at + before + 1) for before, at in enumerate(wide))
    return size


def walk_id(reader: Reader, walked: Walked) -> tuple[int, int]:
    """The item that it stands beside, or in."""
    client, clock = reader.uint(), reader.uint()
    need(walked, client, check_clock(clock + 1))
    return client, clock


def walk_parent(reader: Reader, walked: Walked) -> None:
    """A root by its name, or an item."""
    if reader.uint() == 1:
        reader.text()
    else:
        walk_id(reader, walked)


def walk_content(reader: Reader, kind: int) -> int:
    """The content of an item; its length."""
    if kind == DELETED:
        return reader.uint()
    if kind == ANY:
        return walk_values(reader)
    if kind == JSON:
        return walk_texts(reader)
    walk_single(reader, kind)
    return 1


def walk_single(reader: Reader, kind: int) -> None:
    """Content that counts as one."""
    if kind == BINARY:
        reader.skip(reader.uint())
    elif kind == EMBED:
        reader.text()
    elif kind == FORMAT:
        reader.text()
        reader.text()
    elif kind == TYPE:
        walk_type(reader)
    elif kind == DOC:
        reader.text()
        walk_any(reader, 0)
    else:
        raise garbled()


def walk_type(reader: Reader) -> None:
    """A type within the document."""
    kind = reader.uint()
    if kind >= TYPES:
        raise garbled()
    if kind in NAMED_TYPES:
        reader.text()


def walk_values(reader: Reader) -> int:
    """Values in lib0's own encoding; how many."""
    count = count_of(reader)
    for _ in range(count):
        walk_any(reader, 0)
    return count


def walk_texts(reader: Reader) -> int:
    """Values as JSON; how many."""
    count = count_of(reader)
    for _ in range(count):
        reader.text()
    return count


def walk_any(reader: Reader, depth: int) -> None:
    """One value."""
    kind = reader.byte()
    if kind in FIXED:
        reader.skip(FIXED[kind])
    elif kind == ANY_INT:
        reader.signed()
    elif kind == ANY_TEXT:
        reader.text()
    elif kind == ANY_BYTES:
        reader.skip(reader.uint())
    elif kind in {ANY_OBJECT, ANY_ARRAY} and depth < MAX_DEPTH:
        for _ in range(count_of(reader)):
            if kind == ANY_OBJECT:
                reader.text()
            walk_any(reader, depth + 1)
    else:
        raise garbled()


def find_gap(walked: Walked, known: Mapping[int, int]) -> bool:
    """Whether anything that the update builds upon is missing here; `known` is what is here of each client's work."""
    reached: dict[int, int] = {}
    for client, begin, end in walked.blocks:
        so_far = reached.get(client)
        if so_far is None:
            so_far = known.get(client, 0)
        if begin > so_far:
            return True
        reached[client] = max(so_far, end)
    return any(clock > max(reached.get(client, 0), known.get(client, 0)) for client, clock in walked.needs.items())


class Pairs:
    """Where in a document characters have two units, so that nobody cuts them."""

    def __init__(self) -> None:
        self._by_client: dict[int, array[int]] = {}

    def add(self, walked: Walked) -> None:
        """An update is part of the document now."""
        for client, clock in walked.pairs:
            known = self._by_client.setdefault(client, array("I"))
            if not known or clock > known[-1]:
                known.append(clock)

    def find_cut(self, walked: Walked) -> bool:
        """Whether an update would cut a character in two, of the document or of its own."""
        own = set(walked.pairs)
        return any(cut in own or self._holds(*cut) for cut in walked.cuts)

    def _holds(self, client: int, clock: int) -> bool:
        known = self._by_client.get(client)
        if known is None:
            return False
        at = bisect_left(known, clock)
        return at < len(known) and known[at] == clock


def find_pairs(updates: Iterable[bytes]) -> Pairs:
    """Those of a whole document. Takes its time where there are such characters."""
    found = Pairs()
    for update in updates:
        if WIDE.search(update):
            found.add(walk(update))
    return found
