"""Filters and sorts as SQL over one collection."""

from __future__ import annotations

import re

from fazt.apps.textdb.model.collection import Collection
from fazt.apps.textdb.model.expression import (
    METADATA,
    All,
    Compare,
    Exists,
    Expression,
    Not,
    OneOf,
    Order,
    Path,
    Scalar,
    Some,
    Words,
)
from fazt.apps.textdb.model.moments import moment
from fazt.apps.textdb.model.naming import key_of
from fazt.apps.textdb.store.sql import HOLE, Dialect, Sql, join, like_pattern
from fazt.core.errors import Invalid

ID = Path(("id",))
COLUMNS = {
    "@id": "key",
    "@createdAt": "created_at",
    "@updatedAt": "updated_at",
    "@seq": "seq",
    "@userId": "user_id",
}
WORD = re.compile(r"\w+")
TRUE, FALSE = "1=1", "1=0"


def compile_filter(dialect: Dialect, collection: Collection, where: Expression) -> Sql:
    """A condition that is true for the documents that satisfy `where`, false or NULL for the others."""
    match where:
        case All(terms):
            return join(" AND ", [compile_filter(dialect, collection, term) for term in terms] or [Sql(TRUE)])
        case Some(terms):
            return join(" OR ", [compile_filter(dialect, collection, term) for term in terms] or [Sql(FALSE)])
        case Not(term):
            return negate(compile_filter(dialect, collection, term))
        case Exists(path):
            return Sql(f"{COLUMNS[str(path)]} IS NOT NULL" if is_metadata(path) else dialect.exists(path))
        case OneOf(path, values):
            parts = [compare(dialect, Compare(path, "==", value)) for value in values]
            return join(" OR ", parts or [Sql(FALSE)])
        case Words(text):
            return compile_words(dialect, collection, text)
        case Compare():
            return compare(dialect, where)


def is_metadata(path: Path) -> bool:
    """Whether a path names a column rather than a field."""
    return path.steps[0] in METADATA


def negate(condition: Sql) -> Sql:
    """The opposite, where NULL counts as false."""
    return Sql(f"(({condition.text}) IS NOT TRUE)", *condition.values)


def compare(dialect: Dialect, term: Compare) -> Sql:
    """One comparison."""
    if is_metadata(term.path):
        return compare_column(term)
    if term.op in {"!=", "!~"} and not term.any_element:
        opposite = Compare(term.path, "==" if term.op == "!=" else "~", term.value)
        return negate(compare(dialect, opposite))
    if term.any_element:
        source, x, kind = dialect.elements(term.path)
        inner = compare_value(dialect, x, kind, term.op, term.value)
        return Sql(f"EXISTS (SELECT 1 FROM {source}{inner.text})", *inner.values)  # noqa: S608 - values are bound
    found = compare_value(dialect, dialect.value(term.path), dialect.kind(term.path), term.op, term.value)
    if term.path == ID and term.op == "==" and isinstance(term.value, str | int) and not isinstance(term.value, bool):
        return Sql(f"(key = {HOLE} AND {found.text})", key_of(str(term.value)), *found.values)
    return found


def compare_value(dialect: Dialect, x: str, kind: str, op: str, value: Scalar) -> Sql:
    """`x op value` for a value of the engine and the name of its type."""
    if op in {"!=", "!~"}:
        return negate(compare_value(dialect, x, kind, "==" if op == "!=" else "~", value))
    if op == "~":
        return dialect.contains(x, kind, like_pattern(str(value)))
    if value is None:
        return Sql(dialect.is_null(x))
    return dialect.compare(x, kind, op, value)


def compare_column(term: Compare) -> Sql:
    """A comparison with metadata. Raises Invalid for a value that does not fit the column."""
    name = str(term.path)
    column, op = COLUMNS[name], term.op
    if op in {"~", "!~"} or term.any_element or term.value is None or isinstance(term.value, bool):
        raise Invalid(f"{name} is compared with ==, !=, <, <=, > or >= and a value.")
    value: str | int = str(term.value)
    if name == "@id":
        value = key_of(str(value))
    elif name in {"@createdAt", "@updatedAt"}:
        value = moment(str(value))
    elif name == "@seq":
        if not re.fullmatch(r"[0-9]{1,18}", str(value)):
            raise Invalid("@seq is compared with a whole number.")
        value = int(value)
    sign = {"==": "=", "!=": "<>"}.get(op, op)
    return Sql(f"{column} {sign} {HOLE}", value)


def compile_words(dialect: Dialect, collection: Collection, text: str) -> Sql:
    """`q=`: by the index of words where the collection has one, else by looking at every value."""
    if not collection.has_words:
        return dialect.any_scalar(like_pattern(text))
    words = WORD.findall(text)
    if not words:
        return Sql(FALSE)
    is_postgres = "tsquery" in dialect.contains_words
    query = " & ".join(f"{word}:*" for word in words) if is_postgres else " ".join(f'"{word}"*' for word in words)
    return Sql(dialect.contains_words, query, collection.first, collection.end)


def sort_expressions(dialect: Dialect, orders: tuple[Order, ...]) -> list[tuple[str, bool]]:
    """What to sort by: (expression, descending), closed by the row id in the direction of the last term."""
    terms: list[tuple[str, bool]] = []
    for order in orders:
        if is_metadata(order.path):
            keys = [COLUMNS[str(order.path)]]
        elif order.path == ID:
            keys = ["key"]
        else:
            keys = dialect.sort_keys(dialect.value(order.path))
        terms.extend((key, order.descending) for key in keys)
    terms.append(("rid", bool(orders) and orders[-1].descending))
    return terms


def order_by(terms: list[tuple[str, bool]]) -> str:
    """The ORDER BY clause of such terms."""
    return " ORDER BY " + ", ".join(f"{key} DESC" if descending else key for key, descending in terms)


def paths_in(where: Expression) -> set[Path]:
    """All fields that a filter looks at."""
    match where:
        case All(terms) | Some(terms):
            return {path for term in terms for path in paths_in(term)}
        case Not(term):
            return paths_in(term)
        case Words():
            return set()
        case Compare(path=path) | OneOf(path=path) | Exists(path=path):
            return {path}


def bound_paths(where: Expression) -> dict[Path, bool]:
    """Fields of which an index could serve this filter; True where it is narrowed to single values."""
    match where:
        case Compare(path, op, _, False) if op in {"==", "<", "<=", ">", ">="}:
            return {path: op == "=="}
        case OneOf(path, values) if values:
            return {path: True}
        case All(terms):
            found: dict[Path, bool] = {}
            for term in terms:
                for path, exact in bound_paths(term).items():
                    found[path] = exact or found.get(path, False)
            return found
        case Some(terms) if terms:
            each = [bound_paths(term) for term in terms]
            return {path: all(b[path] for b in each) for path in each[0] if all(path in b for b in each)}
    return {}
