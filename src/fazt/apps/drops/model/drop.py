"""Drops, their files, uploads and requests, and what somebody may choose for them."""

from __future__ import annotations

import re
from hashlib import sha256

import msgspec

from fazt.core.errors import Invalid, NotFound

DAY_S = 86_400
VISIT_KIND = "drop"
MIN_LIFETIME_S = 1
ID = re.compile(r"[0-9a-hjkmnp-tv-z]{12}\Z")
TITLE_CHARS, NOTE_CHARS, SEALED_CHARS = 200, 4_000, 2_000_000
MIN_PASSWORD, MAX_PASSWORD = 4, 200
MAX_DOWNLOADS = 1_000_000_000
CHOICES = (("3600", "1 hour"), ("86400", "1 day"), ("259200", "3 days"), ("604800", "1 week"), ("2592000", "30 days"))


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Bytes of a file that are one blob."""

    hash: str
    size: int


class File(msgspec.Struct, frozen=True):
    """One file of a drop; `path` may have folders. `position` tells the files of an encrypted drop apart."""

    id: int
    position: int
    path: str
    type: str
    size: int
    parts: tuple[Part, ...]
    downloads: int
    created_at: int

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rpartition("/")[2]


class Drop(msgspec.Struct, frozen=True):
    """Some files under one link. Times are ms; `request_id` says through which request link it came, or is ""."""

    id: str
    state: int
    user_id: str
    request_id: str
    source: str
    title: str
    note: str
    sealed: str
    is_encrypted: bool
    password_hash: str
    lifetime_ms: int
    is_sliding: bool
    max_ms: int
    max_downloads: int
    downloads: int
    size: int
    file_count: int
    created_at: int
    finished_at: int
    expires_at: int
    used_up_at: int | None
    files: tuple[File, ...] = ()

    @property
    def thing(self) -> str:
        """Its name at the gate, which checks passwords."""
        return f"drop {self.id}"

    @property
    def cookie(self) -> str:
        """The name of the cookie that opens it."""
        return f"fazt-drop-{self.id}"

    @property
    def is_private(self) -> bool:
        """What guests send through a request link is for its owner alone."""
        return bool(self.request_id)


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sender chooses.

    `lifetime_s` counts from the moment the drop is ready, `expires_at` (ms) is a moment; neither means the owner's
    default. `max_downloads` 0 is no limit. `sealed` is the encrypted list of names, base64url, of a drop that the
    sender's browser encrypts; `request` is the request link it is sent through.
    """

    title: str = ""
    note: str = ""
    lifetime_s: int | None = None
    expires_at: int | None = None
    is_sliding: bool = False
    max_downloads: int = 0
    password: str = ""
    is_encrypted: bool = False
    sealed: str = ""
    request: str = ""


class Policy(msgspec.Struct, frozen=True):
    """What the owner of the cloud allows this sender. `own_bytes` and `all_bytes` are quotas."""

    default_ms: int
    max_ms: int
    max_bytes: int
    max_files: int
    own_bytes: int
    all_bytes: int


class Uploader(msgspec.Struct, frozen=True):
    """Who sends: a user, or a visitor known by a hash; through a request link, for that link's owner."""

    user_id: str = ""
    visitor: str = ""


class Upload(msgspec.Struct, frozen=True):
    """A tus upload as it is kept; see schema.py."""

    id: str
    state: int
    blob_upload: str
    drop_id: str
    is_partial: bool
    is_alone: bool
    length: int | None
    path: str
    type: str
    position: int | None
    metadata: str
    concat: str
    user_id: str
    visitor: str
    parts: tuple[Part, ...]
    created_at: int
    expires_at: int

    @property
    def uploader(self) -> Uploader:
        """Who began it."""
        return Uploader(self.user_id, self.visitor)


class Request(msgspec.Struct, frozen=True):
    """A link through which guests send files to its owner. 0 is no limit; `keep_ms` is how long what comes is kept."""

    id: str
    user_id: str
    title: str
    note: str
    types: str
    max_files: int
    max_bytes: int
    max_drops: int
    drops: int
    keep_ms: int
    expires_at: int
    created_at: int


def check_id(text: str) -> str:
    """`text` if it can be the id of a drop or request. Raises NotFound."""
    if not ID.match(text):
        raise NotFound("There is nothing here.", hint="Drops end: ask whoever sent you the link.")
    return text


def check_options(options: Options, policy: Policy, now: int) -> Options:
    """`options` with a lifetime within the policy's. Raises Invalid."""
    if len(options.title) > TITLE_CHARS or len(options.note) > NOTE_CHARS or len(options.sealed) > SEALED_CHARS:
        raise Invalid("The title or the note is too long.")
    if "\0" in options.title + options.note + options.sealed:
        raise Invalid("Texts have no zero bytes.")
    if options.password and not MIN_PASSWORD <= len(options.password) <= MAX_PASSWORD:
        raise Invalid(f"The password of a drop has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    if not 0 <= options.max_downloads <= MAX_DOWNLOADS:
        raise Invalid("The number of downloads is a whole number, or 0 for no limit.")
    lifetime_s = options.lifetime_s
    if options.expires_at is not None:
        lifetime_s = (options.expires_at - now) // 1_000
    if lifetime_s is None:
        lifetime_s = policy.default_ms // 1_000
    elif lifetime_s < MIN_LIFETIME_S:
        raise Invalid("A drop lives for at least a second.")
    kept: Options = msgspec.structs.replace(
        options,
        title=options.title.strip(),
        note=options.note.strip(),
        lifetime_s=min(lifetime_s, policy.max_ms // 1_000),
        expires_at=None,
    )
    return kept


def check_request(request: Request, now: int) -> Request:
    """Raises Invalid for a request that makes no sense."""
    if not request.title.strip() or len(request.title) > TITLE_CHARS or len(request.note) > NOTE_CHARS:
        raise Invalid(f"A request has a title of up to {TITLE_CHARS} characters, and a note of up to {NOTE_CHARS}.")
    if len(request.types) > 500 or "\0" in request.title + request.note + request.types:
        raise Invalid("The kinds of files are too many.", hint="For example .pdf, .docx, image/*.")
    if min(request.max_files, request.max_bytes, request.max_drops) < 0:
        raise Invalid("Limits are whole numbers, or 0 for none.")
    if request.expires_at <= now:
        raise Invalid("A request ends in the future.")
    return request


def expiry_of(drop: Drop, now: int) -> int:
    """When a drop ends that is used at `now`: for a sliding one later, but never beyond its utmost."""
    if not drop.is_sliding:
        return drop.expires_at
    return max(drop.expires_at, min(now + drop.lifetime_ms, drop.finished_at + drop.max_ms))


def etag_of(file: File) -> str:
    """A strong entity tag, quoted: the bytes' own hash where they are one blob."""
    if len(file.parts) == 1:
        return f'"{file.parts[0].hash}"'
    return f'"{sha256("".join(part.hash for part in file.parts).encode()).hexdigest()}"'


def choices_of(policy: Policy) -> list[tuple[str, str]]:
    """The lifetimes that a page offers."""
    most = policy.max_ms // 1_000
    found = [(value, label) for value, label in CHOICES if int(value) <= most]
    usual = str(policy.default_ms // 1_000)
    if usual not in dict(found):
        found.append((usual, f"{policy.default_ms // 3_600_000} hours"))
    return sorted(found, key=lambda pair: int(pair[0]))
