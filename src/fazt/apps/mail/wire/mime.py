"""Messages as bytes: read whatever comes, and never raise.

Everything here may be an attack or a wreck, so it works on at most some megabytes: of a large message `Digest` keeps
a copy in which long runs of lines (attachments) are cut short, with which everything but their bytes can be read.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from email.header import decode_header
from email.message import Message as Mime
from email.utils import getaddresses, parsedate_to_datetime

from fazt.apps.mail.model.addresses import find_address
from fazt.apps.mail.model.message import Facts, Part
from fazt.apps.mail.wire.markup import text_of
from fazt.core.errors import TooLarge

WHOLE_BYTES = 128 * 1024
HEAD_BYTES = 3 * 1024 * 1024
RUN_BYTES = 24 * 1024
"""Of a run of lines that look encoded, this much is kept."""

MAX_HEADER_BYTES = 512 * 1024
MAX_PARTS = 1_000
MAX_DEPTH = 100
MAX_TEXT = 1_000_000
MAX_HEADERS = 400
SNIPPET_CHARS = 200
ENCODED = re.compile(rb"[A-Za-z0-9+/=]{60,998}\r?\n")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
CONTROL_BYTES = bytes(code for code in range(128) if CONTROL.match(chr(code)))
PLAIN_ADDRESS = re.compile(
    r"\s*(?:([a-z0-9][a-z0-9 _-]*)?<([\w.+-]+@[\w.-]+)>|([\w.+-]+@[\w.-]+))\s*", re.ASCII | re.IGNORECASE
)
"""What nearly all senders and recipients look like: `Anna Lee <anna@example.org>`."""

PLAIN_TOP = re.compile(rb"(?:[!-9;-~]++:[^\r\n]*+\r?\n(?:[ \t][^\r\n]*+\r?\n)*+)++\r?\n")
"""Headers of which nobody can doubt where they end."""

MESSAGE_ID = re.compile(r"<([^<>\s]{1,500})>")
WRECKS = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError, OverflowError)
"""What the standard library raises for messages that it did not expect."""


class Digest:
    """Takes a message in pieces; keeps its size, hash, what doubles have in common, and a readable copy."""

    def __init__(self, max_bytes: int) -> None:
        self.size = 0
        self.whole: bytearray | None = bytearray()
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._body = hashlib.sha256()
        self._header = bytearray()
        self._is_body = False
        self._head = bytearray()
        self._line = b""
        self._run = 0

    def push(self, data: bytes) -> None:
        """Take more. Raises TooLarge."""
        self.size += len(data)
        if self.size > self._max_bytes:
            raise TooLarge(f"A message may have {self._max_bytes} bytes.", max_bytes=self._max_bytes)
        self._hash.update(data)
        self._split(data)
        if self.whole is not None and self.size <= WHOLE_BYTES:
            self.whole += data
            return
        if self.whole is not None:
            data = bytes(self.whole) + data
            self.whole = None
        self._thin(data)

    def head(self) -> bytes:
        """The readable copy; for a small message, the message."""
        return bytes(self.whole) if self.whole is not None else bytes(self._head + self._line)

    def hash(self) -> str:
        """SHA-256 of all bytes."""
        return self._hash.hexdigest()

    def fold(self) -> str:
        """The same for doubles that came by different ways: their Message-ID and the bytes below the headers.

        "" where nothing tells two messages of the same words apart: no Message-ID and no date.
        """
        header = bytes(self._header)
        found = re.search(rb"(?im)^message-id:\s*<?([^<>\s]+)", header)
        if found:
            return hashlib.sha256(found[1] + b"\0" + self._body.digest()).hexdigest()
        return self.hash() if re.search(rb"(?im)^date:", header) else ""

    def _split(self, data: bytes) -> None:
        if self._is_body:
            self._body.update(data)
            return
        self._header += data
        found = re.search(rb"\r?\n\r?\n", self._header)
        if found or len(self._header) > MAX_HEADER_BYTES:
            at = found.end() if found else MAX_HEADER_BYTES
            self._body.update(bytes(self._header[at:]))
            del self._header[at:]
            self._is_body = True

    def _thin(self, data: bytes) -> None:
        lines = (self._line + data).splitlines(keepends=True)
        self._line = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        if len(self._line) > RUN_BYTES:
            self._keep(self._line[:RUN_BYTES])
            self._line = b""
        for line in lines:
            self._run = self._run + len(line) if ENCODED.fullmatch(line) else 0
            if self._run <= RUN_BYTES:
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        if len(self._head) + len(line) <= HEAD_BYTES:
            self._head += line


def clean(text: str) -> str:
    """Without control characters and half surrogates: what a database and a page can hold."""
    if text.isascii():
        return text.encode().translate(None, CONTROL_BYTES).decode()
    return CONTROL.sub("", text)


def one_line(text: str, limit: int) -> str:
    """Cleaned, blanks made single, cut."""
    return " ".join(clean(text).split())[:limit]


def decode_bytes(data: bytes, charset: str = "") -> str:
    """Bytes as text, by their charset if that is true, else by what fits."""
    for name in (charset.strip("'\" ").lower() or "utf-8", "utf-8"):
        try:
            return data.decode(name)
        except WRECKS:
            continue
    return data.decode("cp1252", "replace")


def decode_text(value: object) -> str:
    """A header's value for people: RFC 2047 undone where it can be, 8-bit characters guessed. Never raises."""
    raw = str(value)
    if "=?" not in raw:
        return decode_bytes(raw.encode("utf-8", "surrogateescape")) if not raw.isascii() else raw
    try:
        pieces = decode_header(raw[:20_000])
        decoded = "".join(
            decode_bytes(piece, charset or "") if isinstance(piece, bytes) else str(piece) for piece, charset in pieces
        )
        return decoded if decoded.strip() else raw
    except WRECKS:
        return decode_bytes(raw.encode("utf-8", "surrogateescape"))
    except email.errors.HeaderParseError:
        return raw


