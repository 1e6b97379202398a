"""Many documents at once, each for itself: what is wrong with one does not keep the others out."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import Access, Collection, Stale
from fazt.apps.textdb.model.document import Body, Conditions
from fazt.apps.textdb.model.naming import id_in
from fazt.apps.textdb.store.collections import get_collection, lock
from fazt.apps.textdb.store.documents import create_document, put_document
from fazt.core.db import attempt
from fazt.core.errors import FaztError

Entry = tuple[int, str, Any]
"""(line, text, value)"""


class Report(msgspec.Struct, rename="camel"):
    """What an import did; `failed` counts all, `problems` tells of the first hundred."""

    created: int = 0
    replaced: int = 0
    failed: int = 0
    problems: list[dict[str, Any]] = []

    def add_problem(self, line: int, error: FaztError) -> None:
        """One line that was not taken."""
        self.failed += 1
        if len(self.problems) < 100:
            self.problems.append({"line": line, "problem": error.message})

    def add(self, other: Report) -> None:
        """The figures of another piece."""
        self.created += other.created
        self.replaced += other.replaced
        self.failed += other.failed
        self.problems.extend(other.problems[: 100 - len(self.problems)])


def import_records(
    conn: Connection, collection: Collection, records: list[Entry], access: Access, *, replaces: bool, now: int
) -> Report:
    """Create them, or with `replaces` put those that have an id. Raises Stale."""
    lock(conn)
    report = Report()
    for line, text, value in records:
        try:
            with attempt(conn):
                write_one(conn, collection, text, value, access, report, replaces=replaces, now=now)
        except Stale:
            collection = get_collection(conn, collection.name)
            write_one(conn, collection, text, value, access, report, replaces=replaces, now=now)
        except FaztError as error:
            report.add_problem(line, error)
    return report


def write_one(
    conn: Connection,
    collection: Collection,
    text: str,
    value: Any,
    access: Access,
    report: Report,
    *,
    replaces: bool,
    now: int,
) -> None:
    """One record."""
    body = Body(text, value, id_in(value))
    if body.id is None or not replaces:
        create_document(conn, collection, body, access, now=now)
        report.created += 1
        return
    written = put_document(conn, collection, body.id, body, access, Conditions(match=None), now=now)
    if written.change == "created":
        report.created += 1
    else:
        report.replaced += 1
