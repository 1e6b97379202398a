"""HTML of strangers, made harmless: cleaned, without remote content until it is asked for, framed by a document.

Cleaning is one wall; the document is also sent with a Content-Security-Policy that allows no script at all.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Mapping

from fazt.apps.mail.model.message import Facts
from fazt.apps.mail.wire.markup import is_deep, text_of

TAGS = frozenset(
    [
        "a",
        "abbr",
        "address",
        "area",
        "article",
        "aside",
        "b",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "font",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "map",
        "main",
        "mark",
        "nav",
        "ol",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
DROPPED = frozenset({"script", "style", "title", "head", "noscript", "template", "svg", "math", "iframe", "object"})
COMMON = {"align", "bgcolor", "border", "cellpadding", "cellspacing", "color", "dir", "face", "height", "lang"}
COMMON |= {"size", "style", "title", "valign", "width", "colspan", "rowspan", "abbr", "scope", "start", "type", "value"}
ATTRIBUTES: dict[str, set[str]] = {"*": set(COMMON), "a": {"href", "name"}, "img": {"src", "alt"}}
STYLES = frozenset(
    [
        "background-color",
        "border",
        "border-bottom",
        "border-collapse",
        "border-color",
        "border-left",
        "border-radius",
        "border-right",
        "border-spacing",
        "border-style",
        "border-top",
        "border-width",
        "color",
        "direction",
        "display",
        "float",
        "font",
        "font-family",
        "font-size",
        "font-style",
        "font-variant",
        "font-weight",
        "height",
        "letter-spacing",
        "line-height",
        "list-style",
        "list-style-type",
        "margin",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "margin-top",
        "max-height",
        "max-width",
        "min-height",
        "min-width",
        "padding",
        "padding-bottom",
        "padding-left",
        "padding-right",
        "padding-top",
        "table-layout",
        "text-align",
        "text-decoration",
        "text-indent",
        "text-transform",
        "vertical-align",
        "white-space",
        "width",
        "word-break",
        "word-wrap",
    ]
)
SCHEMES = frozenset({"http", "https", "mailto", "tel", "cid", "data"})
PICTURES = re.compile(r"data:image/(?:png|gif|jpe?g|webp|bmp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
REMOTE = re.compile(r"""(?i)<img\b[^<>]{0,1000}?\bsrc\s{0,9}=\s{0,9}["']?\s{0,9}(?:https?:)?//""")
MAX_MARKUP = 1_000_000
MAX_INLINE = 5_000_000
URL = re.compile(r"\bhttps?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")
DOCUMENT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="{scheme}">
<meta name="viewport" content="width=device-width"><base target="_blank"><title>Message</title>
<style>{style}</style></head><body>{body}</body></html>"""
STYLE_PLAIN = (
    "body{margin:0;font:15px/1.55 system-ui,sans-serif;overflow-wrap:anywhere;white-space:pre-wrap}"
    "a{color:LinkText}.quote{opacity:.65}"
)
STYLE_HTML = (
    "body{margin:0;font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere;background:#fff;color:#111}"
    "img{max-width:100%;height:auto}table{max-width:100%}pre{white-space:pre-wrap}"
    "blockquote{margin:0 0 0 .4em;padding-left:.8em;border-left:3px solid #ccc}"
)
BASE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:{images}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


def policy(*, with_images: bool) -> str:
    """The Content-Security-Policy of a message: no script, no frame, no form, pictures as asked.

    The sandbox keeps the origin so that the page around it can measure its height; nothing in it can run.
    """
    return BASE_POLICY.format(images=" https: http:" if with_images else "")


def clean(markup: str, pictures: Callable[[str], str], *, with_images: bool) -> str:
    """Cleaned HTML. `pictures(content id)` gives a data: address or ""."""
    import nh3  # noqa: PLC0415 - large, and only HTML mail needs it

    def keep(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "src":
            return source(value, pictures, with_images=with_images)
        if attribute == "href" and value.strip().lower().startswith(("data:", "cid:")):
            return None
        if attribute == "style" and ("url(" in value.lower() or "\\" in value):
            return None
        return value

    return nh3.clean(
        markup[:MAX_MARKUP],
        tags=set(TAGS),
        clean_content_tags=set(DROPPED),
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        filter_style_properties=set(STYLES),
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )


def source(value: str, pictures: Callable[[str], str], *, with_images: bool) -> str | None:
    """Where a picture comes from: inside the message, or elsewhere if the reader wants that."""
    if value.lower().startswith("cid:"):
        return pictures(value[4:]) or None
    if value.lower().startswith("data:"):
        return value if PICTURES.fullmatch(value) else None
    return value if with_images else None


def has_remote(markup: str) -> bool:
    """Whether there are pictures that are not inside the message."""
    return REMOTE.search(markup[:MAX_MARKUP]) is not None


def as_data(content_type: str, data: bytes) -> str:
    """A picture as a data: address; "" where it is none, or too large."""
    if not re.fullmatch(r"image/(?:png|gif|jpe?g|webp|bmp)", content_type) or len(data) > MAX_INLINE:
        return ""
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def document(facts: Facts, pictures: Mapping[str, str], *, with_images: bool, as_text: bool = False) -> str:
    """The whole document for the frame: HTML where there is some, else the text with its links."""
    if facts.html.strip() and not as_text and not is_deep(facts.html):
        body = clean(facts.html, lambda name: pictures.get(name.strip("<>"), ""), with_images=with_images)
        return DOCUMENT.format(style=STYLE_HTML, body=body, scheme="light")
    return DOCUMENT.format(style=STYLE_PLAIN, body=plain(facts.text or text_of(facts.html)), scheme="light dark")


def plain(text: str) -> str:
    """Plain text as HTML: quotes dimmed, links made."""
    lines = []
    for line in text[:MAX_MARKUP].splitlines():
        marked = link(line)
        lines.append(f'<span class="quote">{marked}</span>' if line.startswith(">") else marked)
    return "\n".join(lines)


def link(line: str) -> str:
    """A line, escaped, with links."""
    pieces, at = [], 0
    for found in URL.finditer(line):
        pieces.append(html.escape(line[at : found.start()]))
        url = html.escape(found[0])
        pieces.append(f'<a href="{url}" rel="noopener noreferrer nofollow">{url}</a>')
        at = found.end()
    return "".join([*pieces, html.escape(line[at:])])
