"""Links in files: what other programs export, and what is exported from here.

CSV by the names of its columns, and JSON of any shape that holds objects with an address: Shlink, YOURLS, Bitly, Kutt.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from fazt.apps.links.model import STATUSES, Link, NewLink, Rule, Variant
from fazt.core.clock import to_iso
from fazt.core.errors import Invalid, TooLarge

MAX_LINKS = 50_000
MAX_DEPTH = 6
FORMULA = frozenset("=+-@\t\r")
NAMES = {
    "target": ("target", "longurl", "long_url", "url", "destination", "original_url", "target_url", "longlink"),
    "slug": ("slug", "shortcode", "short_code", "keyword", "address", "shorturl", "short_url", "link", "bitlink"),
    "title": ("title", "description", "name"),
    "tags": ("tags", "tag"),
    "expires_at": ("expires_at", "validuntil", "valid_until", "expire_in"),
    "valid_from": ("valid_from", "validsince", "valid_since"),
    "max_visits": ("max_visits", "maxvisits"),
    "status": ("status",),
    "host": ("host",),
    "forward_query": ("forward_query", "forwardquery"),
    "is_crawlable": ("is_crawlable", "crawlable"),
    "rules": ("rules",),
    "variants": ("variants",),
}
COLUMNS = (
    "slug",
    "host",
    "target",
    "title",
    "tags",
    "status",
    "valid_from",
    "expires_at",
    "max_visits",
    "forward_query",
    "is_crawlable",
    "rules",
    "variants",
    "clicks",
    "created_at",
)


class Row(msgspec.Struct, frozen=True):
    """A link that a file holds, and where: its line or place from 1, or what is wrong with it."""

    place: int
    link: NewLink | None
    problem: str = ""


def read(text: str) -> list[Row]:
    """The links of a file. Raises Invalid for one that holds none, TooLarge for more than MAX_LINKS."""
    plain = text.removeprefix("\ufeff").strip()
    rows = list(read_json(plain) if plain[:1] in {"{", "["} else read_csv(plain))
    if not rows:
        hint = "CSV with the columns target and slug, or the JSON that Shlink, YOURLS, Bitly or Kutt export."
        raise Invalid("No links were found in this file.", hint=hint)
    if len(rows) > MAX_LINKS:
        raise TooLarge(f"A file holds up to {MAX_LINKS} links.")
    return rows


def read_csv(text: str) -> Iterator[Row]:
    """A first line that names the columns, in any order and of any program."""
    sample = text[:4_000]
    dialect = csv.excel_tab if "\t" in sample.partition("\n")[0] else csv.excel
    reader = csv.DictReader(io.StringIO(text), dialect=dialect)
    try:
        for record in reader:
            found = pick({name or "": unquote_cell(value) for name, value in record.items()})
            if found:
                yield to_row(reader.line_num, found)
    except csv.Error as error:
        raise Invalid("This CSV is garbled.") from error


def unquote_cell(cell: Any) -> Any:
    """Without the apostrophe that `write_csv` puts before what looks like a formula."""
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and cell[1:2] in FORMULA else cell


def read_json(text: str) -> Iterator[Row]:
    """Every object in it that has an address."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("This is not JSON.") from error
    for place, found in enumerate(walk(value, 0), 1):
        yield to_row(place, found)


def walk(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The links in a JSON value."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        found = pick(value)
        if isinstance(found.get("target"), str):
            meta = value.get("meta")
            yield found | (pick(meta) if isinstance(meta, dict) else {})
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from walk(item, depth + 1)


def pick(record: dict[str, Any]) -> dict[str, Any]:
    """The fields that we know, by our names."""
    lowered = {str(name).strip().lower().replace(" ", "_"): value for name, value in record.items()}
    found: dict[str, Any] = {}
    for own, names in NAMES.items():
        values = (lowered.get(name) for name in names)
        value = next((value for value in values if isinstance(value, str | int | list) and value != ""), None)
        if value is not None:
            found[own] = value
    return found


def to_row(place: int, found: dict[str, Any]) -> Row:
    """A record as a link, or what is wrong with it."""
    if not isinstance(found.get("target"), str):
        return Row(place, None, "It has no address.")
    try:
        made = NewLink(
            target=found["target"].strip(),
            slug=to_slug(str(found.get("slug", ""))),
            title=str(found.get("title", "")),
            tags=to_tags(found.get("tags", "")),
            valid_from=to_moment(found.get("valid_from")),
            expires_at=to_moment(found.get("expires_at")),
            max_visits=int(found["max_visits"]) if found.get("max_visits") else None,
            host=str(found.get("host", "")),
            status=to_status(found.get("status", 0)),
            forward_query=to_flag(found.get("forward_query", True)),
            is_crawlable=to_flag(found.get("is_crawlable", False)),
            rules=to_list(found.get("rules", []), tuple[Rule, ...]),
            variants=to_list(found.get("variants", []), tuple[Variant, ...]),
        )
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        return Row(place, None, f"It holds {str(error)[:100]}.")
    return Row(place, made)


def to_slug(text: str) -> str:
    """The slug itself, or that of a whole short address such as `https://bit.ly/abc` or `bit.ly/abc`."""
    if "://" in text:
        return unquote(urlsplit(text).path).strip("/")
    head, slash, rest = text.partition("/")
    return rest.strip("/") if slash and "." in head else text.strip()


def to_tags(value: Any) -> tuple[str, ...]:
    """Tags of a list, or of a text with commas, bars or semicolons."""
    if isinstance(value, list):
        return tuple(str(tag) for tag in value if isinstance(tag, str))
    text = str(value)
    for sign in ("|", ";"):
        text = text.replace(sign, ",")
    return tuple(tag for tag in text.split(",") if tag.strip())


def to_status(value: Any) -> int:
    """A status that redirects; other programs call other things by this name, and 0 is as usual."""
    text = str(value)
    return int(text) if text.isdecimal() and int(text) in STATUSES else 0


def to_flag(value: Any) -> bool:
    """Yes or no, as JSON or as a text."""
    return value if isinstance(value, bool) else str(value).strip().lower() in {"true", "1", "yes", "on"}


def to_list(value: Any, kind: Any) -> Any:
    """Rules or variants, as JSON or as a text of it. Raises ValueError."""
    return msgspec.convert(msgspec.json.decode(value) if isinstance(value, str) else value, kind)


def to_moment(value: Any) -> int | None:
    """Ms of an ISO date, or of ms. Raises ValueError."""
    if value in {None, ""}:
        return None
    if isinstance(value, int) or str(value).isdigit():
        return int(value)
    found = datetime.fromisoformat(str(value))
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def write_csv(links: Iterable[Link]) -> str:
    """Links as CSV that `read` takes back. A cell that a spreadsheet would take for a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for link in links:
        fields = msgspec.structs.asdict(link) | {"tags": "|".join(link.tags)}
        for name in ("valid_from", "expires_at", "created_at"):
            fields[name] = to_iso(fields[name]) if fields[name] is not None else ""
        for name in ("rules", "variants"):
            fields[name] = msgspec.json.encode(fields[name]).decode() if fields[name] else ""
        cells = ["" if fields[name] is None else str(fields[name]) for name in COLUMNS]
        writer.writerow([f"'{cell}" if cell[:1] in FORMULA else cell for cell in cells])
    return out.getvalue()
