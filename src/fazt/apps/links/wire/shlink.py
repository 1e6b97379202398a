"""Links and clicks in the words of Shlink's REST API, version 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from fazt.apps.links.model import Condition, Link, NewLink, Rule
from fazt.core.clock import to_datetime
from fazt.core.errors import Invalid

Json = dict[str, Any]
TYPES = "https://shlink.io/api/error/"
DEFAULT_DOMAIN = "DEFAULT"
MAX_PER_PAGE = 10_000

ORDERS: Mapping[str, str] = {
    "dateCreated": "created",
    "shortCode": "slug",
    "longUrl": "target",
    "title": "title",
    "visits": "all clicks",
    "nonBotVisits": "clicks",
}


class Problem(Exception):
    """An answer as problem+json; `kind` is the last part of Shlink's type, `more` stands beside."""

    def __init__(self, status: int, kind: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body: Json = {"type": TYPES + kind, "title": title, "detail": detail, "status": status, **more}


def to_date(at: int | None) -> str | None:
    """A moment as Shlink writes it: seconds, with an offset."""
    return None if at is None else to_datetime(at).replace(microsecond=0).isoformat()


def to_moment(text: Any) -> int | None:
    """Ms of a date; None for none. Raises Problem."""
    if text is None or text == "":
        return None
    try:
        found = datetime.fromisoformat(str(text).replace(" ", "+"))
    except ValueError as error:
        raise invalid("a date is not in ISO 8601", "date") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def invalid(detail: str, *fields: str) -> Problem:
    """What was sent does not fit."""
    return Problem(
        400, "invalid-data", "Invalid data", f"Provided data is not valid: {detail}", invalidElements=list(fields)
    )


def summary(people: int, robots: int) -> Json:
    """How often something was followed."""
    return {"total": people + robots, "nonBots": people, "bots": robots}


def to_short_url(link: Link, url: str) -> Json:
    """A link."""
    return {
        "shortCode": link.slug,
        "shortUrl": url,
        "longUrl": link.target,
        "dateCreated": to_date(link.created_at),
        "tags": list(link.tags),
        "meta": {
            "validSince": to_date(link.valid_from),
            "validUntil": to_date(link.expires_at),
            "maxVisits": link.max_visits,
        },
        "domain": link.host or None,
        "title": link.title or None,
        "crawlable": link.is_crawlable,
        "forwardQuery": link.forward_query,
        "hasRedirectRules": bool(link.rules),
        "visitsSummary": summary(link.clicks, link.robot_clicks),
        "visitsCount": link.clicks + link.robot_clicks,
    }


def page(items: Sequence[Any], total: int, number: int, per_page: int) -> Json:
    """A piece of a list."""
    return {
        "data": list(items),
        "pagination": {
            "currentPage": number,
            "pagesCount": max(1, -(-total // per_page)),
            "itemsPerPage": per_page,
            "itemsInCurrentPage": len(items),
            "totalItems": total,
        },
    }


FIELDS: Mapping[str, str] = {
    "longUrl": "target",
    "title": "title",
    "tags": "tags",
    "crawlable": "is_crawlable",
    "forwardQuery": "forward_query",
    "validSince": "valid_from",
    "validUntil": "expires_at",
    "maxVisits": "max_visits",
}
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "longUrl": str,
    "title": (str, type(None)),
    "tags": list,
    "crawlable": bool,
    "forwardQuery": bool,
    "validSince": (str, type(None)),
    "validUntil": (str, type(None)),
    "maxVisits": (int, type(None)),
}


def read_fields(data: Json) -> Json:
    """The fields of a link that a body names, in our words. Raises Problem."""
    changes: Json = {}
    for name, own in FIELDS.items():
        if name not in data:
            continue
        value = data[name]
        if not isinstance(value, KINDS[name]) or (name == "maxVisits" and isinstance(value, bool)):
            raise invalid(f"{name} is of the wrong type", name)
        if own in {"valid_from", "expires_at"}:
            value = to_moment(value)
        elif own == "tags":
            value = tuple(str(tag).strip().lower().replace(" ", "-") for tag in data[name])
        changes[own] = value if value is not None or own != "title" else ""
    return changes


def read_new(data: Json) -> NewLink:
    """A body that asks for a new link. Raises Problem."""
    if not isinstance(data.get("longUrl"), str):
        raise invalid("longUrl is missing", "longUrl")
    prefix, slug = str(data.get("pathPrefix") or ""), str(data.get("customSlug") or "")
    host = str(data.get("domain") or "")
    return NewLink(**read_fields(data), slug=f"{prefix}{slug}" if slug else "", host=host)


def to_rules(link: Link) -> Json:
    """The rules of a link."""
    rules = [
        {
            "longUrl": rule.target,
            "priority": number,
            "conditions": [msgspec.to_builtins(condition) for condition in rule.conditions],
        }
        for number, rule in enumerate(link.rules, 1)
    ]
    return {"defaultLongUrl": link.target, "redirectRules": rules}


def read_rules(data: Json) -> tuple[Rule, ...]:
    """Rules in the order of their priority, where they have one. Raises Problem."""
    listed = data.get("redirectRules")
    if not isinstance(listed, list) or not all(isinstance(rule, dict) for rule in listed):
        raise invalid("redirectRules is not a list", "redirectRules")
    ordered = sorted(listed, key=lambda rule: rule.get("priority") or 0)
    try:
        return tuple(
            Rule(
                target=msgspec.convert(rule.get("longUrl"), str),
                conditions=msgspec.convert(rule.get("conditions"), tuple[Condition, ...]),
            )
            for rule in ordered
        )
    except msgspec.ValidationError as error:
        raise invalid(str(error), "redirectRules") from error


def to_visit(record: Any, *, orphan: bool = False, url: str = "") -> Json:
    """A click. Of the user agent only what was understood of it is kept."""
    agent = " ".join(part for part in (record.browser, record.os) if part)
    location = {
        "countryCode": record.country or None,
        "countryName": record.country or None,
        "regionName": None,
        "cityName": None,
        "latitude": None,
        "longitude": None,
        "timezone": None,
        "isEmpty": not record.country,
    }
    made: Json = {
        "referer": record.referrer,
        "date": to_date(record.at),
        "userAgent": agent,
        "visitLocation": location if record.country else None,
        "potentialBot": record.robot != 0,
        "visitedUrl": url,
        "redirectUrl": None,
    }
    return made | {"type": record.target} if orphan else made


def read_order(text: str) -> tuple[str, bool]:
    """(our order, whether downwards) of `visits-DESC`. Raises Problem."""
    if not text:
        return "created", True
    name, _, direction = text.partition("-")
    if name not in ORDERS:
        raise invalid(f"there is no order by {name[:40]}", "orderBy")
    return ORDERS[name], direction.upper() == "DESC"


def number(text: str, default: int, most: int = MAX_PER_PAGE) -> int:
    """A whole number from 1 on; -1 (all) is the most there may be. Raises Problem."""
    if not text:
        return default
    try:
        found = int(text)
    except ValueError as error:
        raise invalid(f"{text[:20]!r} is not a number", "page") from error
    return most if found == -1 else min(max(found, 1), most)


def from_invalid(error: Invalid) -> Problem:
    """One of our refusals in Shlink's form."""
    return Problem(400, "invalid-data", "Invalid data", error.message, invalidElements=[])
