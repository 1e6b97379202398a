"""JSON as text: read strictly, kept as it was sent, written again without losing a digit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NoReturn

from fazt.core.errors import Invalid, TooLarge

LEVELS = 100
MAX_EXPONENT = 4_000

STRING = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?', re.DOTALL)
STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|\s+', re.DOTALL)
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
ESCAPED_KEY = re.compile(r'\\[^"]*"\s*:|\\"\s*:')


def parse(text: str) -> Any:
    """The value of JSON `text`: big integers whole, other numbers as Decimal, keys in their order.

    Raises Invalid for what is not JSON (NaN and repeated keys among it), TooLarge beyond LEVELS levels.
    """
    try:
        value = DECODER.decode(text)
    except RecursionError as error:
        raise too_deep() from error
    except json.JSONDecodeError as error:
        raise Invalid(f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).") from error
    except ValueError as error:
        raise Invalid("A number in this JSON has too many digits.") from error
    if text.count("{") + text.count("[") > LEVELS:
        _check_depth(value)
    if SURROGATE.search(text):
        _check_surrogates(value)
    return value


def read(data: bytes) -> tuple[str, Any]:
    """A body as (text to keep, value). The text is what was sent, on one line, keys without escapes."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Invalid("This is not JSON: it is not UTF-8.") from error
    text = text.removeprefix("\ufeff").strip(" \t\r\n")
    value = parse(text)
    return tidy(text), value


def tidy(text: str) -> str:
    """The same JSON on one line, with keys in plain letters, so that SQLite finds them by name."""
    if "\n" in text or "\r" in text:
        text = STRING_OR_SPACE.sub(lambda found: found[1] or "", text)
    if "\\" in text and ESCAPED_KEY.search(text):
        text = STRING.sub(_plain_key, text)
    return text


def dump(value: Any) -> str:
    """Compact JSON of what `parse` gave, every digit kept."""
    return "".join(_pieces(value))


def _pieces(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield encode_basestring(value)
        case dict():
            yield "{"
            for number, (key, item) in enumerate(value.items()):
                yield ("," if number else "") + encode_basestring(key) + ":"
                yield from _pieces(item)
            yield "}"
        case list() | tuple():
            yield "["
            for number, item in enumerate(value):
                if number:
                    yield ","
                yield from _pieces(item)
            yield "]"
        case Decimal():
            yield str(value)
        case _:
            yield json.dumps(value, allow_nan=False)


def plain(value: Any) -> Any:
    """The same value with floats in the place of Decimals, for libraries that know no others."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case Decimal():
            return float(value)
        case _:
            return value


def with_member(text: str, value: dict[str, Any], name: str, member: Any) -> str:
    """The text of an object with one more member at its end; every other byte stays."""
    comma = "," if value else ""
    return f"{text[:-1].rstrip()}{comma}{encode_basestring(name)}:{dump(member)}}}"


def _plain_key(found: re.Match[str]) -> str:
    token = found[0]
    if not found[1] or "\\" not in token:
        return token
    return encode_basestring(json.loads(token[: -len(found[1])])) + ":"


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"The key {twice!r} stands twice in one object.")
    return members


def _to_decimal(digits: str) -> Decimal:
    _, _, exponent = digits.lower().partition("e")
    if len(exponent) > 6 or abs(int(exponent or 0)) > MAX_EXPONENT or math.isinf(float(digits)):
        raise Invalid(f"The number {digits[:40]} is beyond what can be kept.")
    return Decimal(digits)


def _refuse(constant: str) -> NoReturn:
    raise Invalid(f"This is not JSON: {constant} is no JSON number.")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > LEVELS + 1:
            raise too_deep()
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]


def too_deep() -> TooLarge:
    """Lists and objects within each other beyond the limit."""
    return TooLarge(f"This JSON is nested deeper than {LEVELS} levels.")


def _check_surrogates(value: Any) -> None:
    try:
        dump(value).encode()
    except UnicodeEncodeError as error:
        raise Invalid("This JSON holds half of a surrogate pair, which is no character.") from error


def pretty(text: str) -> str:
    """JSON `text` on several lines, for people; every digit and escape as it was."""
    pieces: list[str] = []
    depth, before = 0, ""
    for part in TOKEN.findall(text):
        if part in "}]":
            depth -= 1
            pieces.append("" if before in "{[" else "\n" + "  " * depth)
        elif before and before in "{[,":
            pieces.append("\n" + "  " * depth)
        depth += part in "{["
        pieces.append(": " if part == ":" else part)
        before = part
    return "".join(pieces) + "\n"


DECODER = json.JSONDecoder(object_pairs_hook=_to_object, parse_float=_to_decimal, parse_constant=_refuse)
"""Made once: `json.loads` with hooks makes one for each text."""
