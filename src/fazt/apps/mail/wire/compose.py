"""Messages as we write them: MIME from a draft, DKIM signatures."""

from __future__ import annotations

import re
from contextlib import suppress
from email.header import Header
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from fazt.apps.mail.model.addresses import domain_of, parse_address
from fazt.apps.mail.model.outgoing import Attachment, Draft
from fazt.core.clock import to_datetime
from fazt.core.errors import Invalid

POLICY = SMTP.clone(max_line_length=76, cte_type="7bit")
OWN = frozenset(
    [
        "bcc",
        "cc",
        "content-transfer-encoding",
        "content-type",
        "date",
        "dkim-signature",
        "from",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
        "in-reply-to",
        "references",
    ]
)
HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,75}")
SIGNED: tuple[bytes, ...] = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"in-reply-to",
    b"references",
)
SIGNED += (b"mime-version", b"content-type", b"content-transfer-encoding", b"list-unsubscribe")


def header_address(text: str) -> HeaderAddress:
    """`Anna <anna@example.org>` for a header. Raises Invalid."""
    name, _, rest = text.rpartition("<") if "<" in text else ("", "", text)
    address = parse_address(rest.partition(">")[0] if "<" in text else rest)
    shown = re.sub(r"\s+", " ", name).strip().strip('"')
    domain = address.domain
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    try:
        return HeaderAddress(display_name=shown, username=address.local.strip('"'), domain=domain)
    except (ValueError, IndexError) as error:
        raise Invalid(f"{text[:80]!r} is not an e-mail address.") from error


def compose(draft: Draft, message_id: str, now: int) -> bytes:
    """The message as it goes out, with CR LF; blind copies are not in it. Raises Invalid."""
    made = EmailMessage(policy=POLICY)
    made["From"] = header_address(draft.sender)
    for name, values in (("To", draft.to), ("Cc", draft.cc)):
        if values:
            made[name] = [header_address(value) for value in values]
    if draft.reply_to:
        made["Reply-To"] = header_address(draft.reply_to)
    made["Date"] = format_datetime(to_datetime(now))
    made["Message-ID"] = f"<{message_id}>"
    if draft.in_reply_to:
        made["In-Reply-To"] = f"<{draft.in_reply_to}>"
        made["References"] = " ".join(f"<{ref}>" for ref in (*draft.references, draft.in_reply_to)[-20:])
    for name, value in draft.headers:
        add_header(made, name, value)
    fill(made, draft)
    return subject_line(draft.subject) + made.as_bytes()


def subject_line(subject: str) -> bytes:
    """The Subject header: the newer interface of the library loses blanks where it folds encoded words."""
    text = re.sub(r"\s+", " ", subject).strip()[:900]
    charset = "us-ascii" if text.isascii() else "utf-8"
    folded = Header(text, charset, header_name="Subject").encode(linesep="\r\n")
    return f"Subject: {folded}\r\n".encode("ascii", "replace")


def add_header(made: EmailMessage, name: str, value: str) -> None:
    """A header of the sender's own; those that we write ourselves are left out. Raises Invalid."""
    if not HEADER_NAME.fullmatch(name) or len(value) > 5_000 or any(char in value for char in "\r\n\0"):
        raise Invalid(f"{name[:80]!r} is not a header.")
    if name.lower() not in OWN:
        made[name] = value


def fill(made: EmailMessage, draft: Draft) -> None:
    """Text, HTML with its pictures, and attachments."""
    inline = [file for file in draft.attachments if file.content_id and draft.html]
    made.set_content(draft.text if draft.text or not draft.html else " ", cte=best_encoding(draft.text))
    if draft.html:
        if draft.text:
            made.add_alternative(draft.html, subtype="html", cte="quoted-printable")
        else:
            made.set_content(draft.html, subtype="html", cte="quoted-printable")
        holder = list(made.iter_parts())[-1] if draft.text else made
        for file in inline:
            assert isinstance(holder, EmailMessage)
            attach(holder, file, is_inline=True)
    for file in draft.attachments:
        if file not in inline:
            attach(made, file, is_inline=False)


def best_encoding(text: str) -> str:
    """7bit where lines are short and plain."""
    plain = text.isascii() and all(len(line) < 900 for line in text.splitlines())
    return "7bit" if plain else "quoted-printable"


def attach(holder: EmailMessage, file: Attachment, *, is_inline: bool) -> None:
    """Add one file."""
    main, _, sub = file.content_type.partition("/")
    if not re.fullmatch(r"[\w.+-]+", main) or not re.fullmatch(r"[\w.+-]+", sub) or main in {"multipart", "message"}:
        main, sub = "application", "octet-stream"
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", file.name)[:200] or "file"
    if is_inline:
        cid = f"<{file.content_id.strip('<>')}>"
        holder.add_related(file.data, main, sub, cid=cid, filename=name, disposition="inline")
    else:
        holder.add_attachment(file.data, main, sub, filename=name)


def sign(message: bytes, domain: str, selector: str, private_key: str) -> bytes:
    """The message with a DKIM-Signature (rsa-sha256, relaxed/relaxed) on top of it."""
    import dkim  # noqa: PLC0415 - dnspython and dkim are large, and only mail that comes or goes needs them

    present = {line.partition(b":")[0].strip().lower() for line in top_of(message).split(b"\r\n")}
    signature: bytes = dkim.sign(
        message,
        selector.encode(),
        domain.encode(),
        private_key.encode(),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name for name in SIGNED if name in present],
    )
    return signature + message


def top_of(message: bytes) -> bytes:
    """The headers."""
    return message.partition(b"\r\n\r\n")[0]


def new_message_id(secret: str, sender: str) -> str:
    """A Message-ID at the sender's domain, without brackets."""
    return f"{secret}@{domain_of(sender) or 'localhost'}"


def with_crlf(message: bytes) -> bytes:
    """Every line end as CR LF, as SMTP wants it."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", message)


def without_headers(message: bytes, names: frozenset[bytes]) -> bytes:
    """The message without these headers (in lower case), wherever they stand; needs CR LF."""
    top, found, rest = message.partition(b"\r\n\r\n")
    kept, is_dropped = [], False
    for line in top.split(b"\r\n"):
        if not line.startswith((b" ", b"\t")):
            is_dropped = line.partition(b":")[0].strip().lower() in names
        if not is_dropped:
            kept.append(line)
    return b"\r\n".join(kept) + found + rest
