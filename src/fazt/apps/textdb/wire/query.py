"""The query string of a list: json-server's dialect, and what it cannot say.

`?author=x&views_gte=10&tags_like=web&q=word&_sort=a,b&_order=asc,desc&_page=2&_limit=10&_start=0&_end=30`
`&where=(…)&_fields=a,b.c&_cursor=&_meta=true&_count=false&at=2026-01-01T00:00:00Z`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fazt.apps.textdb.model.expression import (
    EVERYTHING,
    METADATA,
    All,
    Compare,
    Comparison,
    Exists,
    Expression,
    Not,
    Order,
    Path,
    Scalar,
    Some,
    Words,
)
from fazt.apps.textdb.model.moments import moment
from fazt.apps.textdb.model.query import Aggregate, Query, Sum
from fazt.apps.textdb.wire.where import MAX_LENGTH, MAX_STEPS, check_step
from fazt.apps.textdb.wire.where import parse as parse_where
from fazt.core.errors import Invalid

MAX_PARAMETERS = 200
MAX_ORDERS = 8
MAX_OFFSET = 2**53
LIMIT_OF_PAGE = 10
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
SUFFIX = re.compile(r"_(gte|lte|gt|lt|ne|like)$")
SIGNS: dict[str, Comparison] = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}
KNOWN = frozenset(
    {
        "_sort",
        "_order",
        "_page",
        "_limit",
        "_start",
        "_end",
        "_fields",
        "_cursor",
        "_meta",
        "_count",
        "where",
        "q",
        "at",
    }
)
OF_AGGREGATE = frozenset({"_sum", "_min", "_max", "_avg", "_group", "_limit", "where", "q"})
IGNORED = frozenset({"_", "callback"})
FIGURES: tuple[Sum, ...] = ("sum", "min", "max", "avg")
Parameters = dict[str, list[str]]


def split(query: str) -> Parameters:
    """The parameters of a query string by name. Raises Invalid for too many, or for text that is not UTF-8."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except (UnicodeDecodeError, ValueError) as error:
        raise Invalid(f"The query has more than {MAX_PARAMETERS} parameters, or is not UTF-8.") from error
    found: Parameters = {}
    for name, value in pairs:
        if "\x00" in value:
            raise Invalid(f"The value of {name!r} holds the character 0.")
        if len(value) > MAX_LENGTH and name != "_cursor":
            raise Invalid(f"The value of {name[:60]!r} has {len(value)} characters; at most {MAX_LENGTH} are read.")
        found.setdefault(name, []).append(value)
    return found


def parse(query: str, macros: Mapping[str, Scalar], *, default_limit: int, max_limit: int) -> Query:
    """The list that a query string asks for. Raises Invalid."""
    if not query:
        return Query(limit=default_limit)
    asked = split(query)
    offset, limit, page = _window(asked, default_limit)
    if limit > max_limit:
        raise Invalid(
            f"A list gives at most {max_limit} documents at a time; {limit} were asked for.",
            hint="Follow _cursor from page to page, or use _export for everything.",
        )
    return Query(
        where=filters(asked, macros, KNOWN),
        order=_orders(asked),
        offset=offset,
        limit=limit,
        page=page,
        cursor=last(asked, "_cursor"),
        fields=tuple(path_of(name) for name in _names(asked, "_fields")),
        with_meta=flag(asked, "_meta", default=False),
        count=flag(asked, "_count", default=True),
        at=moment(at) if (at := last(asked, "at")) else None,
    )


def parse_aggregate(query: str, macros: Mapping[str, Scalar]) -> Aggregate:
    """The figures that a query string asks for. Raises Invalid."""
    asked = split(query)
    figures = [(kind, path_of(name)) for kind in FIGURES for name in _names(asked, f"_{kind}")]
    group = [path_of(name) for name in _names(asked, "_group")]
    if len(figures) + len(group) > MAX_ORDERS * 2:
        raise Invalid(f"At most {MAX_ORDERS * 2} figures and groups in one question.")
    limit = number(asked, "_limit")
    where = filters(asked, macros, OF_AGGREGATE)
    return Aggregate(where, tuple(group), tuple(figures), 1_000 if limit is None else min(limit, 10_000))


def filters(asked: Parameters, macros: Mapping[str, Scalar], known: frozenset[str]) -> Expression:
    """Everything in `asked` that narrows the list. Raises Invalid for a name with _ that means nothing."""
    terms: list[Expression] = []
    for name, values in asked.items():
        if name == "where":
            terms.extend(parse_where(value, macros) for value in values if value.strip())
        elif name == "q":
            terms.extend(Words(value) for value in values if value)
        elif name not in known and name not in IGNORED:
            if name.startswith("_"):
                raise Invalid(f"There is no parameter {name}.", hint=f"Known are {', '.join(sorted(known))}.")
            terms.append(_field(name, values))
    if not terms:
        return EVERYTHING
    return terms[0] if len(terms) == 1 else All(tuple(terms))


