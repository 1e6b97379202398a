"""Archives, sums and signatures of a release, the same whenever they are made from the same files."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import tarfile
import time
from pathlib import Path

from fazt.apps.upgrade.model import archive_name
from fazt.apps.upgrade.wire.minisign import Comment, SecretKey, hash_pieces, parse_secret_key, sign

SUMS = "SHA256SUMS"
KEY_VARIABLE = "FAZT_RELEASE_KEY"
TRIAL_KEY = "trial.key"
PIECE_BYTES = 1024**2


def now_s() -> int:
    """The moment that is written into archives: SOURCE_DATE_EPOCH, where it is set, so that builds can be compared."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())


def pack_tree(tree: Path, version: str, folder: Path, *, level: int = 6) -> Path:
    """`versions/<version>/` and the symlink `current`, as an archive that is unpacked where fazt shall lie."""
    target, moment = folder / archive_name(version), now_s()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=level, mtime=moment, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        add_folder(tar, "versions", moment)
        for path in [tree, *sorted(tree.rglob("*"))]:
            name = Path("versions", version, path.relative_to(tree))
            add(tar, path, name.as_posix(), moment)
        link = tarfile.TarInfo("current")
        link.type, link.linkname, link.mtime = tarfile.SYMTYPE, f"versions/{version}", moment
        tar.addfile(link)
    return target


def add(tar: tarfile.TarFile, path: Path, name: str, moment: int) -> None:
    """One file, owned by root, readable by all."""
    entry = tar.gettarinfo(path, name)
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    if path.suffix not in {".py", ".pyc"}:  # what is compiled knows the moment of its source
        entry.mtime = moment
    if not entry.isfile():
        tar.addfile(entry)
        return
    with path.open("rb") as file:
        tar.addfile(entry, file)


def add_folder(tar: tarfile.TarFile, name: str, moment: int) -> None:
    """An empty folder."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, moment
    tar.addfile(entry, io.BytesIO())


def write_sums(folder: Path, names: list[str]) -> Path:
    """SHA256SUMS over these files, as `sha256sum -c` takes it."""
    lines = []
    for name in sorted(names):
        with (folder / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    path = folder / SUMS
    path.write_text("".join(lines))
    return path


def sign_file(path: Path, version: str, key: SecretKey, *, name: str = "", at: int | None = None) -> Path:
    """The signature beside a file; its comment names the file, the version and the time."""
    with path.open("rb") as file:
        digest = hash_pieces(iter(lambda: file.read(PIECE_BYTES), b""))
    comment = Comment(name or path.name, version, now_s() if at is None else at)
    target = path.with_name(path.name + ".minisig")
    target.write_text(sign(key, digest, comment))
    return target


def new_key() -> SecretKey:
    """A key that nobody else has."""
    return SecretKey(secrets.token_bytes(8), secrets.token_bytes(32))


def write_key(path: Path, key: SecretKey) -> None:
    """Keep a secret key where only its owner reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w") as file:
        file.write(f"# Secret key of fazt's releases. Public key: {key.public}\n{key}\n")


def read_key(folder: Path) -> tuple[SecretKey, bool]:
    """The key to sign with, and whether it is only for trying.

    FAZT_RELEASE_KEY is a path or the key itself; without it, a key is made for this folder and stays there.
    """
    given = os.environ.get(KEY_VARIABLE, "")
    if given:
        return parse_secret_key(Path(given).read_text() if "/" in given[:2] or Path(given).exists() else given), False
    path = folder / TRIAL_KEY
    if not path.exists():
        write_key(path, new_key())
    return parse_secret_key(path.read_text()), True
