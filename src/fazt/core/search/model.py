"""Words as they are compared, questions as they are asked, and the parts of a text that answer them."""

from __future__ import annotations

import re
import unicodedata
from html import escape

from msgspec import Struct

TITLE_CHARS, TEXT_CHARS = 500, 100_000
QUERY_CHARS, QUERY_PHRASES = 200, 12
WORD_CHARS = 40
ALIKE_CHARS = 20_000
"""So far a text that is not ASCII is looked through for where to cut it."""

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
    """One answer. `id` is what it was indexed by; `path` is where it is shown; `kind` begins with the app's name."""

    kind: str
    id: str
    title: list[Part]
    snippet: list[Part]
    path: str
    at: int

    @property
    def app(self) -> str:
        """Whose it is."""
        return self.kind.partition(".")[0]


class Group(Struct, frozen=True):
    """The best answers of one app. `count` are those that were looked at: all there are, unless `is_more`."""

    app: str
    found: list[Found]
    count: int
    is_more: bool


class Phrase(Struct, frozen=True):
    """Words that follow each other; an open one may go on (`rep` finds `report`)."""

    words: tuple[str, ...]
    is_open: bool

    @property
    def may_go_on(self) -> bool:
        """Whether it is looked for as a beginning. A single letter is not: a quarter of all things have such a word."""
        return self.is_open and (len(self.words[-1]) > 1 or len(self.words) > 1 or is_unspaced(self.words[-1]))


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
    alike = text.lower() if text.isascii() else text[:ALIKE_CHARS].translate(_ALIKE)
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


def rank_title(title: str, phrases: list[Phrase]) -> int:
    """How well a title answers: 2 for each phrase that stands in it, 1 for each that is begun, 1 more if it is all."""
    words = words_of(title)
    score = sum(2 if has_words(words, phrase.words) else begins(words, phrase) for phrase in phrases)
    return score + (words == [word for phrase in phrases for word in phrase.words])


def has_words(words: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether `wanted` follow each other in `words`."""
    if len(wanted) == 1:
        return wanted[0] in words
    return any(tuple(words[at : at + len(wanted)]) == wanted for at in range(len(words) - len(wanted) + 1))


def begins(words: list[str], phrase: Phrase) -> bool:
    """Whether the phrase begins somewhere in `words` and goes on."""
    *first, last = phrase.words
    return phrase.is_open and any(
        words[at : at + len(first)] == first and words[at + len(first)].startswith(last)
        for at in range(len(words) - len(first))
    )
