"""A version's code on disk, where its process can load it: written once, for as long as the program runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.runtime.wire.modules import is_code, is_module, wrap_classic
from fazt.core.errors import TooLarge

if TYPE_CHECKING:
    from fazt.core import Core

MAX_CODE_BYTES = 64 << 20
MAX_CODE_FILES = 5_000
PREFIX = "fazt-run-"


class Code(msgspec.Struct, frozen=True):
    """A version of a site that holds code, and which bytes its files have: (hash, size) by path."""

    site_id: int
    site: str
    owner: str
    version: int
    entry: str
    files: dict[str, tuple[str, int]]


class Loaded(msgspec.Struct, frozen=True):
    """Where a version's code lies, and in which form it is."""

    folder: Path
    main: str
    form: str


class Folders:
    """The folders of all versions that are in use, below one that goes with the program."""

    def __init__(self, core: Core) -> None:
        self._core = core
        remove_leftovers()
        self.root = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.boot = self.root / "boot" / "boot.js"
        for name in ("boot.js", "forms.js"):
            write_file(self.boot.with_name(name), (Path(__file__).parent / name).read_bytes())
        self._loaded: dict[tuple[int, int], asyncio.Task[Loaded]] = {}

    async def load(self, code: Code, folder: Path) -> Loaded:
        """Put the code of a version into the folder of a process. Raises TooLarge."""
        written = await self._find(code)
        await asyncio.to_thread(link_files, written.folder, folder)
        return Loaded(folder, written.main, written.form)

    async def _find(self, code: Code) -> Loaded:
        """The code of a version on disk, written unless it is there."""
        key = (code.site_id, code.version)
        task = self._loaded.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._loaded[key] = asyncio.create_task(self._write(code), name=f"fazt code of {code.site}")
        return await asyncio.shield(task)

    async def _write(self, code: Code) -> Loaded:
        wanted = {path: known for path, known in code.files.items() if is_code(path)}
        total = sum(size for _, size in wanted.values())
        if total > MAX_CODE_BYTES or len(wanted) > MAX_CODE_FILES:
            raise TooLarge(
                f"The code of {code.site} has {len(wanted):,} files with {total >> 20} MiB together.",
                hint=f"At most {MAX_CODE_FILES:,} with {MAX_CODE_BYTES >> 20} MiB can be loaded.",
            )
        folder = self.root / f"{code.site_id}-{code.version}"
        for path, (hash, _) in wanted.items():
            await asyncio.to_thread(write_file, folder / path, await self._core.blobs.read(hash))
        source = await asyncio.to_thread((folder / code.entry).read_text, errors="replace")
        if is_module(source):
            return Loaded(folder, code.entry, "module")
        main = f"{code.entry.rpartition('.')[0]}.script.{code.entry.rpartition('.')[2]}"
        await asyncio.to_thread(write_file, folder / main, wrap_classic(source).encode())
        return Loaded(folder, main, "classic")

    def forget(self, site_id: int, keep: int) -> None:
        """The other versions of a site are no longer shown."""
        for key in [key for key in self._loaded if key[0] == site_id and key[1] != keep]:
            del self._loaded[key]
            shutil.rmtree(self.root / f"{key[0]}-{key[1]}", ignore_errors=True)

    def create_home(self) -> Path:
        """A folder for one process and its sockets."""
        return Path(tempfile.mkdtemp(prefix="p-", dir=self.root))

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the folders of programs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def write_file(path: Path, data: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def link_files(source: Path, target: Path) -> None:
    """The files below one folder below another, too, without a copy of their bytes."""
    for parent, _, names in os.walk(source):
        below = target / Path(parent).relative_to(source)
        below.mkdir(parents=True, exist_ok=True)
        for name in names:
            os.link(Path(parent, name), below / name)


def describe(found: dict[str, Any]) -> Code | None:
    """What `sites.code` answered, where the site holds code."""
    if not found["entry"]:
        return None
    names = ("owner", "version", "entry", "files")
    return Code(site_id=found["id"], site=found["name"], **{name: found[name] for name in names})
