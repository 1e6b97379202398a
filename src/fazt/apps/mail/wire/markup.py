"""HTML before it is parsed: is it nested so deep that parsing it would take minutes, and what is its text."""

from __future__ import annotations

import html
import re

MAX_DEPTH = 400
MAX_CHARS = 300_000
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
BREAKS = re.compile(r"(?i)<(?:br|/p|/div|/tr|/h[1-6]|/li)\b[^<>]{0,99}>")
UNCLOSED = frozenset(
    {"area", "base", "br", "col", "dd", "dt", "embed", "hr", "html", "head", "body", "img", "input", "li", "link"}
    | {"meta", "option", "p", "param", "source", "td", "th", "thead", "tbody", "tfoot", "tr", "track", "wbr"}
)
"""Elements that need no end, and do not nest by themselves."""

NO_TEXT = frozenset({"script", "style", "head", "title", "noscript", "template", "svg"})


def is_deep(markup: str) -> bool:
    """Whether more elements are open at once than any honest message has: then parsing takes quadratic time."""
    depth = 0
    for found in TAG.finditer(markup):
        if found[2].lower() in UNCLOSED:
            continue
        depth = max(depth - 1, 0) if found[1] else depth + 1
        if depth > MAX_DEPTH:
            return True
    return False


def text_of(markup: str) -> str:
    """HTML as text, roughly: for search, snippets, and answers."""
    import nh3  # noqa: PLC0415 - large, and only HTML mail needs it

    broken = BREAKS.sub("\n", markup[:MAX_CHARS])
    if is_deep(broken):
        return html.unescape(ANY_TAG.sub(" ", broken))
    return html.unescape(nh3.clean(broken, tags=set(), clean_content_tags=set(NO_TEXT)))
