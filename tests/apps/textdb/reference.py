"""TextDB in memory, as simple as it can be: what the real one is compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fazt.apps.textdb.model.expression import (
    All,
    Compare,
    Exists,
    Expression,
    Not,
    OneOf,
    Order,
    Path,
    Some,
    Words,
)

MISSING: Any = object()


def at_path(value: Any, path: Path) -> Any:
    """What is at `path`, or MISSING."""
    for step in path.steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else MISSING
        else:
            value = value[step] if isinstance(value, dict) and step in value else MISSING
    return value


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is MISSING or value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "object"


def lower(text: str) -> str:
    """Letters A to Z in lower case, all others as they are."""
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def shown(value: Any) -> str | None:
    """A scalar as JSON writes it, without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if kind_of(value) not in {"number", "text"} else str(value)


def compares(found: Any, op: str, value: Any) -> bool:
    """One comparison of plain values."""
    if op == "!=":
        return not compares(found, "==", value)
    if op == "!~":
        return not compares(found, "~", value)
    if op == "~":
        text = shown(found)
        return text is not None and lower(str(value)) in lower(text)
    if kind_of(found) != kind_of(value):
        return False
    if kind_of(value) in {"null", "boolean"}:
        return kind_of(value) == "null" or found is value
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "==": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }
    return tests[op](found, value)


def holds(value: Any, where: Expression) -> bool:
    """Whether a document satisfies a filter."""
    match where:
        case All(terms):
            return all(holds(value, term) for term in terms)
        case Some(terms):
            return any(holds(value, term) for term in terms)
        case Not(term):
            return not holds(value, term)
        case Exists(path):
            return at_path(value, path) is not MISSING
        case OneOf(path, values):
            return any(compares(at_path(value, path), "==", wanted) for wanted in values)
        case Words(text):
            return any(lower(text) in lower(shown(item) or "") for item in scalars(value))
        case Compare(path, op, wanted, any_element):
            found = at_path(value, path)
            if any_element:
                items = (
                    found if isinstance(found, list) else [] if found is MISSING or isinstance(found, dict) else [found]
                )
                return any(compares(item, op, wanted) for item in items)
            return compares(found, op, wanted)


def scalars(value: Any) -> list[Any]:
    """Every scalar inside."""
    if isinstance(value, dict):
        return [item for inner in value.values() for item in scalars(inner)]
    if isinstance(value, list):
        return [item for inner in value for item in scalars(inner)]
    return [] if value is None else [value]


def sort_key(value: Any) -> tuple[int, float, bytes]:
    """Missing and null, then numbers and booleans, then texts by code point."""
    match kind_of(value):
        case "null":
            return (0, 0, b"")
        case "boolean" | "number":
            return (1, value, b"")
        case _:
            return (2, 0, str(value).encode())


@dataclass
class Kept:
    """A document in memory; `made` gives the order of creation."""

    id: str
    value: Any
    seq: int
    made: int
    at: int


@dataclass
class Memory:
    """One collection in memory."""

    documents: dict[str, Kept] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    log: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """(time, everything there was then), for reading the past."""
    seq: int = 0

    def write(self, id_: str, value: Any, at: int) -> int:
        """Create or replace."""
        self.seq += 1
        old = self.documents.get(id_)
        self.documents[id_] = Kept(id_, value, self.seq, old.made if old else self.seq, at)
        self.deleted.pop(id_, None)
        self.log.append((at, {kept.id: kept.value for kept in self.documents.values()}))
        return self.seq

    def delete(self, id_: str, at: int) -> int:
        """Delete."""
        self.seq += 1
        del self.documents[id_]
        self.deleted[id_] = self.seq
        self.log.append((at, {kept.id: kept.value for kept in self.documents.values()}))
        return self.seq

    def select(self, where: Expression, order: tuple[Order, ...]) -> list[str]:
        """The ids of a list, in its order."""
        found = [kept for kept in self.documents.values() if holds(kept.value, where)]
        descending = bool(order) and order[-1].descending
        found.sort(key=lambda kept: -kept.made if descending else kept.made)
        for term in reversed(order):
            found.sort(key=lambda kept, term=term: sort_key(at_path(kept.value, term.path)), reverse=term.descending)  # type: ignore[misc]
        return [kept.id for kept in found]

    def changes(self, since: int) -> list[tuple[int, str, bool]]:
        """(seq, id, deleted) behind `since`."""
        living = [(kept.seq, kept.id, False) for kept in self.documents.values() if kept.seq > since]
        gone = [(seq, id_, True) for id_, seq in self.deleted.items() if seq > since]
        return sorted(living + gone)
