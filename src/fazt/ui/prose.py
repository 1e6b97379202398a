"""Text as people read it: Markdown as clean HTML, and source code with colours."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight as color
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import TextLexer, get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

HIGHLIGHT_MAX = 500_000
"""Characters; a longer text is shown without colours, since Pygments takes seconds for it."""

CLASSES = {"highlight", "task-list-item", "task-list-item-checkbox", "contains-task-list", "footnotes", "footnote-ref"}
TAGS = (nh3.ALLOWED_TAGS | {"input", "section", "figure", "figcaption"}) - {"map", "area", "style"}
ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "input": {"checked", "disabled"},
    "li": {"id"},
    "a": {"href", "hreflang", "title", "id"},
    "sup": {"id"},
}
SCHEMES = {"http", "https", "mailto", "tel"}


@lru_cache(maxsize=1)
def get_parser() -> MarkdownIt:
    """CommonMark with tables, strike-through, footnotes, task lists and bare links."""
    parser = MarkdownIt("commonmark", {"html": True, "linkify": True, "highlight": highlight_fence})
    parser.enable(["table", "strikethrough", "linkify"])
    return parser.use(footnote_plugin).use(tasklists_plugin)


def highlight_fence(code: str, language: str, _attributes: str) -> str:
    """The inside of a fenced block; "" lets the parser escape it."""
    lexer = find_lexer(language)
    return "" if lexer is None or len(code) > HIGHLIGHT_MAX else color(code, lexer, HtmlFormatter(nowrap=True))


def find_lexer(language: str) -> Lexer | None:
    """What colours a language of this name, or None."""
    try:
        return get_lexer_by_name(language) if language else None
    except ClassNotFound:
        return None


def render_markdown(text: str, *, schemes: frozenset[str] = frozenset()) -> Markup:
    """Markdown as HTML that runs nothing and looks like nothing of the page around it; `schemes` are allowed besides.

    Addresses that begin without a scheme stay as they are. Put it into an element of class `prose`.
    """
    return clean_html(get_parser().render(text), schemes=schemes)


def clean_html(html: str, *, schemes: frozenset[str] = frozenset()) -> Markup:
    """HTML without what runs, frames, styles or asks for input."""
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=dict.fromkeys(("span", "div", "li", "ul", "input", "section", "sup"), CLASSES | COLORS),
        url_schemes=SCHEMES | schemes,
        link_rel="noopener noreferrer nofollow",
        tag_attribute_values={"input": {"type": {"checkbox"}}},
    )
    return Markup(cleaned)  # noqa: S704 - nh3 has just cleaned it


def highlight(text: str, name: str) -> Markup:
    """Source code in colours, by a file's name (`a.py`) or a language (`python`); in `<pre class="highlight">`."""
    lexer = choose_lexer(name) if len(text) <= HIGHLIGHT_MAX else TextLexer()
    inner = color(text, lexer, HtmlFormatter(nowrap=True))
    return Markup('<pre class="highlight">') + Markup(inner) + Markup("</pre>")  # noqa: S704 - Pygments escapes it


def choose_lexer(name: str) -> Lexer:
    """By file name, else by language, else plain text."""
    try:
        return get_lexer_for_filename(name)
    except ClassNotFound:
        return find_lexer(name) or TextLexer()


def _list_colors() -> set[str]:
    from pygments.token import STANDARD_TYPES  # noqa: PLC0415 - read once

    return {name for name in STANDARD_TYPES.values() if name}


COLORS = _list_colors()
"""The classes that Pygments gives to spans; `ui/fazt.css` says what they look like."""
