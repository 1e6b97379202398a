"""Reading on in the log: where a listener begins, and the next messages behind a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import Since
from fazt.apps.pubsub.model.topic import is_pattern, literal_prefix
from fazt.apps.pubsub.schema import message, topic
from fazt.apps.pubsub.store.topics import BY_NAME, LAST_TEXT, list_latest, load_messages, read_seq

Wanted = Callable[[str], bool]

WINDOW = 5_000
MAX_WINDOWS = 40
PAGE_MESSAGES = 500
PAGE_BYTES = 131_072

OF_TOPIC = (
    select(message.c.seq, message.c.expires_at, func.length(message.c.data).label("size"))
    .where(
        message.c.topic_id == bindparam("topic"), message.c.seq > bindparam("after"), message.c.seq <= bindparam("upto")
    )
    .order_by(message.c.seq)
    .limit(PAGE_MESSAGES + 1)
)
OF_ALL = (
    select(message.c.seq, message.c.expires_at, func.length(message.c.data).label("size"), topic.c.name)
    .join(topic, topic.c.id == message.c.topic_id)
    .where(message.c.seq > bindparam("after"), message.c.seq <= bindparam("upto"))
    .order_by(message.c.seq)
)
FIRST_BEHIND = select(func.min(message.c.seq)).where(message.c.seq > bindparam("after"))
BY_ID = select(message.c.seq).where(message.c.id == bindparam("id")).order_by(message.c.seq.desc()).limit(1)
AT = select(message.c.seq, message.c.at).where(message.c.seq >= bindparam("seq")).order_by(message.c.seq).limit(1)
LAST_OF_TOPIC = (
    select(message.c.seq)
    .where(message.c.topic_id == bindparam("topic"), message.c.expires_at > bindparam("now"))
    .order_by(message.c.seq.desc())
    .limit(bindparam("count"))
)


@dataclass(slots=True)
class Page:
    """The next messages, everything up to `position` looked through; `is_last` where that is all there was."""

    messages: list[Message]
    position: int
    is_last: bool


@dataclass(slots=True)
class Start:
    """Where a listener begins: what to say `first`, the number behind which to read on, and whether some is lost."""

    position: int
    first: list[Message] = field(default_factory=list)
    is_lost: bool = False


def read_page(conn: Connection, patterns: list[str], wanted: Wanted, *, after: int, upto: int, now: int) -> Page:
    """The next messages behind `after`, none behind `upto`, of topics that the patterns mean and `wanted` lets by."""
    if len(patterns) == 1 and not is_pattern(patterns[0]):
        return read_topic(conn, patterns[0], after=after, upto=upto, now=now)
    position = after
    for _ in range(MAX_WINDOWS):
        first = conn.execute(FIRST_BEHIND, {"after": position}).scalar_one()
        if first is None or first > upto:
            return Page([], upto, is_last=True)
        end = min(upto, int(first) - 1 + WINDOW)
        rows = conn.execute(narrow(OF_ALL, patterns), {"after": position, "upto": end})
        seqs, cut = choose(rows, wanted, now)
        position = cut or end
        if seqs or position >= upto:
            return Page(load_messages(conn, seqs), position, is_last=position >= upto)
    return Page([], position, is_last=False)


def read_topic(conn: Connection, name: str, *, after: int, upto: int, now: int) -> Page:
    """The same for one topic, by its own index."""
    row = conn.execute(BY_NAME, {"name": name}).one_or_none()
    if row is None:
        return Page([], upto, is_last=True)
    rows = conn.execute(OF_TOPIC, {"topic": row.id, "after": after, "upto": upto}).all()
    seqs, cut = choose(rows, None, now)
    if not cut and len(rows) > PAGE_MESSAGES:  # some of them had expired
        cut = int(rows[-1].seq)
    return Page(load_messages(conn, seqs), cut or upto, is_last=not cut)


def narrow(statement: Select[Any], patterns: list[str]) -> Select[Any]:
    """`statement` with what SQL can know of the patterns; the rest is looked at by `wanted`."""
    if not any(map(is_pattern, patterns)):
        return statement.where(topic.c.name.in_(patterns))
    prefix = literal_prefix(patterns[0])
    if len(patterns) == 1 and prefix:
        return statement.where(topic.c.name >= prefix, topic.c.name < prefix + LAST_TEXT)
    return statement


def choose(rows: Iterable[Any], wanted: Wanted | None, now: int) -> tuple[list[int], int]:
    """The numbers that make up a page, and the last one of it where rows are left over, else 0."""
    seqs: list[int] = []
    size = 0
    known: dict[str, bool] = {}
    for row in rows:
        if len(seqs) >= PAGE_MESSAGES or size > PAGE_BYTES:
            return seqs, seqs[-1]
        if row.expires_at <= now or (wanted is not None and not lets_by(wanted, row.name, known)):
            continue
        seqs.append(row.seq)
        size += row.size
    return seqs, 0


def lets_by(wanted: Wanted, name: str, known: dict[str, bool]) -> bool:
    """`wanted(name)`, asked once for each name."""
    found = known.get(name)
    if found is None:
        found = known[name] = wanted(name)
    return found


def find_start(conn: Connection, patterns: list[str], wanted: Wanted, since: Since, *, now: int) -> Start:
    """Where a listener begins who asks `since`."""
    newest = read_seq(conn)
    match since.way:
        case "now":
            return Start(newest)
        case "all":
            return Start(0)
        case "seq":
            lost = since.number > newest or since.number < read_floor(conn, patterns)
            return Start(min(since.number, newest), is_lost=lost)
        case "id":
            seq = conn.execute(BY_ID, {"id": since.id}).scalar()
            return Start(0, is_lost=True) if seq is None else Start(int(seq))
        case "at":
            return Start(find_moment(conn, since.number, newest))
        case "last":
            return Start(find_last(conn, patterns, wanted, since.number, newest, now=now))
        case "latest":
            return Start(newest, read_latest(conn, patterns, wanted, now=now))


def read_floor(conn: Connection, patterns: list[str]) -> int:
    """The highest number that the rules of these topics have removed; who was behind it has missed something."""
    floor = 0
    for pattern in patterns:
        prefix = literal_prefix(pattern)
        wanted = select(func.max(topic.c.floor))
        if pattern == prefix:
            wanted = wanted.where(topic.c.name == prefix)
        elif prefix:
            wanted = wanted.where(topic.c.name >= prefix, topic.c.name < prefix + LAST_TEXT)
        floor = max(floor, int(conn.execute(wanted).scalar() or 0))
    return floor


def find_moment(conn: Connection, at: int, newest: int) -> int:
    """The number behind which every message was published at or after `at`: times never run back in the log."""
    low, high = 0, newest
    while low < high:
        middle = (low + high + 1) // 2
        row = conn.execute(AT, {"seq": middle}).first()
        if row is not None and row.at < at:
            low = min(int(row.seq), high)
        else:
            high = middle - 1
    return low


def find_last(conn: Connection, patterns: list[str], wanted: Wanted, count: int, newest: int, *, now: int) -> int:
    """The number behind which the last `count` messages are."""
    if count == 0:
        return newest
    if len(patterns) == 1 and not is_pattern(patterns[0]):
        row = conn.execute(BY_NAME, {"name": patterns[0]}).one_or_none()
        if row is None:
            return newest
        seqs = conn.execute(LAST_OF_TOPIC, {"topic": row.id, "now": now, "count": count}).scalars().all()
        return int(seqs[-1]) - 1 if seqs else newest
    end, left, known = newest, count, dict[str, bool]()
    for _ in range(MAX_WINDOWS):
        rows = conn.execute(narrow(OF_ALL, patterns), {"after": end - WINDOW, "upto": end}).all()
        for row in reversed(rows):
            if row.expires_at > now and lets_by(wanted, row.name, known):
                left -= 1
                if left == 0:
                    return int(row.seq) - 1
        end -= WINDOW
        if end <= 0:
            return 0
    return end


def read_latest(conn: Connection, patterns: list[str], wanted: Wanted, *, now: int) -> list[Message]:
    """The last value of each topic, in the order in which they were published."""
    listed = [seqs for name, *seqs in list_latest(conn, patterns) if wanted(name)]
    found = load_messages(conn, sorted({seq for seqs in listed for seq in seqs if seq}))
    last = {one.topic: one for one in found if one.expires_at is None or one.expires_at > now}
    return sorted(last.values(), key=lambda one: one.seq)
