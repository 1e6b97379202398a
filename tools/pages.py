"""Make a web site of README, CHANGELOG, CONTRIBUTING and docs/ in site/. A link to nothing is an error."""

from __future__ import annotations

import html
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
LOOKS = Path(__file__).with_name("looks")
TOP = {"README.md": "index.html", "CHANGELOG.md": "changelog.html", "CONTRIBUTING.md": "contributing.html"}
GROUPS = (("", ("",)), ("Guide", ("guide/",)), ("Decisions", ("decisions/",)))


class BrokenLinkError(Exception):
    """A page points at a file that is not there."""


@dataclass(frozen=True)
class Page:
    """A Markdown file and where its page goes, both as paths from the top of the project and of the site."""

    source: str
    target: str
    title: str


def list_pages(root: Path) -> list[Page]:
    """Every page, README first, then as the names sort with `index.md` ahead."""
    found = [(name, target) for name, target in TOP.items() if (root / name).exists()]
    docs = sorted(
        (path.relative_to(root / "docs") for path in (root / "docs").rglob("*.md")),
        key=lambda path: (path.parent.as_posix(), path.stem != "index", path.as_posix()),
    )
    found += [(f"docs/{path.as_posix()}", path.with_suffix(".html").as_posix()) for path in docs]
    return [Page(source, target, read_title((root / source).read_text())) for source, target in found]


def read_title(text: str) -> str:
    """The first heading."""
    match = re.search(r"^# (.+)$", text, re.MULTILINE)
    return match.group(1).strip() if match else "fazt"


def walk_tokens(tokens: list[Token]) -> Iterator[Token]:
    """All tokens, those inside lines too."""
    for token in tokens:
        yield token
        yield from walk_tokens(token.children or [])


def to_anchor(text: str) -> str:
    """A heading as the part of an address behind `#`, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")


def add_anchors(tokens: list[Token]) -> list[tuple[str, str]]:
    """Give every heading an id; the second-level ones with their text come back."""
    sections: list[tuple[str, str]] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            anchor = to_anchor(inline.content)
            opening.attrSet("id", anchor)
            if opening.tag == "h2":
                sections.append((anchor, inline.content.replace("`", "")))
    return sections


def resolve_link(root: Path, page: Page, href: str, targets: dict[str, str]) -> str:
    """Where a link of this page leads in the site. "" for a file that is no page; raises BrokenLinkError for none."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc or not parts.path:
        return href
    source = os.path.normpath(f"{Path(page.source).parent}/{parts.path}")
    if not (root / source).exists():
        raise BrokenLinkError(f"{page.source} points at {href}, which is not there")
    target = targets.get(source)
    if target is None:
        return ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return os.path.relpath(target, Path(page.target).parent.as_posix()) + fragment


def render_markdown(root: Path, page: Page, targets: dict[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """A page's body as HTML, and its sections."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse((root / page.source).read_text())
    tag = "a"
    for token in walk_tokens(tokens):
        if token.type == "link_open":
            href = resolve_link(root, page, str(token.attrGet("href") or ""), targets)
            tag = "a" if href else "span"
            token.attrs = {"href": href} if href else {}
        if token.type in {"link_open", "link_close"}:
            token.tag = tag
        if token.type == "image" and not (root / Path(page.source).parent / str(token.attrGet("src"))).is_file():
            raise BrokenLinkError(f"{page.source} shows {token.attrGet('src')}, which is not there")
    sections = add_anchors(tokens)
    return parser.renderer.render(tokens, parser.options, {}), sections


def render_nav(pages: list[Page], here: Page) -> str:
    """Links to all pages, in groups."""
    parts = []
    for title, prefixes in GROUPS:
        in_group = [p for p in pages if (f"{Path(p.target).parent.as_posix()}/".removeprefix("./")) in prefixes]
        links = [
            f'<li><a href="{os.path.relpath(p.target, Path(here.target).parent.as_posix())}"'
            + (' aria-current="page">' if p == here else ">")
            + f"{html.escape(p.title)}</a></li>"
            for p in in_group
        ]
        if links:
            parts.append((f"<h2>{title}</h2>" if title else "") + f"<ul>{''.join(links)}</ul>")
    return "".join(parts)


def render_page(root: Path, page: Page, pages: list[Page]) -> str:
    """The whole HTML of a page."""
    body, sections = render_markdown(root, page, {p.source: p.target for p in pages})
    contents = "".join(f'<li><a href="#{anchor}">{html.escape(text)}</a></li>' for anchor, text in sections)
    to_top = os.path.relpath(".", Path(page.target).parent.as_posix())
    return Template((LOOKS / "page.html").read_text()).substitute(
        title=html.escape(page.title),
        style=f"{to_top}/style.css",
        home=f"{to_top}/index.html",
        nav=render_nav(pages, page),
        contents=f"<ul>{contents}</ul>" if len(sections) > 2 else "",
        body=make_scrollable(body),
    )


def make_scrollable(body: str) -> str:
    """Tables and code scroll by themselves on a narrow screen, by keyboard, too."""
    body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return body.replace("<pre>", '<pre tabindex="0">')


def build_site(root: Path, site: Path) -> list[Page]:
    """Write all pages into `site`, which is emptied first. Raises BrokenLinkError."""
    pages = list_pages(root)
    texts = {page.target: render_page(root, page, pages) for page in pages}
    shutil.rmtree(site, ignore_errors=True)
    for target, text in texts.items():
        path = site / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(LOOKS / "style.css", site / "style.css")
    for picture in sorted((root / "docs").rglob("*.webp")):
        place = site / picture.relative_to(root / "docs")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, place)
    return pages


if __name__ == "__main__":
    count = len(build_site(ROOT, SITE))
    sys.stdout.write(f"site/index.html and {count - 1} more pages are written\n")
