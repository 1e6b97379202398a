"""What a list, a page of it or an aggregate is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fazt.apps.textdb.model.expression import EVERYTHING, Expression, Order, Path

Sum = Literal["sum", "min", "max", "avg"]


@dataclass(frozen=True, slots=True)
class Query:
    """One list. `page` is set where it was asked for by number.

    `cursor` is None unless the list is walked by cursors; "" is its start. `at` asks for the documents
    as they were at that moment (ms). `count` is whether the total is wanted.
    """

    where: Expression = EVERYTHING
    order: tuple[Order, ...] = ()
    offset: int = 0
    limit: int = 100
    page: int | None = None
    cursor: str | None = None
    fields: tuple[Path, ...] = ()
    with_meta: bool = False
    count: bool = True
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One table of figures: `figures` are ("sum", path); `group` names the paths whose values part the rows."""

    where: Expression = EVERYTHING
    group: tuple[Path, ...] = ()
    figures: tuple[tuple[Sum, Path], ...] = field(default=())
    limit: int = 1_000
