"""Path patterns of `_redirects` and `_headers`: one `*`, and `:name` for a part of one segment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from fazt.core.errors import Invalid

PLACEHOLDER = re.compile(r":([A-Za-z]\w*)")
ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
MAX_MATCHED = 2048
SAFE = "/:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. `host` is "" where any host will do; `regex` is None for a plain path."""

    host: str
    path: str
    regex: re.Pattern[str] | None

    def match(self, host: str, path: str) -> dict[str, str] | None:
        """What `*` (as "splat") and the names stand for, or None. `path` is decoded."""
        if self.host and self.host != host:
            return None
        if self.regex is None:
            return {} if self.path == path else None
        found = self.regex.match(path) if len(path) <= MAX_MATCHED else None
        return None if found is None else {name: value or "" for name, value in found.groupdict().items()}


def parse_pattern(text: str, *, loose_slash: bool) -> Pattern:
    """Raises Invalid. With `loose_slash`, `/a` and `/a/` are the same, and `/a/*` matches `/a` too."""
    host = ""
    if ABSOLUTE.match(text):
        parts = urlsplit(text)
        host, text = (parts.hostname or "").lower(), text.split("/", 3)[3] if text.count("/") > 2 else ""
        text = "/" + text
    text = unquote(text.partition("#")[0])
    if not text.startswith("/"):
        raise Invalid("a path must begin with /")
    if text.count("*") > 1:
        raise Invalid("only one * is possible")
    if loose_slash and len(text) > 1:
        text = text.rstrip("/")
    if "*" not in text and not PLACEHOLDER.search(text):
        return Pattern(host, text, None)
    return Pattern(host, text, compile_pattern(text, loose_slash=loose_slash))


def compile_pattern(text: str, *, loose_slash: bool) -> re.Pattern[str]:
    """The regular expression for a pattern; every one of them matches in linear time or close to it."""
    parts: list[str] = []
    names: set[str] = set()
    for segment in text.split("/")[1:]:
        found = PLACEHOLDER.findall(segment)
        if len(found) + segment.count("*") > 1:
            raise Invalid("only one placeholder or * is possible between two slashes")
        if any(name in names or name == "splat" for name in found):
            raise Invalid("a placeholder has the same name as another")
        names.update(found)
        parts.append(compile_segment(segment))
    if not loose_slash:
        return re.compile("/" + "/".join(parts) + r"\Z", re.DOTALL)
    if len(parts) > 1 and parts[-1] == "(?P<splat>.*)":
        return re.compile("/" + "/".join(parts[:-1]) + r"(?:/(?P<splat>.*))?\Z", re.DOTALL)
    return re.compile("/" + "/".join(parts) + (r"\Z" if "<splat>" in parts[-1] else r"/?\Z"), re.DOTALL)


def compile_segment(segment: str) -> str:
    """The regular expression for what is between two slashes."""
    if "*" in segment:
        before, _, after = segment.partition("*")
        return f"{re.escape(before)}(?P<splat>.*){re.escape(after)}"
    found = PLACEHOLDER.search(segment)
    if found is None:
        return re.escape(segment)
    return f"{re.escape(segment[: found.start()])}(?P<{found[1]}>[^/]+){re.escape(segment[found.end() :])}"


def fill(template: str, values: dict[str, str], *, encode: bool) -> str:
    """`template` with `:name` and `:splat` replaced, percent-encoded for a URL when `encode`."""

    def value(found: re.Match[str]) -> str:
        text = values.get(found[1])
        if text is None:
            return found[0]
        return quote(text, safe=SAFE) if encode else text

    return PLACEHOLDER.sub(value, template) if values else template
