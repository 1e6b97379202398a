"""The filter language: `(a.b >= 3 && tags ?= "x") || !draft == true`, read by recursive descent.

filter     = and { "||" and }
and        = not { "&&" not }
not        = "!" not | "(" filter ")" | "exists" "(" path ")" | comparison
comparison = path operator value | value operator path | path "in" "[" value { "," value } "]"
operator   = [ "?" ] ( "==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" )
path       = name { "." name | "[" number "]" | "[" text "]" }
value      = text | number | "true" | "false" | "null" | macro
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from fazt.apps.textdb.model.expression import (
    MACROS,
    METADATA,
    All,
    Compare,
    Comparison,
    Exists,
    Expression,
    Not,
    OneOf,
    Path,
    Scalar,
    Some,
)
from fazt.apps.textdb.model.jsontext import parse as parse_json
from fazt.core.errors import FaztError, Invalid

MAX_LENGTH = 4_000
MAX_TERMS = 200
MAX_DEPTH = 30
MAX_STEPS = 16

TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[^\W\d][\w$-]*|@[A-Za-z]+|\$\w+)
    | (?P<sign>\|\||&&|\??(?:==|!=|<=|>=|!~|=|<|>|~)|[!()\[\],.])
    )""",
    re.VERBOSE,
)
CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
COMPARISONS = frozenset({"==", "=", "!=", "<", "<=", ">", ">=", "~", "!~"})
Value = tuple[Scalar]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the filter; `at` counts characters from 0."""

    kind: str
    text: str
    at: int


def parse(text: str, macros: Mapping[str, Scalar]) -> Expression:
    """The tree of a filter, with `macros` (`@me`, …) put in. Raises Invalid with the `position` of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise Invalid(f"A filter has at most {MAX_LENGTH} characters; this one has {len(text)}.")
    return Parser(tokenize(text), macros).parse()


def parse_path(text: str) -> Path:
    """A dotted path as in `_sort=author.name` or `items[0]`. Raises Invalid."""
    parser = Parser(tokenize(text), {})
    path = parser.path()
    parser.end()
    return path


def tokenize(text: str) -> list[Token]:
    """All words of `text`, closed by one of kind "end"."""
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        found = TOKEN.match(stripped, at)
        if found is None:
            start = at + len(stripped[at:]) - len(stripped[at:].lstrip())
            raise wrong(start, f"I do not understand {stripped[start : start + 12]!r}.")
        kind = found.lastgroup or ""
        tokens.append(Token(kind, found[kind], found.start(kind)))
        at = found.end()
    tokens.append(Token("end", "the end", len(stripped)))
    return tokens


def wrong(at: int, message: str) -> Invalid:
    """An error at character `at` (from 0)."""
    return Invalid(f"The filter is wrong at character {at + 1}: {message}", position=at + 1)


class Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, tokens: list[Token], macros: Mapping[str, Scalar]) -> None:
        self._tokens = tokens
        self._next = 0
        self._macros = macros
        self._terms = 0
        self._depth = 0

    def parse(self) -> Expression:
        """The whole filter."""
        tree = self._any()
        self.end()
        return tree

    def end(self) -> None:
        """Raise Invalid unless all is read."""
        token = self._peek()
        if token.kind != "end":
            raise wrong(token.at, f"{token.text!r} is not expected here.")

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += token.kind != "end"
        return token

    def _accept(self, sign: str) -> bool:
        token = self._peek()
        if token.kind == "sign" and token.text == sign:
            self._next += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise wrong(self._peek().at, f"expected {sign!r}, found {self._peek().text!r}.")

    def _any(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise wrong(self._peek().at, f"brackets and '!' go deeper than {MAX_DEPTH} levels.")
        terms = [self._all()]
        while self._accept("||"):
            terms.append(self._all())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Some(tuple(terms))

    def _all(self) -> Expression:
        terms = [self._not()]
        while self._accept("&&"):
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def _not(self) -> Expression:
        turned = False
        while self._accept("!"):
            turned = not turned
        if self._accept("("):
            term = self._any()
            self._expect(")")
        else:
            term = self._comparison()
        return Not(term) if turned else term

    def _comparison(self) -> Expression:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise wrong(self._peek().at, f"there are more than {MAX_TERMS} comparisons.")
        if self._peek().text == "exists" and self._tokens[self._next + 1].text == "(":
            self._next += 2
            path = self.path()
            self._expect(")")
            return Exists(path)
        at = self._peek().at
        left = self._operand()
        if isinstance(left, Path) and self._peek().text == "in" and self._peek().kind == "name":
            self._next += 1
            return OneOf(left, self._list())
        op, any_element = self._operator()
        return compare(at, left, op, self._operand(), any_element=any_element)

    def _operator(self) -> tuple[str, bool]:
        token = self._take()
        op = token.text.removeprefix("?")
        if token.kind != "sign" or op not in COMPARISONS:
            raise wrong(token.at, f"expected a comparison such as == or >=, found {token.text!r}.")
        return "==" if op == "=" else op, token.text.startswith("?")

    def _operand(self) -> Path | Value:
        """A path, or a value in a tuple of one (so that the value null is not "nothing")."""
        token = self._peek()
        if token.kind == "name" and token.text not in CONSTANTS and token.text not in MACROS:
            return self.path()
        return (self._value(),)

    def _value(self) -> Scalar:
        token = self._take()
        match token.kind:
            case "text":
                return unquote(token)
            case "number":
                return cast("Scalar", parse_json(token.text)) if not re.match(r"-?0\d", token.text) else leading(token)
            case "name" if token.text in CONSTANTS:
                return CONSTANTS[token.text]
            case "name" if token.text in MACROS:
                if token.text not in self._macros:
                    raise wrong(token.at, f"{token.text} means nothing here.")
                return self._macros[token.text]
        raise wrong(token.at, f"expected a value, found {token.text!r}.")

    def _list(self) -> tuple[Scalar, ...]:
        self._expect("[")
        if self._accept("]"):
            return ()
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect("]")
        self._terms += len(values) - 1
        if self._terms > MAX_TERMS:
            raise wrong(self._peek().at, f"there are more than {MAX_TERMS} comparisons.")
        return tuple(values)

    def path(self) -> Path:
        """The path that stands here."""
        first = self._take()
        if first.kind != "name":
            raise wrong(first.at, f"expected the name of a field, found {first.text!r}.")
        if first.text.startswith("@"):
            if first.text not in METADATA:
                raise wrong(first.at, f"there is no {first.text}; known are {', '.join(sorted(METADATA | MACROS))}.")
            return Path((first.text,))
        steps: list[str | int] = [check_step(first.text, first.at)]
        while self._peek().text in {".", "["} and self._peek().kind == "sign":
            steps.append(self._name_step() if self._take().text == "." else self._bracket_step())
        if len(steps) > MAX_STEPS:
            raise wrong(first.at, f"a path has at most {MAX_STEPS} steps.")
        return Path(tuple(steps))

    def _name_step(self) -> str | int:
        token = self._take()
        if token.kind == "number" and token.text.isdecimal():
            return int(token.text)
        if token.kind not in {"name", "text"}:
            raise wrong(token.at, f"expected the name of a field after '.', found {token.text!r}.")
        return check_step(unquote(token) if token.kind == "text" else token.text, token.at)

    def _bracket_step(self) -> str | int:
        token = self._take()
        if token.kind == "number" and token.text.isdecimal() and len(token.text) < 10:
            step: str | int = int(token.text)
        elif token.kind == "text":
            step = check_step(unquote(token), token.at)
        else:
            raise wrong(token.at, f"expected a number or a text in [ ], found {token.text!r}.")
        self._expect("]")
        return step


def compare(at: int, left: Path | Value, op: str, right: Path | Value, *, any_element: bool) -> Compare:
    """`left op right` with the path on the left. Raises Invalid unless there is one path and one value that fit."""
    if isinstance(left, Path) == isinstance(right, Path):
        raise wrong(at, "a comparison has a field on one side and a value on the other.")
    if isinstance(left, Path):
        path, value = left, cast("Value", right)[0]
    else:
        path, value, op = cast("Path", right), left[0], MIRRORED.get(op, op)
    if (value is None or isinstance(value, bool)) and op not in {"==", "!="}:
        raise wrong(at, f"{json.dumps(value)} can only be compared with == and !=.")
    return Compare(path, cast("Comparison", op), value, any_element)


def check_step(name: str, at: int) -> str:
    """A field's name again. Invalid for what SQL cannot look up in the same way on both engines."""
    if not name or re.search(r'["\\\x00-\x1f]', name):
        raise wrong(at, "a field's name in a filter is not empty and has no quotes, backslashes or control characters.")
    return name


def unquote(token: Token) -> str:
    """The text between quotes of either kind, with JSON's escapes."""
    inner = token.text[1:-1]
    if token.text[0] == "'":
        inner = re.sub(
            r"\\(.)|(\")", lambda found: '\\"' if found[2] else keep_escape(found[1]), inner, flags=re.DOTALL
        )
    try:
        text: str = json.loads(f'"{inner}"')
        text.encode()
    except (json.JSONDecodeError, UnicodeEncodeError) as error:
        raise wrong(token.at, "this text has a wrong escape, or a control character.") from error
    if "\x00" in text:
        raise wrong(token.at, "a text in a filter cannot hold the character 0.")
    return text


def keep_escape(letter: str) -> str:
    """The escape of JSON for a backslash and `letter` inside single quotes."""
    return "'" if letter == "'" else f"\\{letter}"


def leading(token: Token) -> Scalar:
    """Refuse 007, which is a number in no JSON."""
    raise wrong(token.at, f"{token.text} is not a number as JSON writes it.")


def explain(error: FaztError, text: str) -> str:
    """The filter with a mark under the place that an error names, for the command line."""
    position = error.details.get("position")
    return f"{text}\n{' ' * (position - 1)}^" if isinstance(position, int) else text
