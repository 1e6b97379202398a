"""`fazt deploy`: a folder on the web; only what changed travels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fazt.core.client import Client, connect, show, wants_json

BATCH_BYTES = 4 << 20
BATCH_FILES = 500
LARGE_BYTES = 512 << 10
CONNECTIONS = 4
ROOT = "/api/v1/sites"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="The name of the site: blog becomes blog.DOMAIN (default: the folder's name).")
@click.option("-m", "--message", default="", help="A word about this version.")
@click.option("--dry-run", is_flag=True, help="Only list what would be deployed.")
@click.option(
    "--bundle/--no-bundle", "bundled", default=None, help="Bundle the code's packages (default: if it has any)."
)
@click.option("--grant/--no-grant", default=None, help="Allow the code the scopes that fazt.json asks for.")
def deploy(
    folder: Path, name: str | None, message: str, *, dry_run: bool, bundled: bool | None, grant: bool | None
) -> None:
    """Put a folder on the web, as the next version of a site.

    Only files that changed travel. What .faztignore names stays behind, as do .env files, .git and node_modules.

    \b
    fazt deploy ./public --name blog
    fazt deploy ./dist --name shop --server https://cloud.example.com --token fazt_…
    """
    from fazt.apps.sites.cli.bundle import bundle, read_scopes  # noqa: PLC0415
    from fazt.apps.sites.cli.folder import read_folder  # noqa: PLC0415 - pathspec, which `fazt --help` need not load

    name = name or folder.resolve().name.lower()
    files, elsewhere = bundle(folder, read_folder(folder), wanted=bundled)
    if dry_run:
        click.echo("\n".join(sorted(files)))
        return
    with connect() as client:
        report, sent = send_folder(client, name, folder, files, message, elsewhere)
        site = client.get(f"{ROOT}/{name}")
        grant_scopes(client, name, read_scopes(folder, files), grant)
    if wants_json():
        show(report | {"url": site["url"], "sent_files": sent})
        return
    for warning in report["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    version = report["version"]
    if report["is_new"]:
        click.echo(f"{site['url']} shows version {version['number']}: {version['file_count']} files, {sent} sent.")
    else:
        click.echo(f"{site['url']} is up to date: nothing has changed since version {version['number']}.")


def grant_scopes(client: Client, name: str, scopes: list[str], wanted: bool | None) -> None:
    """Allow the code what it asks for, where the person wants that; at a terminal they are asked."""
    import sys  # noqa: PLC0415

    address = f"/api/v1/functions/{name}"
    granted = client.get(address)["function"]["granted"] if scopes else []
    missing = [scope for scope in scopes if scope not in granted]
    if not missing:
        return
    if wanted is None and sys.stdin.isatty() and not wants_json():
        wanted = click.confirm(f"The code asks for {', '.join(missing)}. Allow it?")
    if wanted:
        client.put(f"{address}/scopes", {"scopes": scopes})
    else:
        click.echo(f"The code asks for {', '.join(missing)}: `fazt functions grant {name}` allows it.", err=True)


def send_folder(
    client: Client,
    name: str,
    folder: Path,
    files: dict[str, tuple[str, int]],
    message: str,
    elsewhere: dict[str, Path] | None = None,
) -> tuple[dict[str, Any], int]:
    """Begin, send what is missing, finish; the report, and how many files were sent.

    `elsewhere` says where files lie that are not in the folder.
    """
    plan = client.post(f"{ROOT}/{name}/deploys", {"files": files, "message": message})
    by_hash = {hash: (path, size) for path, (hash, size) in files.items()}
    missing = {hash: by_hash[hash] for hash in plan["missing"]}
    address = f"{ROOT}/{name}/deploys/{plan['id']}"
    with progress(sum(size for _, size in missing.values()), len(missing)) as advance:
        send_missing(client, address, lambda path: (elsewhere or {}).get(path, folder / path), missing, advance)
    return client.post(f"{address}/finish"), len(missing)


def send_missing(
    client: Client,
    address: str,
    locate: Callable[[str], Path],
    missing: dict[str, tuple[str, int]],
    advance: Any,
) -> None:
    """Small files in batches, large ones each by itself, on some connections at once."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    import msgspec  # noqa: PLC0415

    def send_batch(batch: dict[str, tuple[str, int]]) -> None:
        body = msgspec.msgpack.encode({hash: locate(path).read_bytes() for hash, (path, _) in batch.items()})
        client.request("POST", f"{address}/blobs", content=body, timeout=600)
        advance(sum(size for _, size in batch.values()))

    def send_large(hash: str, path: str) -> None:
        def pieces() -> Any:
            with locate(path).open("rb") as file:
                while piece := file.read(1 << 18):
                    yield piece
                    advance(len(piece))

        headers = {"content-length": str(missing[hash][1])}
        client.request("PUT", f"{address}/blobs/{hash}", content=pieces(), headers=headers, timeout=600)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        large = [(hash, path) for hash, (path, size) in missing.items() if size > LARGE_BYTES]
        small = {hash: known for hash, known in missing.items() if known[1] <= LARGE_BYTES}
        waiting = [pool.submit(send_batch, batch) for batch in split(small)]
        waiting += [pool.submit(send_large, hash, path) for hash, path in large]
        try:
            for future in waiting:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def split(files: dict[str, tuple[str, int]]) -> list[dict[str, tuple[str, int]]]:
    """Batches of some megabytes and some hundred files."""
    batches: list[dict[str, tuple[str, int]]] = []
    batch: dict[str, tuple[str, int]] = {}
    size = 0
    for hash, known in files.items():
        if batch and (size + known[1] > BATCH_BYTES or len(batch) >= BATCH_FILES):
            batches.append(batch)
            batch, size = {}, 0
        batch[hash] = known
        size += known[1]
    return [*batches, batch] if batch else batches


class progress:  # noqa: N801 - read as `with progress(…) as advance`
    """A progress bar on standard error where somebody can see it."""

    def __init__(self, total_bytes: int, count: int) -> None:
        self.total_bytes, self.count = total_bytes, count
        self.bar: Any = None

    def __enter__(self) -> Any:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

        console = Console(stderr=True)
        if not self.count or wants_json() or not console.is_terminal:
            return lambda _bytes: None
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self.bar = Progress(*columns, console=console, transient=True)
        self.bar.start()
        task = self.bar.add_task(f"Sending {self.count} files", total=self.total_bytes)
        return lambda sent: self.bar.update(task, advance=sent)

    def __exit__(self, *_error: object) -> None:
        if self.bar is not None:
            self.bar.stop()
