"""Messages: how they came, what their headers say, and what is kept of them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Folder = Literal["inbox", "sent", "archive", "junk", "trash", "routed"]
FOLDERS: tuple[Folder, ...] = ("inbox", "sent", "archive", "junk", "trash", "routed")
SHOWN: dict[str, str] = {
    "inbox": "Inbox",
    "starred": "Starred",
    "sent": "Sent",
    "archive": "Archive",
    "junk": "Junk",
    "trash": "Trash",
    "routed": "Routed",
    "all": "All mail",
}
"""Views of the mailbox, with their titles; `routed` is what rules took away from the inbox."""


class Verdicts(Struct, frozen=True, omit_defaults=True):
    """What the checks of RFC 7208, 6376, 7489 and 8617 said: pass fail softfail neutral none temperror permerror.

    `policy` is what the sender's domain wishes for failures; `checked` is empty where nothing was looked at.
    """

    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    arc: str = ""
    spf_domain: str = ""
    dkim_domains: tuple[str, ...] = ()
    policy: str = ""
    detail: str = ""

    @property
    def is_trusted(self) -> bool:
        """Whether the sender's domain stands behind this message."""
        return self.dmarc == "pass"

    @property
    def is_doubtful(self) -> bool:
        """Whether the sender's domain says that it is not its own."""
        return self.dmarc == "fail"


class Envelope(Struct, frozen=True):
    """How a message came: sender and recipients by protocol, who brought it, and through which door."""

    mail_from: str
    recipients: tuple[str, ...]
    source: str
    remote: str = ""
    helo: str = ""
    address: str = ""
    """IP address of the client; "" where a provider's webhook brought it."""


class Part(Struct, frozen=True):
    """One part of a message. `n` counts leaves from 0; `size` is of the decoded bytes."""

    n: int
    content_type: str
    name: str
    size: int
    is_inline: bool
    content_id: str


class Facts(Struct, frozen=True):
    """What the headers and the text of a message say. Nothing of it is to be trusted."""

    header_id: str
    references: tuple[str, ...]
    subject: str
    from_name: str
    from_address: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    reply_to: str
    sent_at: int
    text: str
    html: str
    snippet: str
    parts: tuple[Part, ...]
    headers: tuple[tuple[str, str], ...]
    is_automatic: bool
    list_unsubscribe: str = ""

    def header(self, name: str) -> str:
        """All values of a header, with new lines between; "" where it is not there."""
        wanted = name.lower()
        return "\n".join(value for key, value in self.headers if key.lower() == wanted)


class Message(Struct, frozen=True):
    """A message in somebody's mailbox."""

    id: str
    user_id: str
    thread_id: str
    folder: str
    blob: str
    size: int
    header_id: str
    subject: str
    from_name: str
    from_address: str
    to_text: str
    snippet: str
    sent_at: int
    received_at: int
    is_read: bool
    is_starred: bool
    has_files: bool
    recipient: str
    mail_from: str
    source: str
    remote: str
    verdicts: Verdicts
    notes: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def who(self) -> str:
        """Name or address of who wrote it."""
        return self.from_name or self.from_address or "(unknown sender)"


class Thread(Struct, frozen=True):
    """A line of a list: the newest message, and how many there are in the thread."""

    newest: Message
    count: int
    unread: int
    people: tuple[str, ...]


class Stored(Struct, frozen=True):
    """The bytes of a message: a small one as `data`, any other by the hash of its blob.

    `head` is all a parser wants: the message itself, or where it is large a copy with the long middles left out.
    """

    size: int
    hash: str
    fold: str
    head: bytes
    data: bytes | None = None
