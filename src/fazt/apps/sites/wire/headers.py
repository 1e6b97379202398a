"""`_headers` as Netlify and Cloudflare Pages read it: a path, and below it, indented, its headers.

All blocks that fit add up; a name that comes twice is joined by a comma; `! Name` takes away what
an earlier block or fazt itself has set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fazt.apps.sites.wire.patterns import Pattern, fill, parse_pattern
from fazt.core.errors import Invalid

MAX_BLOCKS = 500
MAX_LINE = 2_000
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
FORBIDDEN = frozenset(
    [
        "accept-ranges",
        "age",
        "allow",
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "date",
        "etag",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-connection",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
"""What only the server can know, and cookies, which a page can set itself."""


@dataclass(frozen=True, slots=True)
class Block:
    """A pattern and its lines: (name in lower case, value), the value None for `! Name`."""

    source: Pattern
    lines: list[tuple[str, str | None]] = field(default_factory=list)


def parse_headers(text: str) -> tuple[tuple[Block, ...], list[str]]:
    """The blocks, and a sentence for each line that is passed over.

    Raises Invalid for `Basic-Auth`, since whoever wrote it believes that the page is protected.
    """
    blocks: list[Block] = []
    warnings: list[str] = []
    for number, line in enumerate(text.replace("\ufeff", "").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            parse_line(line, blocks)
        except Invalid as error:
            if error.hint:
                raise
            warnings.append(f"_headers, line {number}: {error.message}; the line is passed over.")
    return tuple(block for block in blocks if block.lines), warnings


def parse_line(line: str, blocks: list[Block]) -> None:
    """Add a line to `blocks`. Raises Invalid."""
    if len(line) > MAX_LINE:
        raise Invalid(f"it is longer than {MAX_LINE:,} characters")
    if not line[0].isspace():
        blocks.append(Block(Pattern("", "", None)))  # fits nothing: headers below a bad path go nowhere
        if len(blocks) > MAX_BLOCKS:
            raise Invalid(f"there are more than {MAX_BLOCKS} blocks")
        blocks[-1] = Block(parse_pattern(line.strip(), loose_slash=False))
        return
    if not blocks:
        raise Invalid("there is no path above it")
    blocks[-1].lines.append(parse_header(line.strip()))


def parse_header(line: str) -> tuple[str, str | None]:
    """`Name: value` or `! Name`. Raises Invalid."""
    if line.startswith("!"):
        name, value = line[1:].strip().lower(), None
    else:
        name, colon, rest = line.partition(":")
        name, value = name.strip().lower(), rest.strip()
        if not colon:
            raise Invalid(f"{line[:60]!r} is not Name: value")
    if not TOKEN.match(name):
        raise Invalid(f"{name[:60]!r} is not the name of a header")
    if name == "basic-auth":
        raise Invalid(
            "_headers has Basic-Auth, which fazt does not read; the page would be open to everybody.",
            hint="Give the site a password instead: fazt sites password NAME.",
        )
    if name in FORBIDDEN:
        raise Invalid(f"{name} is set by the server")
    if value is not None and (not value.isprintable() or not value.isascii()):
        raise Invalid(f"the value of {name} is not plain ASCII")
    return name, value


def merge_headers(blocks: tuple[Block, ...], host: str, path: str, defaults: dict[str, str]) -> dict[str, str]:
    """`defaults` (names in lower case) with everything that the blocks say about `path` (decoded)."""
    own: dict[str, str] = {}
    merged = dict(defaults)
    for block in blocks:
        values = block.source.match(host, path)
        if values is None:
            continue
        for name, value in block.lines:
            if value is None:
                own.pop(name, None)
                merged.pop(name, None)
            else:
                filled = fill(value, values, encode=True)
                own[name] = f"{own[name]}, {filled}" if name in own else filled
    return merged | own