def _field(name: str, values: list[str]) -> Expression:
    suffix = SUFFIX.search(name)
    path = path_of(name[: suffix.start()] if suffix else name)
    if suffix and suffix[1] == "ne":
        return All((Exists(path), Compare(path, "!=", None), *(Not(equals(path, value)) for value in values)))
    terms = tuple(_term(path, suffix[1] if suffix else "", value) for value in values)
    return terms[0] if len(terms) == 1 else Some(terms)


def _term(path: Path, suffix: str, value: str) -> Expression:
    if suffix == "like":
        return Compare(path, "~", value)
    if not suffix:
        return equals(path, value)
    if path.steps[0] in METADATA:
        return Compare(path, SIGNS[suffix], _metadata(path, value))
    as_text = Compare(path, SIGNS[suffix], value)
    if not NUMBER.fullmatch(value):
        return as_text
    return Some((Compare(path, SIGNS[suffix], to_number(value)), as_text))


def equals(path: Path, value: str) -> Expression:
    """json-server's equality: what is at `path`, written as JavaScript would, is `value`."""
    if path.steps[0] in METADATA:
        return Compare(path, "==", _metadata(path, value))
    as_text = Compare(path, "==", value)
    if value in {"true", "false"}:
        return Some((as_text, Compare(path, "==", value == "true")))
    if NUMBER.fullmatch(value) and to_text(to_number(value)) == value:
        return Some((as_text, Compare(path, "==", to_number(value))))
    return as_text


def _metadata(path: Path, value: str) -> Scalar:
    return to_number(value) if path.steps[0] == "@seq" and NUMBER.fullmatch(value) else value


def to_number(text: str) -> int | float:
    """The number that NUMBER matched, whole where it is."""
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def to_text(value: float) -> str:
    """A number as JavaScript writes it, e.g. 1.0 as "1"."""
    if isinstance(value, int):
        return str(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    shown = repr(value)
    if "e-" in shown and abs(value) >= 1e-6:
        return f"{value:.20f}".rstrip("0")
    return shown.replace("e-0", "e-")


def path_of(name: str) -> Path:
    """A field as the dialect names it: `author.name`, `tags.0`, `tags[0]`, `@createdAt`. Raises Invalid."""
    if name.startswith("@"):
        if name not in METADATA:
            raise Invalid(f"There is no {name}; known are {', '.join(sorted(METADATA))}.")
        return Path((name,))
    steps: list[str | int] = []
    for step in re.sub(r"\[(\d{1,9})\]", r".\1", name).split("."):
        steps.append(int(step) if re.fullmatch(r"[0-9]{1,9}", step) and steps else check_step(step, 0))
    if len(steps) > MAX_STEPS:
        raise Invalid(f"A path has at most {MAX_STEPS} steps.")
    return Path(tuple(steps))


def parse_orders(names: list[str], directions: list[str]) -> tuple[Order, ...]:
    """`["a", "-b"]` with json-server's `_order` beside them. Raises Invalid."""
    if len(names) > MAX_ORDERS:
        raise Invalid(f"A sort has at most {MAX_ORDERS} fields.")
    orders = []
    for place, name in enumerate(names):
        direction = directions[place].lower() if place < len(directions) else "asc"
        if direction not in {"asc", "desc"}:
            raise Invalid("_order is a list of asc and desc.")
        orders.append(Order(path_of(name.lstrip("+-")), name.startswith("-") != (direction == "desc")))
    return tuple(orders)


def _orders(asked: Parameters) -> tuple[Order, ...]:
    return parse_orders(_names(asked, "_sort"), _names(asked, "_order"))


def _window(asked: Parameters, default_limit: int) -> tuple[int, int, int | None]:
    """(offset, limit, number of the page or None), read in json-server's order of precedence."""
    page, limit, start, end = (number(asked, name) for name in ("_page", "_limit", "_start", "_end"))
    if page is not None:
        page, limit = max(page, 1), LIMIT_OF_PAGE if limit is None else limit
        return min((page - 1) * limit, MAX_OFFSET), limit, page
    offset = start or 0
    if end is not None:
        return offset, max(end - offset, 0), None
    return offset, default_limit if limit is None else limit, None


def _names(asked: Parameters, name: str) -> list[str]:
    return [item.strip() for value in asked.get(name, ()) for item in value.split(",") if item.strip()]


def last(asked: Parameters, name: str) -> str | None:
    """The last value of a parameter, or None."""
    values = asked.get(name)
    return values[-1] if values else None


def number(asked: Parameters, name: str) -> int | None:
    """A parameter that is a whole number from 0 on, or None when it is missing or empty. Raises Invalid."""
    text = last(asked, name)
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise Invalid(f"{name} is a whole number from 0 on, not {text[:40]!r}.")
    return int(text)


def flag(asked: Parameters, name: str, *, default: bool) -> bool:
    """A parameter that is yes or no. Raises Invalid."""
    text = last(asked, name)
    if text is None:
        return default
    if text.lower() in {"true", "1", "", "yes"}:
        return True
    if text.lower() in {"false", "0", "no"}:
        return False
    raise Invalid(f"{name} is true or false, not {text[:40]!r}.")
