"""Files on their way between a disk and the drive, with a progress bar for who watches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from fazt.core.client import Client, wants_json
from fazt.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    Advance = Callable[[int], object]

API = "/api/v1/drive"
PIECE = 1 << 18
CONNECTIONS = 4
TIMEOUT_S = 3_600.0
PROBLEM = {"accept": "application/problem+json"}


def dav(path: str) -> str:
    """The WebDAV address of a path in the drive."""
    if path.startswith("/shared:"):
        return "/dav/shared/" + quote(path.removeprefix("/shared:"))
    return "/dav/files" + quote(path)


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A bar on standard error, where somebody can see it."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    if wants_json() or not console.is_terminal:
        yield lambda _bytes: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda size: bar.update(task, advance=size)


def send(client: Client, source: Path, target: str) -> int:
    """A file or a folder into the drive; how many files went."""
    is_into = target.endswith("/") or (source.is_file() and is_folder(client, target))
    base = f"{target.rstrip('/')}/{source.resolve().name}" if is_into else target
    files = {base: source} if source.is_file() else list_local(source, base)
    folders = {path.rpartition("/")[0] for path in files} - {""}
    if source.is_dir():
        folders.add(base.rstrip("/") or "/")
    for folder in sorted(folders):
        client.post(f"{API}/folders", {"path": folder})
    total = sum(path.stat().st_size for path in files.values())
    with progress(f"Sending {len(files)} files", total) as advance, ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in [pool.submit(send_one, client, path, where, advance) for where, path in files.items()]:
            done.result()
    return len(files)


def is_folder(client: Client, path: str) -> bool:
    """Whether there is a folder at a path of the drive."""
    try:
        return bool(client.get(f"{API}/info", params={"path": path})["is_folder"])
    except NotFound:
        return False


def list_local(folder: Path, base: str) -> dict[str, Path]:
    """The files below a folder, by where they go."""
    base = base.rstrip("/")
    return {
        f"{base}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def send_one(client: Client, path: Path, where: str, advance: Advance) -> None:
    """One file, with its time."""
    facts = path.stat()

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
                advance(len(piece))

    headers = {**PROBLEM, "content-length": str(facts.st_size), "x-oc-mtime": str(facts.st_mtime)}
    client.request("PUT", dav(where), content=pieces(), headers=headers, timeout=TIMEOUT_S)


def download(client: Client, path: str, target: Path | None) -> tuple[Path, int]:
    """A file or folder out of the drive; where it is, and how many files came."""
    info = client.get(f"{API}/info", params={"path": path})
    name = info["name"] or "drive"
    where = target if target is not None else Path(name)
    if not info["is_folder"]:
        where = where / name if where.is_dir() else where
        with progress(f"Fetching {name}", info["size"]) as advance:
            fetch_one(client, path, where, advance)
        return where, 1
    files = list(list_remote(client, path, where))
    with progress(f"Fetching {len(files)} files", info["size"]) as advance:
        for remote, local in files:
            fetch_one(client, remote, local, advance)
    return where, len(files)


def list_remote(client: Client, path: str, where: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder of the drive, and where each goes. Raises Invalid for names that lead out of there."""
    where.mkdir(parents=True, exist_ok=True)
    after = ""
    while rows := client.get(f"{API}/list", params={"path": path, "after": after}):
        for row in rows:
            name = row["name"]
            if "/" in name or "\\" in name or name in {".", ".."}:
                raise Invalid(f"{name!r} cannot be the name of a file here.")
            if row["is_folder"]:
                yield from list_remote(client, row["path"], where / name)
            else:
                yield row["path"], where / name
        after = rows[-1]["name"]


def fetch_one(client: Client, path: str, where: Path, advance: Advance) -> None:
    """One file: written beside its place, then put there whole."""
    beside = where.with_name(where.name + ".part")
    with client.http.stream("GET", dav(path), headers=PROBLEM, timeout=TIMEOUT_S) as answer:
        if answer.is_error:
            answer.read()
            raise NotFound(f"There is no {path!r} in the drive.")
        with beside.open("wb") as file:
            for piece in answer.iter_bytes(PIECE):
                file.write(piece)
                advance(len(piece))
        modified = parsedate_to_datetime(answer.headers["last-modified"]).timestamp()
    os.utime(beside, (modified, modified))
    beside.replace(where)
