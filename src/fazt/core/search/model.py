"""Words as they are compared, questions as they are asked, and the parts of a text that answer them."""

from __future__ import annotations

import re
import unicodedata
from html import escape

from msgspec import Struct

TITLE_CHARS, TEXT_CHARS = 500, 100_000
QUERY_CHARS, QUERY_PHRASES = 200, 12
WORD_CHARS = 40
SNIPPET_CHARS, BEFORE_CHARS = 180, 50

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""Scripts that put no spaces between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese): each letter is a word."""

WORD = re.compile(f"[{UNSPACED}]|[^\\W_{UNSPACED}]+")
ASCII_WORD = re.compile("[0-9a-z]+")
PHRASES = re.compile(r'"([^"]*)"?|([^"\s]+)')


class Part(Struct, frozen=True):
    """A piece of a text; `hit` where it is what was searched for."""

    text: str
    hit: bool


class Found(Struct, frozen=True):
    """One answer. `id` is what it was indexed by; `path` is where it is shown."""

    kind: str
    id: str
    title: list[Part]
    snippet: list[Part]
    path: str
    at: int


class Phrase(Struct, frozen=True):
    """Words that follow each other; an open one may go on (`rep` finds `report`)."""

    words: tuple[str, ...]
    is_open: bool


class Folding(dict[int, str | None]):
    """For str.translate: decomposed letters without their marks. Learns each letter once."""

    def __missing__(self, code: int) -> str | None:
        letter = chr(code)
        folded = None if unicodedata.category(letter)[0] == "M" else letter
        self[code] = folded
        return folded


class Alike(dict[int, str]):
    """For str.translate: each letter as one letter it is compared by, so that places in a text stay what they are."""

    def __missing__(self, code: int) -> str:
        alike = fold(chr(code))
        self[code] = alike[0] if alike else chr(code)
        return self[code]


_FOLDING, _ALIKE = Folding(), Alike()


def fold(text: str) -> str:
    """Without capitals, accents and other marks, so that `Émile` and `emile` are the same."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text.casefold()).translate(_FOLDING).casefold()


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in their order."""
    pattern = ASCII_WORD if text.isascii() else WORD
    return [word if len(word) <= WORD_CHARS else word[:WORD_CHARS] for word in pattern.findall(fold(text))]


def parse_query(query: str) -> list[Phrase]:
    """What is asked for: all phrases must be there. Words in quotes are exact; nothing is an error."""
    phrases = []
    for quoted, plain in PHRASES.findall(query[:QUERY_CHARS]):
        words = tuple(words_of(quoted or plain))
        if words:
            phrases.append(Phrase(words, is_open=not quoted))
    return phrases[:QUERY_PHRASES]


def tidy(text: str, max_chars: int) -> str:
    """Bounded, composed, with single spaces, and without what databases refuse (NUL, lone surrogates)."""
    short = text[:max_chars]
    if not short.isascii():
        short = unicodedata.normalize("NFC", short.encode(errors="replace").decode(errors="replace"))
    return " ".join(short.replace("\0", " ").split())[:max_chars]


def highlight(text: str, phrases: list[Phrase], max_chars: int = SNIPPET_CHARS) -> list[Part]:
    """About `max_chars` of `text` from shortly before the first hit, cut into what was searched for and the rest."""
    alike = text.translate(_ALIKE)
    wanted = pattern_of(phrases)
    first = wanted.search(alike) if wanted else None
    start = find_start(text, first.start() - BEFORE_CHARS if first and len(text) > max_chars else 0)
    end = min(len(text), start + max_chars)
    parts, at = [Part("…", hit=False)] if start else [], start
    for hit in wanted.finditer(alike, start, end) if wanted else ():
        parts += [Part(text[at : hit.start()], hit=False), Part(text[hit.start() : hit.end()], hit=True)]
        at = hit.end()
    parts.append(Part(text[at:end] + ("…" if end < len(text) else ""), hit=False))
    return [part for part in parts if part.text]


def pattern_of(phrases: list[Phrase]) -> re.Pattern[str] | None:
    """Finds the first letters of the words in a text of single compared letters."""
    starts = {word if is_unspaced(word) else rf"(?<![^\W_]){re.escape(word)}" for p in phrases for word in p.words}
    return re.compile("|".join(sorted(starts, key=len, reverse=True))) if starts else None


def is_unspaced(word: str) -> bool:
    """Whether this is a letter of a script that puts no spaces between words."""
    return re.match(f"[{UNSPACED}]", word) is not None


def find_start(text: str, at: int) -> int:
    """The beginning of a word at or a little before `at`."""
    if at <= 0:
        return 0
    space = text.find(" ", at, at + BEFORE_CHARS)
    return space + 1 if space >= 0 else at


def as_html(parts: list[Part]) -> str:
    """Escaped, with `<mark>` around the hits."""
    return "".join(f"<mark>{escape(part.text)}</mark>" if part.hit else escape(part.text) for part in parts)
