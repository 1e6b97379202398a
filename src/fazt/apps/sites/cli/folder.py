"""A folder on disk as a manifest."""

from __future__ import annotations

from hashlib import file_digest
from os import walk
from pathlib import Path

from fazt.apps.sites.model import check_paths
from fazt.apps.sites.wire.ignore import IGNORE_FILE, Ignore
from fazt.core.errors import Invalid


def read_folder(folder: Path) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of every file that is deployed, by path.

    Raises Invalid for links that lead out of the folder, for names that cannot be, and where there is no file.
    """
    rules = folder / IGNORE_FILE
    ignore = Ignore(rules.read_text(errors="replace") if rules.is_file() else "")
    root = folder.resolve()
    found: dict[str, tuple[str, int]] = {}
    for here, folders, names in walk(folder, followlinks=False):
        base = Path(here).relative_to(folder)
        folders[:] = sorted(name for name in folders if not ignore.has((base / name).as_posix() + "/"))
        for name in folders:
            check_link(Path(here) / name, root)
        for name in sorted(names):
            path = (base / name).as_posix()
            if not ignore.has(path):
                check_link(Path(here) / name, root)
                found[path] = read_facts(Path(here) / name)
    check_paths(found)
    if not found:
        raise Invalid(f"There is no file to deploy in {folder}.")
    return found


def check_link(path: Path, root: Path) -> None:
    """Raises Invalid for a link out of the folder, and for one to another folder."""
    if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root)):
        raise Invalid(
            f"{path} is a link to {path.readlink()}.", hint="Name it in .faztignore, or copy what it leads to."
        )


def read_facts(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file. Raises Invalid where it cannot be read, or is a pipe or a device."""
    if not path.is_file():
        raise Invalid(f"{path} is not a file that can be read.", hint="Name it in .faztignore.")
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            return digest, file.tell()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from error