def parse(data: bytes) -> Mime:
    """The message as a tree. A nest too deep to be read is one text."""
    top = PLAIN_TOP.match(data)
    try:
        if top and not any(word in top[0].lower() for word in (b"multipart", b"message/")):
            # The parser would cut the body into lines and put them together again
            message = email.message_from_bytes(top[0], policy=email.policy.compat32)
            message.set_payload(data[top.end() :].decode("ascii", "surrogateescape"))
            return message
        return email.message_from_bytes(data, policy=email.policy.compat32)
    except WRECKS:
        flat = re.sub(rb"(?im)^(content-type:)", rb"X-\1", data[:MAX_HEADER_BYTES])
        return email.message_from_bytes(flat, policy=email.policy.compat32)


def leaves(message: Mime) -> Iterator[Mime]:
    """All parts that hold something, in their order; attached messages are one part each."""
    waiting: list[tuple[Mime, int]] = [(message, 0)]
    seen = 0
    while waiting and seen < MAX_PARTS:
        part, depth = waiting.pop()
        is_message = part.get_content_maintype() == "message" and depth > 0
        # Not by looking at the payload: a text's is decoded by its charset, which may be anything.
        if part.is_multipart() and depth < MAX_DEPTH and not is_message:
            waiting.extend((child, depth + 1) for child in reversed(children_of(part)))
            continue
        seen += 1
        yield part


def children_of(part: Mime) -> list[Mime]:
    """The parts of a multipart."""
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Mime)] if isinstance(payload, list) else []


def content(part: Mime) -> bytes:
    """The decoded bytes of a part. Never raises."""
    try:
        if part.is_multipart():
            return b"".join(child.as_bytes() for child in children_of(part))
        decoded = part.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else b""
    except WRECKS:
        return b""


def content_type(part: Mime) -> str:
    """`text/plain` and so on, of sane characters."""
    found = one_line(part.get_content_type(), 120).lower()
    return found if re.fullmatch(r"[a-z0-9.+_-]+/[a-z0-9.+_-]+", found) else "application/octet-stream"


def file_name(part: Mime) -> str:
    """What the sender calls the part, without any folder; "" where it has no name."""
    try:
        name = part.get_filename() or ""
    except WRECKS:
        name = ""
    plain = one_line(decode_text(name), 300).replace("\\", "/").rpartition("/")[2]
    return plain.strip(". ")[:200]


def describe(part: Mime, n: int, size: int) -> Part:
    """One part for a list. A part without a name that is no text gets one."""
    kind = content_type(part)
    name = file_name(part)
    disposition = one_line(str(part.get("content-disposition") or ""), 40).lower()
    content_id = one_line(str(part.get("content-id") or ""), 300).strip("<>")
    is_text = kind in {"text/plain", "text/html"} and not name and not disposition.startswith("attachment")
    if not name and not is_text:
        name = f"part-{n + 1}" + {"text/calendar": ".ics", "message/rfc822": ".eml"}.get(kind, "")
    return Part(n, kind, name, size, is_text or (bool(content_id) and kind.startswith("image/")), content_id)


def read_parts(message: Mime) -> tuple[list[Part], str, str]:
    """All parts, the plain text and the HTML (the first of each that is no attachment; texts are put together)."""
    parts: list[Part] = []
    texts: list[str] = []
    htmls: list[str] = []
    room = MAX_TEXT
    for n, part in enumerate(leaves(message)):
        data = content(part)
        described = describe(part, n, len(data))
        parts.append(described)
        if described.name or room <= 0:
            continue
        text = clean(decode_bytes(data[:room], part_charset(part)))
        room -= len(text)
        (htmls if described.content_type == "text/html" else texts).append(text)
    return parts, "\n".join(texts), "\n".join(htmls)


