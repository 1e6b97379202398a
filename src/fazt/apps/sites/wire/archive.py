"""Zip, tar and tar.gz as they come from strangers: wholly accepted, or refused before anything is kept."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from stat import S_IFMT, S_ISDIR, S_ISLNK, S_ISREG
from typing import BinaryIO

from fazt.apps.sites.model import Limits, check_limits, check_path, check_paths
from fazt.apps.sites.wire.ignore import IGNORE_FILE, Ignore
from fazt.core.errors import FaztError, Invalid, TooLarge

CHUNK = 256 << 10
MAX_READ = 8 << 20
MAX_IGNORE_FILE = 64 << 10
FREE_BYTES = 16 << 20
"""Up to here nobody asks how well an archive was packed."""
DIRECTORY_BYTES_A_FILE = 256
UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
    RuntimeError,
    OverflowError,
    IndexError,
    KeyError,
)
"""What the standard library raises over bytes that only look like an archive."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: where it will be in the site, and how the archive calls it."""

    path: str
    size: int
    entry: zipfile.ZipInfo | tarfile.TarInfo


@contextmanager
def readable() -> Iterator[None]:
    """Errors of the standard library become Invalid."""
    try:
        yield
    except FaztError:
        raise
    except UNREADABLE as error:
        raise Invalid("The archive is damaged or not one that fazt can read.", hint=f"{error}"[:200]) from error


class Archive:
    """The files of an archive that is wholly acceptable."""

    def __init__(self, source: zipfile.ZipFile | tarfile.TarFile, members: list[Member]) -> None:
        self._source = source
        self.members = members

    def read(self, member: Member) -> Iterator[bytes]:
        """The bytes of a member, in chunks. Raises Invalid where the archive turns out damaged.

        In order of `members` a tar.gz is unpacked once; in any other order again and again.
        """
        with readable(), self._open(member) as stream:
            left = member.size
            while left:
                chunk = stream.read(min(left, CHUNK))
                if not chunk:
                    raise Invalid(f"The archive ends in the middle of {member.path!r}.")
                left -= len(chunk)
                yield chunk
            if stream.read(1):
                raise Invalid(f"{member.path!r} is larger than the archive says.")

    def _open(self, member: Member) -> BinaryIO:
        if isinstance(self._source, zipfile.ZipFile):
            assert isinstance(member.entry, zipfile.ZipInfo)
            return self._source.open(member.entry)  # type: ignore[return-value]
        assert isinstance(member.entry, tarfile.TarInfo)
        stream = self._source.extractfile(member.entry)
        assert stream is not None, "only regular files become members"
        return stream  # type: ignore[return-value]


def open_archive(file: BinaryIO, limits: Limits) -> Archive:
    """The archive in `file` (seekable), or the reason why not: Invalid, Conflict or TooLarge.

    A folder that holds everything is left out of the paths; what `.faztignore` names is left out too.
    """
    packed = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    with readable():
        source: zipfile.ZipFile | tarfile.TarFile
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            source, entries = open_zip(file, packed, limits)
        elif head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
            source, entries = open_tar(file, packed, limits, is_packed=head.startswith(b"\x1f\x8b"))
        else:
            raise Invalid(
                "This is neither a zip nor a tar.gz archive.", hint="Pack the folder with zip or with tar czf."
            )
        return select(source, entries, limits)


def select(source: zipfile.ZipFile | tarfile.TarFile, entries: list[Member], limits: Limits) -> Archive:
    """Check the paths, and leave out what is not deployed."""
    check_unique(entries)
    always = Ignore()
    entries = strip_folder(
        [entry for entry in entries if not always.has(entry.path) or entry.path.endswith(IGNORE_FILE)]
    )
    ignore = Ignore(read_ignore_file(source, entries))
    members = [member for member in entries if not ignore.has(member.path)]
    check_paths(member.path for member in members)
    check_limits({member.path: member.size for member in members}, limits)
    if not members:
        raise Invalid("There is no file in the archive.")
    return Archive(source, members)


def read_ignore_file(source: zipfile.ZipFile | tarfile.TarFile, entries: list[Member]) -> str:
    """The text of the archive's `.faztignore`, or ""."""
    for member in entries:
        if member.path == IGNORE_FILE:
            if member.size > MAX_IGNORE_FILE:
                raise TooLarge(f"{IGNORE_FILE} is larger than {MAX_IGNORE_FILE:,} bytes.")
            return b"".join(Archive(source, []).read(member)).decode(errors="replace")
    return ""


def check_unique(entries: list[Member]) -> None:
    """Raises Invalid where two files have the same path: which of them counts would be a guess."""
    seen: set[str] = set()
    for entry in entries:
        if entry.path in seen:
            raise Invalid(f"The path {entry.path!r} is in the archive twice.")
        seen.add(entry.path)


def strip_folder(entries: list[Member]) -> list[Member]:
    """Without the folder that everything lies in, if its index.html is the only one that can be the site's."""
    folders = {entry.path.partition("/")[0] for entry in entries}
    if len(folders) != 1:
        return entries
    prefix = folders.pop() + "/"
    if not any(entry.path == prefix + "index.html" for entry in entries):
        return entries
    return [Member(entry.path[len(prefix) :], entry.size, entry.entry) for entry in entries]


def check_growth(unpacked: int, packed: int, limits: Limits) -> None:
    """Raises TooLarge for a bomb: by its ratio, or by its total."""
    if unpacked > FREE_BYTES and unpacked > packed * limits.max_ratio:
        raise TooLarge(f"The archive would grow more than {limits.max_ratio} times when unpacked, as zip bombs do.")
    if unpacked > limits.max_total_bytes + FREE_BYTES:
        raise TooLarge(f"The archive holds more than the {limits.max_total_bytes:,} bytes that a site may have.")


