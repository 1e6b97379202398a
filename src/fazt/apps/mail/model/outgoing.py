"""What goes out: relays, drafts, and how each delivery went."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from fazt.apps.mail.model.addresses import Address, find_address, parse_address
from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.errors import Invalid

SCHEMES = {"smtp": 587, "smtps": 465, "postmark": 443, "ses": 443}
STATES: dict[str, str] = {
    "queued": "Waiting",
    "sending": "Being handed over",
    "sent": "Handed over",
    "failed": "Failed",
    "bounced": "Came back",
    "complained": "Called spam",
    "suppressed": "Not sent",
    "cancelled": "Cancelled",
}
OPEN = ("queued", "sending")
GIVE_UP_AFTER = 4 * DAY
WAITS = (1 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR, 4 * HOUR)
MAX_RECIPIENTS = 100


class RelayUrl(Struct, frozen=True):
    """A relay: `smtp://user:password@host:587?tls=starttls|on|off`, `smtps://…`, `postmark://TOKEN@`, `ses://KEY:SECRET@REGION`.

    `options`: `tls`, `dkim=yes|no`, `endpoint=http://…` (Postmark and SES), `stream` (Postmark), `set` (SES).
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""
    options: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What it is called in lists and logs: without its password."""
        if self.scheme in {"postmark", "ses"}:
            return self.scheme + (f" {self.host}" if self.host else "")
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def signs(self) -> bool:
        """Whether fazt signs with DKIM: unless the relay does, as Postmark and SES do."""
        return self.options.get("dkim", "no" if self.scheme in {"postmark", "ses"} else "yes") == "yes"

    def __repr__(self) -> str:
        """Without the password."""
        return f"RelayUrl({self.name})"


class Relay(Struct, frozen=True):
    """A link of the chain; `error` is what it said when it last failed."""

    id: str
    position: int
    url: RelayUrl
    per_minute: int
    is_on: bool
    error: str
    error_at: int | None


class Delivery(Struct, frozen=True):
    """One recipient of one message that goes out."""

    id: int
    out_id: str
    address: str
    state: str
    relay: str
    remote_id: str
    attempts: int
    unsure: int
    next_at: int
    at: int
    error: str


class Outgoing(Struct, frozen=True):
    """A message that goes out, with its recipients."""

    id: str
    user_id: str
    message_id: str
    blob: str
    mail_from: str
    subject: str
    header_id: str
    source: str
    created_at: int
    deliveries: tuple[Delivery, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether a recipient still waits."""
        return any(delivery.state in OPEN for delivery in self.deliveries)


class Attachment(Struct, frozen=True):
    """A file that goes along. With a `content_id` it is a picture inside the HTML."""

    name: str
    content_type: str
    data: bytes
    content_id: str = ""


class Draft(Struct, frozen=True, kw_only=True):
    """What somebody wants to send; addresses may have names: `Anna <anna@example.org>`."""

    sender: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


class Handed(Struct, frozen=True):
    """What a relay said: its id for the message, and the recipients that it refused for good, with its words."""

    remote_id: str = ""
    refused: dict[str, str] = {}
    deferred: dict[str, str] = {}


def parse_relay(text: str) -> RelayUrl:
    """A relay by its address. Raises Invalid."""
    hint = "For example smtp://user:password@mail.example.org:587, postmark://TOKEN@ or ses://KEY:SECRET@eu-west-1."
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise Invalid("That is not the address of a relay.", hint=hint) from error
    host = unquote(parts.hostname or "")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme not in SCHEMES or (parts.scheme in {"smtp", "smtps", "ses"} and not host):
        raise Invalid("That is not the address of a relay.", hint=hint)
    if (parts.scheme == "postmark" and not user) or (parts.scheme == "ses" and not (user and password)):
        raise Invalid("The relay's credentials are missing.", hint=hint)
    if options.get("tls", "starttls") not in {"starttls", "on", "off"}:
        raise Invalid("tls is starttls, on or off.", hint=hint)
    return RelayUrl(parts.scheme, host, port or SCHEMES[parts.scheme], user, password, options)


def wait_after(attempts: int, chance: float) -> int:
    """How long (ms) a message waits after that many tries; `chance` (0 to 1) spreads what failed together."""
    longest = WAITS[min(max(attempts, 1), len(WAITS)) - 1]
    return int(longest * (0.75 + chance / 4))


def split_recipients(texts: tuple[str, ...]) -> list[Address]:
    """The bare addresses of `Name <a@b>` and `a@b`, each once. Raises Invalid, naming the first that is none."""
    found: dict[str, Address] = {}
    for text in texts:
        bare = text.rpartition("<")[2].partition(">")[0] if "<" in text else text
        address = parse_address(bare)
        found.setdefault(str(address).lower(), address)
    if not found:
        raise Invalid("There is nobody to send this to.")
    if len(found) > MAX_RECIPIENTS:
        raise Invalid(f"A message may have {MAX_RECIPIENTS} recipients.")
    return list(found.values())


def split_list(text: str) -> tuple[str, ...]:
    """What was typed into a field of recipients: `Anna <a@b>, c@d`; commas inside quotes do not separate."""
    items, item, is_quoted = [], "", False
    for char in text.replace(";", ",").replace("\n", ","):
        is_quoted ^= char == '"'
        if char == "," and not is_quoted:
            items.append(item.strip())
            item = ""
        else:
            item += char
    return tuple(item for item in [*items, item.strip()] if item)


def is_sendable(text: str) -> bool:
    """Whether a text is one address, with or without a name."""
    bare = text.rpartition("<")[2].partition(">")[0] if "<" in text else text
    return find_address(bare) is not None