def part_charset(part: Mime) -> str:
    """The charset that a part names."""
    try:
        return str(part.get_content_charset() or "")
    except WRECKS:
        return ""


def snippet_of(text: str) -> str:
    """The beginning of the text, without what it quotes."""
    found: list[str] = []
    room = SNIPPET_CHARS
    for line in text[:8_000].splitlines():
        bare = "" if line.startswith(">") else one_line(line, SNIPPET_CHARS)
        if bare:
            found.append(bare)
            room -= len(bare) + 1
        if room < 0:
            break
    return " ".join(found)[:SNIPPET_CHARS]


def read_addresses(values: list[str]) -> list[tuple[str, str]]:
    """Names and addresses of a header; what is none is left out."""
    plain = [PLAIN_ADDRESS.fullmatch(value[:1_000]) for value in values]
    try:
        if all(plain):
            found = [(match[1] or "", match[2] or match[3]) for match in plain if match]
        else:
            found = getaddresses([value[:50_000] for value in values])
    except WRECKS:
        return []
    pairs = [(one_line(decode_text(name), 200), one_line(decode_text(address), 254)) for name, address in found]
    return [(name, address) for name, address in pairs if find_address(address) is not None]


def read_date(headers: Headers, now: int) -> int:
    """The moment (ms) of the Date header; `now` where it makes no sense."""
    try:
        at = int(parsedate_to_datetime(headers.first("date")).timestamp() * 1_000)
    except WRECKS:
        return now
    return at if 0 < at < 4_102_444_800_000 else now


def read_headers(message: Mime) -> tuple[tuple[str, str], ...]:
    """All headers as people read them."""
    return tuple(
        (one_line(str(name), 200), one_line(decode_text(value), 10_000))
        for name, value in list(message.raw_items())[:MAX_HEADERS]
    )


def shown(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    """`Name <a@b>` for each."""
    return tuple(f"{name} <{address}>" if name else address for name, address in pairs[:200])


def values_of(message: Mime, name: str) -> list[str]:
    """All values of a header as they stand there, 8-bit characters as half surrogates."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name]


class Headers:
    """The headers of a message by their names, gone through once; values are as those of `values_of`."""

    def __init__(self, message: Mime) -> None:
        self._values: dict[str, list[str]] = {}
        for key, value in message.raw_items():
            self._values.setdefault(key.lower(), []).append(str(value))

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return self._values.get(name, [])

    def first(self, name: str) -> str:
        """The first value of a header, or ""."""
        return self._values[name][0] if name in self._values else ""


def read(data: bytes, now: int) -> Facts:
    """What a message says, from all of it or its readable copy. Never raises."""
    message = parse(data)
    headers = Headers(message)
    parts, text, markup = read_parts(message)
    senders = read_addresses(headers.all("from")) or [("", "")]
    references = MESSAGE_ID.findall(" ".join(headers.all("references") + headers.all("in-reply-to")))
    own = MESSAGE_ID.search(headers.first("message-id")[:2_000])
    seen = text if text.strip() else text_of(markup)
    automatic = (headers.first("auto-submitted") or "no").strip().lower()
    precedence = headers.first("precedence").strip().lower()
    return Facts(
        header_id=clean(own[1]) if own else "",
        references=tuple(dict.fromkeys(clean(ref) for ref in references[-40:])),
        subject=one_line(decode_text(headers.first("subject")), 500),
        from_name=senders[0][0] or bare_name(headers, senders),
        from_address=senders[0][1],
        to=shown(read_addresses(headers.all("to"))),
        cc=shown(read_addresses(headers.all("cc"))),
        reply_to=(read_addresses(headers.all("reply-to")) or [("", "")])[0][1],
        sent_at=read_date(headers, now),
        text=text,
        html=markup,
        snippet=snippet_of(seen),
        parts=tuple(parts),
        headers=read_headers(message),
        is_automatic=automatic != "no" or precedence in {"bulk", "junk", "list"},
        list_unsubscribe=one_line(headers.first("list-unsubscribe"), 2_000),
    )


def bare_name(headers: Headers, senders: list[tuple[str, str]]) -> str:
    """What stands in From where it is no address."""
    return "" if senders[0][1] else one_line(decode_text(headers.first("from")), 200)


def find_part(data: bytes, n: int) -> tuple[Part, bytes] | None:
    """The leaf with this number and its bytes."""
    for number, part in enumerate(leaves(parse(data))):
        if number == n:
            body = content(part)
            return describe(part, n, len(body)), body
    return None