# --- zip


def open_zip(file: BinaryIO, packed: int, limits: Limits) -> tuple[zipfile.ZipFile, list[Member]]:
    """The files of a zip by its central directory, each checked."""
    if find_directory_size(file, packed) > DIRECTORY_BYTES_A_FILE * limits.max_files + CHUNK:
        raise TooLarge(f"The archive has more than the {limits.max_files:,} files that a site may have.")
    source = zipfile.ZipFile(file)
    entries = [member for info in source.infolist() if (member := read_zip_entry(info))]
    check_growth(sum(entry.size for entry in entries), packed, limits)
    return source, entries


def find_directory_size(file: BinaryIO, packed: int) -> int:
    """How many bytes the central directory claims, before zipfile makes an object of each entry."""
    start = max(0, packed - 65_557)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise Invalid("The zip archive is cut off: its table of contents is missing.")
    size, offset = struct.unpack_from("<LL", tail, at + 12)
    if 0xFFFFFFFF in {size, offset}:
        at = tail.rfind(b"PK\x06\x06")
        size = struct.unpack_from("<Q", tail, at + 40)[0] if 0 <= at <= len(tail) - 48 else packed
    return min(int(size), packed)


def read_zip_entry(info: zipfile.ZipInfo) -> Member | None:
    """A checked member, or None for a folder. Raises Invalid for everything else that a zip can hold."""
    path = decode_zip_name(info)
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    if S_ISLNK(mode):
        raise Invalid(f"{path!r} is a symbolic link; archives may hold only files and folders.")
    if S_IFMT(mode) and not S_ISREG(mode) and not S_ISDIR(mode):
        raise Invalid(f"{path!r} is a device; archives may hold only files and folders.")
    is_folder = path.endswith("/")
    check_path(path[:-1] if is_folder else path)
    if is_folder:
        return None
    if info.flag_bits & 0x1:
        raise Invalid(f"{path!r} is encrypted.", hint="Pack the folder without a password.")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Invalid(f"{path!r} is packed in a way that fazt does not read.", hint="Use plain zip (deflate).")
    return Member(path, info.file_size, info)


def decode_zip_name(info: zipfile.ZipInfo) -> str:
    """The name as it was packed. zipfile reads unmarked names as cp437, but most packers mean UTF-8."""
    name = info.orig_filename
    if info.flag_bits & 0x800 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError as error:
        raise Invalid(f"The name {name!r} in the archive is not UTF-8.") from error


# --- tar


class Unpacked(io.RawIOBase):
    """A gzip stream that can be read forward and rewound, and that ends in TooLarge when it is a bomb."""

    def __init__(self, file: BinaryIO, packed: int, limits: Limits) -> None:
        self._gzip = GzipFile(fileobj=file)
        self._packed, self._limits, self._at = packed, limits, 0

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def seekable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def tell(self) -> int:
        """See io.RawIOBase."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """As io.RawIOBase; more than 8 MiB at once is only asked for by a forged header."""
        if not 0 <= size <= MAX_READ:
            raise TooLarge("The archive has a header that is larger than any real one.")
        data = self._gzip.read(size)
        self._at += len(data)
        check_growth(self._at, self._packed, self._limits)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As io.RawIOBase, from the start only."""
        assert whence == io.SEEK_SET
        if offset < self._at:
            self._gzip.seek(0)
            self._at = 0
        while self._at < offset and self.read(min(CHUNK, offset - self._at)):
            pass
        return self._at


class Plain(io.RawIOBase):
    """A tar that is not packed, with the same wall against forged headers."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def seekable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def tell(self) -> int:
        """See io.RawIOBase."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See io.RawIOBase."""
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        """See Unpacked.read."""
        if not 0 <= size <= MAX_READ:
            raise TooLarge("The archive has a header that is larger than any real one.")
        return self._file.read(size)


def open_tar(file: BinaryIO, packed: int, limits: Limits, *, is_packed: bool) -> tuple[tarfile.TarFile, list[Member]]:
    """The files of a tar, each checked, after one pass over all of it."""
    stream = Unpacked(file, packed, limits) if is_packed else Plain(file)
    source = tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape")
    entries: list[Member] = []
    total = 0
    for count, info in enumerate(source, start=1):
        if count > 4 * limits.max_files:
            raise TooLarge(f"The archive has more than the {limits.max_files:,} files that a site may have.")
        member = read_tar_entry(info)
        if member:
            entries.append(member)
            total += member.size
            check_growth(total, packed if is_packed else total, limits)
    check_end(source, stream)
    return source, entries


def check_end(source: tarfile.TarFile, stream: Unpacked | Plain) -> None:
    """Raises Invalid (or what gzip raises) where the archive is cut off; tarfile itself does not look."""
    if isinstance(stream, Unpacked):
        while stream.read(CHUNK):  # at its end gzip compares its checksum
            pass
        return
    stream.seek(source.offset)
    if stream.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise Invalid("The tar archive is cut off.")


def read_tar_entry(info: tarfile.TarInfo) -> Member | None:
    """A checked member, or None for a folder. Raises Invalid for everything else that a tar can hold."""
    path = info.name
    while path.startswith("./"):  # what `tar c .` writes
        path = path[2:]
    shown = path.encode(errors="replace").decode()
    if info.issym() or info.islnk():
        raise Invalid(f"{shown!r} is a link; archives may hold only files and folders.")
    if info.isdir():
        if path not in {"", "."}:
            check_path(path.removesuffix("/"))
        return None
    if not info.isreg() or info.issparse():
        raise Invalid(f"{shown!r} is a device or another special file; archives may hold only files and folders.")
    return Member(check_path(path), info.size, info)
