"""What a backup is: names, manifests, which to keep, moments as people say them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from fazt.core.clock import DAY, HOUR, MINUTE, SECOND, to_datetime
from fazt.core.errors import Invalid

NAME = re.compile(r"fazt-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)\.(db|pgdump)(\.zst)?(\.age)?")
AGO = re.compile(r"(\d+)\s*(s|sec|second|m|min|minute|h|hour|d|day|w|week)s?\s+ago")
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
SIDECAR = ".json"

Kind = Literal["create", "verify", "restore", "drill", "prune", "bring"]
RunState = Literal["running", "done", "failed"]


class TableSum(msgspec.Struct, frozen=True):
    """A table's rows and their SHA-256: of every row, in the order of its key, as MessagePack."""

    rows: int
    hash: str


class Contents(msgspec.Struct, frozen=True):
    """What is in a backup; it stands inside the file itself, in the table `backup_contents`."""

    created_at: int
    version: str
    step: str
    epoch: str
    domain: str
    tables: dict[str, TableSum]
    blobs_elsewhere: int = 0


class Summary(msgspec.Struct, frozen=True):
    """What is known of a backup without opening it; it stands beside the file, as NAME.json."""

    name: str
    created_at: int
    version: str
    step: str
    epoch: str
    domain: str
    engine: str
    file_bytes: int
    stored_bytes: int
    stored_hash: str
    is_encrypted: bool
    tables: int
    rows: int
    blobs_elsewhere: int = 0


class Entry(msgspec.Struct, frozen=True):
    """A backup in a list. `summary` is None where its sidecar is missing."""

    name: str
    created_at: int
    stored_bytes: int
    is_encrypted: bool
    summary: Summary | None = None


class Report(msgspec.Struct, frozen=True):
    """What a check found out: `problems` is empty where all is well."""

    name: str
    problems: list[str]
    step: str = ""
    epoch: str = ""
    tables: int = 0
    rows: int = 0
    compared: bool = False
    said: str = ""


class Run(msgspec.Struct, frozen=True):
    """One piece of work, as it went. Times in ms; `said` is what came of it, or why it failed."""

    id: str
    kind: Kind
    state: RunState
    name: str
    said: str
    bytes: int
    started_at: int
    ended_at: int | None


class Alarm(msgspec.Struct, frozen=True):
    """Something that is wrong with backups, for as long as it is."""

    kind: str
    text: str
    since: int


def make_name(at: int, *, engine: str = "db", is_packed: bool = False, is_encrypted: bool = False) -> str:
    """`fazt-2026-11-27T20-43-00Z.db.zst.age`: the moment in UTC, and how to open it."""
    stamp = to_datetime(at).strftime("%Y-%m-%dT%H-%M-%SZ")
    return f"fazt-{stamp}.{engine}{'.zst' if is_packed else ''}{'.age' if is_encrypted else ''}"


def parse_name(name: str) -> int | None:
    """When the backup of this name was made (ms), or None where it is no name of a backup."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    try:
        at = datetime.strptime(match[1], "%Y-%m-%dT%H-%M-%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(at.timestamp()) * SECOND


def check_file_name(name: str) -> str:
    """The name. Raises Invalid for one that no backup has, so that it never leads elsewhere."""
    if parse_name(name) is None:
        raise Invalid(f"{name!r} is not the name of a backup.", hint="`fazt backup list` shows them.")
    return name


def parse_moment(text: str, now: int) -> int:
    """`10 minutes ago`, `2026-11-27T20:43:00Z`, `2026-11-27 20:43` (UTC), in ms. Raises Invalid."""
    said = text.strip().lower()
    if said == "now":
        return now
    if match := AGO.fullmatch(said):
        return now - int(match[1]) * UNITS[match[2][0]]
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(
            f"{text!r} is not a moment.", hint='For example "10 minutes ago" or 2026-11-27T20:43:00Z.'
        ) from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * SECOND)


def choose_doomed(entries: Sequence[Entry], *, daily: int, weekly: int, monthly: int) -> list[Entry]:
    """Those that may go: all but the newest of each of the last so many days, weeks and months that have any.

    The newest of all always stays.
    """
    newest_first = sorted(entries, key=lambda entry: entry.created_at, reverse=True)
    kept = {entry.name for entry in newest_first[:1]}
    for count, period in ((daily, "%Y-%m-%d"), (weekly, "%G-W%V"), (monthly, "%Y-%m")):
        kept.update(pick_newest(newest_first, period, count))
    return [entry for entry in newest_first if entry.name not in kept]


def pick_newest(newest_first: Iterable[Entry], period: str, count: int) -> set[str]:
    """The newest of each of the last `count` periods (a format of strftime) that have any."""
    picked: dict[str, str] = {}
    for entry in newest_first:
        picked.setdefault(to_datetime(entry.created_at).strftime(period), entry.name)
    return set(list(picked.values())[:count])


def find_entry(entries: Sequence[Entry], wanted: str, before: int | None = None) -> Entry:
    """The entry of this name, or for `latest` the newest (not later than `before`). Raises Invalid."""
    if wanted != "latest":
        found = next((entry for entry in entries if entry.name == wanted), None)
        if found is None:
            raise Invalid(f"There is no backup {wanted!r}.", hint="`fazt backup list` shows them.")
        return found
    fitting = [entry for entry in entries if before is None or entry.created_at <= before]
    if not fitting:
        raise Invalid("There is no backup of so early a time." if entries else "There is no backup yet.")
    return max(fitting, key=lambda entry: entry.created_at)


def compare_sums(expected: dict[str, TableSum], found: dict[str, TableSum]) -> list[str]:
    """How the tables differ from what they should be, in words."""
    problems = [f"The table {name} is missing." for name in sorted(expected.keys() - found.keys())]
    problems += [f"The table {name} was not there." for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name]:
            rows = expected[name].rows, found[name].rows
            problems.append(f"The table {name} was saved with {rows[0]} rows and has {rows[1]}, of another content.")
    return problems


def to_json(value: Any) -> bytes:
    """JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
