"""multipart/form-data, cut into fields and files while it comes in."""

from __future__ import annotations

from email.message import Message
from typing import Any

import msgspec
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError

from fazt.core.errors import Invalid, TooLarge

MAX_FIELD_BYTES, MAX_FIELDS, MAX_HEAD_BYTES = 65_536, 64, 8_192


class FileBegun(msgspec.Struct, frozen=True):
    """A file begins."""

    field: str
    name: str
    type: str


class FileData(msgspec.Struct, frozen=True):
    """More of its bytes."""

    data: bytes


class FileEnded(msgspec.Struct, frozen=True):
    """It is whole."""


class FieldRead(msgspec.Struct, frozen=True):
    """A field with its text."""

    name: str
    value: str


Piece = FileBegun | FileData | FileEnded | FieldRead


def parse_boundary(content_type: str) -> bytes:
    """What parts the parts. Raises Invalid."""
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise Invalid("This is no form with files.", hint="curl -F file=@NAME sends one.")
    return boundary.encode("latin-1", "replace")


class FormReader:
    """`feed` bytes, and `end`; both answer the pieces that are whole now. Raises Invalid and TooLarge."""

    def __init__(self, boundary: bytes) -> None:
        names = (
            "part_begin",
            "part_data",
            "part_end",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
        )
        callbacks: Any = {f"on_{name}": getattr(self, f"_{name}") for name in (*names, "end")}
        self._parser = MultipartParser(boundary, callbacks)
        self._pieces: list[Piece] = []
        self._headers: dict[str, str] = {}
        self._head = [b"", b""]
        self._head_bytes = 0
        self._field = ""
        self._value: bytearray | None = None
        self._fields = 0
        self._is_done = False

    def feed(self, data: bytes) -> list[Piece]:
        """Take more of the body."""
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise Invalid("The form is garbled.") from error
        pieces, self._pieces = self._pieces, []
        return pieces

    def end(self) -> None:
        """Raises Invalid where the body ended before the form did."""
        if not self._is_done:
            raise Invalid("The form ends too early.")

    def _part_begin(self) -> None:
        self._headers, self._head, self._value = {}, [b"", b""], None
        self._fields += 1
        self._head_bytes = 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._head[0] += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._head[1] += data[start:end]

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise TooLarge("A part of the form has a head that is too large.")

    def _header_end(self) -> None:
        self._headers[self._head[0].decode("latin-1").lower()] = self._head[1].decode("utf-8", "replace")
        self._head = [b"", b""]

    def _headers_finished(self) -> None:
        said = parse_disposition(self._headers.get("content-disposition", ""))
        self._field = said.get("name", "")
        if "filename" in said:
            if said["filename"]:
                self._pieces.append(FileBegun(self._field, said["filename"], self._headers.get("content-type", "")))
            else:  # a browser's file field that was left empty
                self._value, self._field = bytearray(), ""
            return
        if self._fields > MAX_FIELDS:
            raise TooLarge(f"The form has more than {MAX_FIELDS} fields.")
        self._value = bytearray()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._value is None:
            self._pieces.append(FileData(bytes(data[start:end])))
        elif len(self._value) + end - start > MAX_FIELD_BYTES:
            raise TooLarge(f"The field {self._field[:40]} has more than {MAX_FIELD_BYTES} bytes.")
        else:
            self._value += data[start:end]

    def _part_end(self) -> None:
        if self._value is None:
            self._pieces.append(FileEnded())
        elif self._field:
            self._pieces.append(FieldRead(self._field, self._value.decode("utf-8", "replace").replace("\0", "")))

    def _end(self) -> None:
        self._is_done = True


def parse_disposition(value: str) -> dict[str, str]:
    """The parameters of a Content-Disposition as browsers and curl write them: `"` is `%22` or `\\"`, text is UTF-8."""
    found: dict[str, str] = {}
    rest = value.partition(";")[2]
    while rest.strip():
        name, _, rest = rest.partition("=")
        rest = rest.lstrip()
        if not rest.startswith('"'):
            text, _, rest = rest.partition(";")
        else:
            end = 1
            while end < len(rest) and rest[end] != '"':
                end += 2 if rest[end] == "\\" else 1
            text = rest[1:end].replace('\\"', '"').replace("%22", '"')
            rest = rest[end + 1 :].partition(";")[2]
        found.setdefault(name.strip().lower(), text)
    return found
