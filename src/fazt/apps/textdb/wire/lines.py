"""Import and export as lines: NDJSON, and CSV (RFC 4180). Readers are fed bytes and give whole records."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from fazt.apps.textdb.model.jsontext import dump, parse, read
from fazt.core.errors import FaztError, Invalid, TooLarge

NDJSON = "application/x-ndjson"
CSV = "text/csv"
MAX_COLUMNS = 1_000
PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")
Record = tuple[int, str, Any, FaztError | None]
"""(line from 1, text to keep, value, what is wrong with it or None)"""


class Reader(Protocol):
    """What turns pieces of a body into records."""

    def feed(self, data: bytes) -> list[Record]:
        """The records that are whole with these bytes. Raises TooLarge for a line beyond the limit."""
        ...

    def end(self) -> list[Record]:
        """What is left when the body is over."""
        ...


def reader_for(media_type: str, max_bytes: int, *, typed: bool) -> Reader:
    """The reader for a content type; with `typed`, numbers and true/false in CSV become such. Raises Invalid."""
    if media_type == CSV:
        return CsvReader(max_bytes, typed=typed)
    if media_type in {NDJSON, "application/ndjson", "application/jsonl", "application/json-lines"}:
        return NdjsonReader(max_bytes)
    raise Invalid(f"An import is {NDJSON} or {CSV}, not {media_type[:80]!r}.")


class _Lines:
    """Cuts bytes into lines of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._rest = b""
        self._max_bytes = max_bytes
        self.count = 0

    def cut(self, data: bytes, *, end: bool = False) -> Iterator[bytes]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if end and self._rest:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            self.count += 1
            self._check(line)
            yield line
        self._check(self._rest)

    def _check(self, line: bytes) -> None:
        if len(line) > self._max_bytes:
            raise TooLarge(f"Line {self.count} is longer than {self._max_bytes} bytes.")


class NdjsonReader:
    """One JSON value a line; empty lines are skipped."""

    def __init__(self, max_bytes: int) -> None:
        self._lines = _Lines(max_bytes)

    def feed(self, data: bytes) -> list[Record]:
        """See Reader.feed."""
        return [self._record(line) for line in self._lines.cut(data) if line.strip()]

    def end(self) -> list[Record]:
        """See Reader.end."""
        return [self._record(line) for line in self._lines.cut(b"", end=True) if line.strip()]

    def _record(self, line: bytes) -> Record:
        try:
            text, value = read(line)
        except FaztError as error:
            return self._lines.count, "", None, error
        return self._lines.count, text, value, None


class CsvReader:
    """The first record names the columns; a column `a.b` makes an object. Empty cells are left out."""

    def __init__(self, max_bytes: int, *, typed: bool) -> None:
        self._lines = _Lines(max_bytes)
        self._typed = typed
        self._open = b""
        self._max_bytes = max_bytes
        self._columns: list[list[str]] | None = None

    def feed(self, data: bytes) -> list[Record]:
        """See Reader.feed."""
        return list(self._records(self._lines.cut(data)))

    def end(self) -> list[Record]:
        """See Reader.end."""
        records = list(self._records(self._lines.cut(b"", end=True)))
        if self._open:
            records.append((self._lines.count, "", None, Invalid("A quoted cell is not closed at the end.")))
        return records

    def _records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        for line in lines:
            self._open += line + b"\n"
            if self._open.count(b'"') % 2 == 0:
                record, self._open = self._open, b""
                if record.strip():
                    yield from self._record(record)
            elif len(self._open) > self._max_bytes:
                raise TooLarge(f"The record at line {self._lines.count} is longer than {self._max_bytes} bytes.")

    def _record(self, record: bytes) -> Iterator[Record]:
        try:
            cells = next(csv.reader(io.StringIO(record.decode("utf-8-sig"), newline="")))
            if self._columns is None:
                self._columns = self._name_columns(cells)
                return
            document = self._document(cells)
            text = dump(document)
        except (FaztError, UnicodeDecodeError, csv.Error) as error:
            known = error if isinstance(error, FaztError) else Invalid(f"This is not CSV in UTF-8: {error}.")
            yield self._lines.count, "", None, known
            return
        yield self._lines.count, text, document, None

    @staticmethod
    def _name_columns(cells: list[str]) -> list[list[str]]:
        columns = [[step for step in cell.strip().split(".") if step] for cell in cells]
        if len(columns) > MAX_COLUMNS or not any(columns):
            raise Invalid(f"The first line of CSV names 1 to {MAX_COLUMNS} columns.")
        return columns

    def _document(self, cells: list[str]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        columns = self._columns or []
        if len(cells) > len(columns):
            raise Invalid(f"This record has {len(cells)} cells, but the first line names {len(columns)} columns.")
        for steps, cell in zip(columns, cells, strict=False):
            if cell and steps:
                place(document, steps, to_value(cell) if self._typed else cell)
        return document


def place(document: dict[str, Any], steps: list[str], value: Any) -> None:
    """Set `value` at a dotted path. Raises Invalid where a column `a` and a column `a.b` clash."""
    holder = document
    for step in steps[:-1]:
        inner = holder.setdefault(step, {})
        if not isinstance(inner, dict):
            raise Invalid(f"The columns {step!r} and {'.'.join(steps)!r} clash.")
        holder = inner
    holder[steps[-1]] = value


def to_value(cell: str) -> Any:
    """A cell as JSON where it looks so: numbers without leading zeros, true, false, null, lists and objects."""
    if PLAIN_NUMBER.fullmatch(cell) or cell in {"true", "false", "null"}:
        return parse(cell)
    if cell[0] in "[{":
        try:
            return parse(cell)
        except FaztError:
            return cell
    return cell


def columns_of(documents: Iterable[Any]) -> list[str]:
    """The columns for an export: every top-level name in the order in which they first appear, `id` first."""
    names: dict[str, None] = {"id": None}
    for document in documents:
        if isinstance(document, dict):
            names.update(dict.fromkeys(document))
    return list(names)


def to_csv(columns: list[str], documents: Iterable[Any], *, header: bool) -> str:
    """Documents as CSV records; what is not text is written as JSON."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        writer.writerow(columns)
    for document in documents:
        members = document if isinstance(document, dict) else {"value": document}
        writer.writerow([_cell(members[name]) if name in members else "" for name in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else dump(value)


def problem_line(line: int, error: FaztError) -> str:
    """One line of the report on an import."""
    return json.dumps({"line": line, "problem": error.message})
