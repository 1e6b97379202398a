"""Making a copy smaller and unreadable, and back: zstd, then age."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import zstandard

from fazt.apps.backup.engine.place import PART_BYTES, copy_stream
from fazt.core.db.copying import Advance
from fazt.core.db.steady import SteadyFile
from fazt.core.errors import Invalid

LEVEL = 3


class Counted:
    """A reader that tells how far it is."""

    def __init__(self, reader: Any, size: int, advance: Advance) -> None:
        self._reader, self._size, self._advance = reader, size, advance
        self._done = self._told = 0

    def read(self, size: int = -1) -> bytes:
        """See io."""
        data: bytes = self._reader.read(size)
        self._done += len(data)
        if self._done - self._told >= PART_BYTES or not data:
            self._told = self._done
            self._advance(self._done, self._size)
        return data


class Hashed:
    """A writer that keeps the SHA-256 of what goes through it."""

    def __init__(self, writer: SteadyFile) -> None:
        self._writer, self._hasher = writer, hashlib.sha256()

    def write(self, data: bytes) -> int:
        """See io."""
        self._hasher.update(data)
        return self._writer.write(data)

    def flush(self) -> None:
        """See io."""

    @property
    def hash(self) -> str:
        """Of what was written until now."""
        return self._hasher.hexdigest()


def pack(source: Path, target: Path, *, compress: bool, recipients: list[str], advance: Advance, live: Path) -> str:
    """Write `source` to `target`, compressed and encrypted as asked; its hash. Raises Invalid for a wrong recipient.

    Those who write to `live` meanwhile do not wait for it.
    """
    import pyrage  # noqa: PLC0415 - only encrypted backups need it

    with source.open("rb") as plain, closing(SteadyFile(target, live)) as file:
        writer = Hashed(file)
        reader: Any = Counted(plain, source.stat().st_size, advance)
        if compress:
            reader = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_reader(reader)
        if recipients:
            pyrage.encrypt_io(reader, writer, [parse_recipient(text) for text in recipients])
        else:
            copy_stream(reader, writer, 0, ignore)
        return writer.hash


def unpack(source: Path, target: Path, *, name: str, identities: list[str], advance: Advance, live: Path) -> None:
    """The plain file of a backup called `name`. Raises Invalid where the key is missing or wrong, or it is damaged."""
    is_encrypted, is_packed = name.endswith(".age"), ".zst" in name
    if not is_encrypted and not is_packed:
        with source.open("rb") as reader, closing(SteadyFile(target, live)) as writer:
            copy_stream(reader, writer, source.stat().st_size, advance)
        return
    middle = target.with_name(target.name + ".packed") if is_encrypted and is_packed else None
    try:
        if is_encrypted:
            decrypt(source, middle or target, identities, ignore if middle else advance, live)
        if is_packed:
            decompress(middle or source, target, advance, live)
    finally:
        if middle is not None:
            middle.unlink(missing_ok=True)


def decrypt(source: Path, target: Path, identities: list[str], advance: Advance, live: Path) -> None:
    """Open an age file. Raises Invalid."""
    import pyrage  # noqa: PLC0415 - only encrypted backups need it

    if not identities:
        raise Invalid("This backup is encrypted.", hint="Give its key with --identity FILE, or as backup.identity.")
    keys = [parse_identity(text) for text in identities]
    with source.open("rb") as reader, closing(SteadyFile(target, live)) as writer:
        try:
            pyrage.decrypt_io(Counted(reader, source.stat().st_size, advance), writer, keys)
        except (pyrage.DecryptError, OSError) as error:
            raise Invalid(f"The backup cannot be decrypted: {error}.", hint="Is this its key?") from error


def decompress(source: Path, target: Path, advance: Advance, live: Path) -> None:
    """Open a zstd file. Raises Invalid where it is damaged or cut off."""
    with source.open("rb") as reader, closing(SteadyFile(target, live)) as writer:
        counted = Counted(reader, source.stat().st_size, advance)
        try:
            unpacker = zstandard.ZstdDecompressor().decompressobj()
            while piece := counted.read(PART_BYTES // 8):
                writer.write(unpacker.decompress(piece))
        except zstandard.ZstdError as error:
            raise Invalid(f"The backup is damaged: {error}.") from error
        if not unpacker.eof:
            raise Invalid("The backup is damaged: it ends too early.")


def parse_recipient(text: str) -> Any:
    """An age public key (`age1…`) or an SSH key. Raises Invalid."""
    import pyrage  # noqa: PLC0415 - only encrypted backups need it

    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise Invalid(f"{text[:24]!r} is not a key to encrypt with: {error}.", hint="It begins with age1.") from error


def parse_identity(text: str) -> Any:
    """An age secret key (`AGE-SECRET-KEY-1…`). Raises Invalid; the key is not part of the message."""
    import pyrage  # noqa: PLC0415 - only encrypted backups need it

    try:
        return pyrage.x25519.Identity.from_str(text.strip())
    except pyrage.IdentityError as error:
        raise Invalid("This is not a key of age.", hint="It begins with AGE-SECRET-KEY-1.") from error


def find_identities(text: str) -> list[str]:
    """The keys in a file that `age-keygen` made, without its comments."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def hash_file(path: Path, advance: Callable[[int, int], None]) -> str:
    """SHA-256 of a file."""
    hasher = hashlib.sha256()
    with path.open("rb") as reader:
        counted = Counted(reader, path.stat().st_size, advance)
        while piece := counted.read(PART_BYTES):
            hasher.update(piece)
    return hasher.hexdigest()


def ignore(_done: int, _size: int) -> None:
    """Tell nobody."""
