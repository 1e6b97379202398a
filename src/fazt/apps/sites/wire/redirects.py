"""`_redirects` as Netlify and Cloudflare Pages read it: one rule a line, the first that fits wins.

    /from  [name=:value …]  /to  [code][!]

Where the two differ: a file that exists wins over a rule without `!` (Netlify), 301 is the code
that need not be written (Netlify), and all five redirect codes are known (Cloudflare).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from heapq import merge
from operator import itemgetter
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from fazt.apps.sites.wire.patterns import ABSOLUTE, PLACEHOLDER, SAFE, Pattern, fill, parse_pattern
from fazt.core.errors import Invalid

MAX_RULES = 10_000
MAX_DYNAMIC = 500
MAX_LINE = 1_000
REDIRECT_CODES = frozenset({301, 302, 303, 307, 308})
REWRITE_CODES = frozenset({200, 404, 410, 451, 401, 403})
CODE = re.compile(r"(\d{3})(!?)\Z")
PARAMETER = re.compile(r"([^=\s]+)=(\S*)\Z")
CONDITIONS = ("country=", "language=", "role=", "cookie=")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line."""

    source: Pattern
    to: str
    code: int
    force: bool
    query: tuple[tuple[str, str], ...] = ()
    """Parameters that must be there: (name, value), where `:word` stands for any value."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go elsewhere: a `Location` and its code."""

    location: str
    code: int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Show the file at `path` (decoded, with a leading slash) with `code`, under the address that was asked for."""

    path: str
    query: str
    code: int


@dataclass(frozen=True, slots=True)
class Redirects:
    """All rules of a site, ready to be asked."""

    plain: dict[str, list[tuple[int, Rule]]] = field(default_factory=dict)
    dynamic: list[tuple[int, Rule]] = field(default_factory=list)
    has_forced: bool = False

    def __bool__(self) -> bool:
        return bool(self.plain or self.dynamic)

    def find(self, host: str, path: str, query: str, *, file_exists: bool) -> Redirect | Rewrite | None:
        """What the first rule that fits says, or None. `path` is decoded, `query` is not.

        When a file answers `path`, only rules with `!` are asked.
        """
        if file_exists and not self.has_forced:
            return None
        key = path.rstrip("/") or "/"
        for _, rule in merge(self.plain.get(key, ()), self.dynamic, key=itemgetter(0)):
            if rule.force or not file_exists:
                answer = apply(rule, host, path, key, query)
                if answer is not None:
                    return answer
        return None


def apply(rule: Rule, host: str, path: str, key: str, query: str) -> Redirect | Rewrite | None:
    """What `rule` answers, or None if it does not fit. `key` is `path` without slashes at its end."""
    values = rule.source.match(host, path if rule.source.regex else key)
    if values is None:
        return None
    if rule.query:
        found = match_query(rule.query, query)
        if found is None:
            return None
        values |= found
    if rule.code in REDIRECT_CODES:
        return redirect(rule, values, path, query)
    target, _, own_query = fill(rule.to, values, encode=True).partition("?")
    return Rewrite(unquote(target), own_query or ("" if rule.query else query), rule.code)


def redirect(rule: Rule, values: dict[str, str], path: str, query: str) -> Redirect | None:
    """The redirect of a rule that fits; None where it would lead to where one is."""
    to = fill(rule.to, values, encode=True)
    if not ABSOLUTE.match(to):
        to = "/" + to.lstrip("/")  # "//host" would leave the site: a splat may begin with a slash
    to, hash_mark, fragment = to.partition("#")
    if not ABSOLUTE.match(to) and unquote(to.partition("?")[0]) == path:
        return None
    if query and not rule.query and "?" not in to:
        to += "?" + query
    return Redirect(to + hash_mark + fragment, rule.code)


def match_query(wanted: tuple[tuple[str, str], ...], query: str) -> dict[str, str] | None:
    """What the parameters' placeholders stand for, or None if one is missing."""
    given = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=1000)) if query.count("&") < 1000 else {}
    values: dict[str, str] = {}
    for name, value in wanted:
        if name not in given:
            return None
        if value.startswith(":"):
            values[value[1:]] = given[name]
        elif given[name] != unquote(value):
            return None
    return values


def parse_redirects(text: str) -> tuple[Redirects, list[str]]:
    """The rules, and a sentence for each line that is passed over."""
    redirects, warnings = Redirects(), []
    count, has_forced = 0, False
    for number, line in enumerate(text.splitlines(), start=1):
        words = split_line(line)
        if not words:
            continue
        try:
            check_room(line, count, redirects)
            rule = parse_rule(words)
        except Invalid as error:
            warnings.append(f"_redirects, line {number}: {error.message}; the line is passed over.")
            continue
        count += 1
        has_forced = has_forced or rule.force
        if rule.source.regex is None:
            redirects.plain.setdefault(rule.source.path, []).append((number, rule))
        else:
            redirects.dynamic.append((number, rule))
    return Redirects(redirects.plain, redirects.dynamic, has_forced), warnings


def split_line(line: str) -> list[str]:
    """The words of a line, up to a word that begins a comment."""
    words = line.replace("\ufeff", "").split()
    for position, word in enumerate(words):
        if word.startswith("#"):
            return words[:position]
    return words


def check_room(line: str, count: int, redirects: Redirects) -> None:
    """Raises Invalid where the file has grown too large."""
    if len(line) > MAX_LINE:
        raise Invalid(f"it is longer than {MAX_LINE:,} characters")
    if count >= MAX_RULES:
        raise Invalid(f"there are more than {MAX_RULES:,} rules")
    if len(redirects.dynamic) >= MAX_DYNAMIC and ("*" in line or PLACEHOLDER.search(line)):
        raise Invalid(f"there are more than {MAX_DYNAMIC} rules with * or placeholders")


def parse_rule(words: list[str]) -> Rule:
    """Raises Invalid, saying what is wrong."""
    source, rest = words[0], words[1:]
    query: list[tuple[str, str]] = []
    while rest and not is_target(rest[0]) and (found := PARAMETER.match(rest[0])):
        query.append((unquote(found[1]), found[2]))
        rest = rest[1:]
    to = rest.pop(0) if rest and is_target(rest[0]) else ""
    code, force = 301, False
    if rest and (found := CODE.match(rest[0])):
        code, force = int(found[1]), bool(found[2])
        rest = rest[1:]
    if rest:
        is_condition = rest[0].lower().startswith(CONDITIONS)
        raise Invalid(
            f"{rest[0]!r} is a condition that fazt does not know" if is_condition else f"{rest[0]!r} is not understood"
        )
    if not to:
        raise Invalid("it has no target that begins with / or http")
    return Rule(parse_pattern(source, loose_slash=True), check_target(to, code), code, force, tuple(query))


def is_target(word: str) -> bool:
    """Whether a word can be where a rule leads."""
    return word.startswith("/") or bool(ABSOLUTE.match(word))


def check_target(to: str, code: int) -> str:
    """`to`, with what a URL cannot hold percent-encoded; raises Invalid for a code that does not go with it."""
    if code not in REDIRECT_CODES | REWRITE_CODES:
        raise Invalid(f"the code {code} is not one of {', '.join(map(str, sorted(REDIRECT_CODES | REWRITE_CODES)))}")
    if ABSOLUTE.match(to):
        if code not in REDIRECT_CODES:
            raise Invalid("fazt does not fetch pages from other servers (a rewrite to another host)")
        if not urlsplit(to).hostname:
            raise Invalid("the target has no host")
    return quote(to, safe=SAFE + "%?#[]")
