"""A release on this machine, proved to be what was signed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from fazt.apps.upgrade.engine.fetching import PARTIAL, PIECE_BYTES, download, fetch_text, hash_file, list_releases
from fazt.apps.upgrade.model import (
    VERSION,
    Release,
    archive_name,
    check_upward,
    choose_release,
    is_version,
)
from fazt.apps.upgrade.wire import KEYS, PublicKey, parse_signature, parse_sums, verify
from fazt.apps.upgrade.wire.minisign import hash_pieces
from fazt.core.db.copying import Advance, check_room
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound

SUMS = "SHA256SUMS"
SIGNATURE = ".minisig"
MAX_SIGNATURE_BYTES = 4_096

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how far it is and how far it has to go, in bytes."""


def advance_of(tell: Tell, doing: str) -> Advance:
    """Tell how one step goes."""
    tell(doing, 0, 0)
    return lambda done, size: tell(doing, done, size)


def find_release(url: str, version: str, running: str) -> Release:
    """The release to go to: that version, or the newest. Raises NotFound, Invalid for one that is not newer."""
    releases = list_releases(url)
    found = choose_release(releases, version, running=running)
    if found is None and version:
        with suppress(NotFound):  # lists have pages, and old releases stand on later ones
            found = choose_release(list_releases(f"{url.rstrip('/')}/tags/v{version}"), version)
    if found is None:
        raise NotFound(f"There is no release {version}." if version else "There is no release yet.")
    check_upward(found.version, running)
    return found


def get_archive(release: Release, folder: Path, tell: Tell) -> Path:
    """Its archive, downloaded and proved. Raises Invalid and Forbidden where it is not what was released."""
    name = archive_name(release.version)
    asset = release.get_asset(name)
    signature = fetch_text(release.get_asset(name + SIGNATURE).url, MAX_SIGNATURE_BYTES)
    sums = parse_sums(fetch_text(release.get_asset(SUMS).url).decode("utf-8", "replace"))
    if name not in sums:
        raise Invalid(f"{SUMS} of {release.version} has no {name}.")
    if asset.sha256 and asset.sha256 != sums[name]:
        raise Invalid(f"The server says that {name} has another checksum than {SUMS} does.")
    folder.mkdir(mode=0o700, exist_ok=True)
    sweep_downloads(folder, keep=name)
    archive = folder / name
    if not archive.exists() or hash_file(archive) != sums[name]:
        download(asset, archive, sums[name], advance_of(tell, f"Downloading fazt {release.version}"))
    try:
        check_archive(archive, signature.decode("utf-8", "replace"), release.version, tell)
    except (Invalid, Forbidden):
        archive.unlink(missing_ok=True)
        raise
    return archive


def check_archive(archive: Path, signature: str, version: str, tell: Tell, keys: tuple[PublicKey, ...] = KEYS) -> None:
    """Raises Forbidden where it was not signed by a key of this program, or was signed as another file or version."""
    if not keys:
        raise Forbidden(
            "This build of fazt knows no key, so it cannot tell whose a release is.",
            hint="Install a release by hand once; it brings the key along.",
        )
    parsed = parse_signature(signature)
    advance, size = advance_of(tell, "Checking the signature"), archive.stat().st_size
    comment = verify(parsed, hash_pieces(read_pieces(archive, advance, size)), keys)
    if comment.version != version or comment.file != archive_name(version):
        raise Forbidden(
            f"What is offered as fazt {version} was signed as {comment.file}, version {comment.version}.",
            hint="Somebody may be passing off an old release as a new one. Nothing was changed.",
        )


def read_pieces(path: Path, advance: Advance, size: int) -> Iterator[bytes]:
    """A file, bit by bit."""
    done = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            done += len(piece)
            advance(done, size)
            yield piece


def take_file(archive: Path, folder: Path, running: str, tell: Tell) -> tuple[str, Path]:
    """A copy of a release that lies on this machine, where nobody else can change it between the check and the
    unpacking; its version, and the copy. Raises as `check_file`.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    sweep_downloads(folder, keep="")
    copy = folder / archive.name
    try:
        if archive.is_file():
            check_upward(name_version(archive), running)
            check_room(folder, archive.stat().st_size)
            shutil.copyfile(archive, copy)
        return check_file(archive, running, tell, copy), copy
    except (FaztError, OSError):
        copy.unlink(missing_ok=True)
        raise


def check_file(archive: Path, running: str, tell: Tell, copy: Path | None = None) -> str:
    """A release that lies on this machine, with its signature (and sums, where they are) beside it; its version.

    Raises NotFound without the signature, Invalid for a name that is no release's, Forbidden as `check_archive`.
    """
    if not archive.is_file():
        raise NotFound(f"There is no {archive}.")
    version, checked = name_version(archive), copy or archive
    check_upward(version, running)
    beside = archive.with_name(archive.name + SIGNATURE)
    if not beside.is_file():
        raise NotFound(
            f"There is no {beside.name} beside {archive.name}.", hint="The release has it; put it beside the archive."
        )
    sums = archive.with_name(SUMS)
    if sums.is_file():
        wanted = parse_sums(sums.read_text(errors="replace")).get(archive.name)
        if wanted is not None and wanted != hash_file(checked):
            raise Invalid(f"The checksum of {archive.name} is wrong.", hint="Nothing was changed. Fetch it again.")
    check_archive(checked, beside.read_bytes()[:MAX_SIGNATURE_BYTES].decode("utf-8", "replace"), version, tell)
    return version


def name_version(archive: Path) -> str:
    """The version in the name of an archive. Raises Invalid for an archive of another machine, or none of ours."""
    found = VERSION.search(archive.name)
    version = found[0] if found else ""
    if not is_version(version) or archive.name != archive_name(version):
        raise Invalid(
            f"{archive.name} is no release of fazt for this machine.",
            hint=f"Its name would be {archive_name('1.2.3')}, and must be kept.",
        )
    return version


def sweep_downloads(folder: Path, *, keep: str) -> None:
    """Remove what was downloaded for other versions."""
    for path in folder.iterdir():
        if path.name not in {keep, keep + PARTIAL}:
            path.unlink(missing_ok=True)
