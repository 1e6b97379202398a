"""Filters as trees: what the query dialect and `where` are read into, and what the store turns into SQL.

A comparison holds only between values of one type: `age >= 3` is false where `age` is text or missing.
The one exception is `!=`, which is the opposite of `==` and so true where the field is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Scalar = str | int | float | Decimal | bool | None
Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "~", "!~"]


@dataclass(frozen=True, slots=True)
class Path:
    """A place in a document: `Path(("tags", 0))` is `tags[0]`; a first step with @ is metadata, as `@createdAt`."""

    steps: tuple[str | int, ...]

    def __str__(self) -> str:
        """As it is written in a filter."""
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)
        return shown.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Compare:
    """`path op value`; with `any_element`, of some element of the list there (or of the value itself).

    `~` is "contains, letters A to Z in either case", on texts, numbers and booleans as JSON writes them.
    """

    path: Path
    op: Comparison
    value: Scalar
    any_element: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value at `path` equals one of `values`."""

    path: Path
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """`q=`: some value anywhere in the document contains `text`, or the index of words finds it."""

    text: str


@dataclass(frozen=True, slots=True)
class Exists:
    """There is something at `path`, be it null."""

    path: Path


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: Expression


@dataclass(frozen=True, slots=True)
class All:
    """Every one of `terms`; true when there are none."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of `terms`; false when there are none."""

    terms: tuple[Expression, ...]


Expression = Compare | OneOf | Words | Exists | Not | All | Some

EVERYTHING = All(())
NOTHING = Some(())


def both(first: Expression, second: Expression) -> Expression:
    """The documents that satisfy both."""
    if first == EVERYTHING:
        return second
    return first if second == EVERYTHING else All((first, second))


METADATA = frozenset({"@id", "@createdAt", "@updatedAt", "@seq", "@userId"})
MACROS = frozenset({"@now", "@isoNow", "@me", "@role"})


@dataclass(frozen=True, slots=True)
class Order:
    """One term of a sort. Missing and null come first, then numbers (false is 0, true 1), then texts."""

    path: Path
    descending: bool = False

    def __str__(self) -> str:
        """As it is written in an index: `-views`."""
        return f"{'-' if self.descending else ''}{self.path}"
