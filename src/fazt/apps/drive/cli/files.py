"""The commands: ls, get, put, mv, rm, trash, versions, share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fazt.apps.drive.cli.transfers import download, send
from fazt.core.client import connect, describe_moment, show, show_rows

API = "/api/v1/drive"


def absolute(path: str) -> str:
    """A path in the drive, which begins with a slash."""
    return path if path.startswith("/") else f"/{path}"


@click.group()
def drive() -> None:
    """Files in your drive: list, fetch, send, move, delete, bring back.

    A path is as in the browser, `/photos/2024`; `/shared:team/x` is in the shared folder `team`.

    \b
    fazt drive put ~/Pictures /photos
    fazt drive ls /photos
    fazt drive get /photos/a.jpg
    """


@drive.command("ls")
@click.argument("path", default="/")
def list_files(path: str) -> None:
    """List a folder.

    \b
    fazt drive ls /photos
    """
    with connect() as client:
        found: list[dict[str, Any]] = []
        after = ""
        while rows := client.get(f"{API}/list", params={"path": absolute(path), "after": after}):
            found += rows
            after = rows[-1]["name"]
            if not rows[-1]["path"].startswith(absolute(path).rstrip("/") + "/"):
                break  # the path is a file, which is all of its own list
    rows = [
        {**row, "name": row["name"] + ("/" if row["is_folder"] else ""), "when": describe_moment(row["modified_at"])}
        for row in found
    ]
    show_rows(rows, {"name": "Name", "size": "Bytes", "when": "Changed"}, "Nothing is in this folder.")


@drive.command("get")
@click.argument("path")
@click.argument("target", type=click.Path(path_type=Path), required=False)
def get_files(path: str, target: Path | None) -> None:
    """Fetch a file, or a folder with all that is in it.

    \b
    fazt drive get /photos ./photos
    """
    with connect() as client:
        where, count = download(client, absolute(path), target)
    click.echo(f"{count} {'file is' if count == 1 else 'files are'} in {where}.")


@drive.command("put")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.argument("target", default="/")
def put_files(source: Path, target: str) -> None:
    """Send a file, or a folder with all that is in it. A target that ends with a slash is the folder to put it into.

    \b
    fazt drive put report.pdf /documents/
    fazt drive put ~/Pictures /photos
    """
    with connect() as client:
        sent = send(client, source, absolute(target))
    click.echo(f"{sent} {'file' if sent == 1 else 'files'} sent.")


@drive.command("mv")
@click.argument("source")
@click.argument("target")
@click.option("--force", is_flag=True, help="Put what is there into the trash.")
def move(source: str, target: str, *, force: bool) -> None:
    """Move or rename.

    \b
    fazt drive mv /draft.txt /letters/final.txt
    """
    with connect() as client:
        data = {"source": absolute(source), "target": absolute(target), "overwrite": force}
        moved = client.post(f"{API}/move", data)
    show(moved, lambda row: click.echo(f"It is at {row['path']} now."))


@drive.command("rm")
@click.argument("paths", nargs=-1, required=True)
def delete(paths: tuple[str, ...]) -> None:
    """Put files or folders into the trash.

    \b
    fazt drive rm /old.txt
    """
    with connect() as client:
        client.post(f"{API}/delete", {"paths": [absolute(path) for path in paths]})
    click.echo("In the trash: `fazt drive trash` shows it.")


@drive.command("trash")
@click.option("--restore", type=int, metavar="ID", help="Bring one back.")
@click.option("--empty", is_flag=True, help="Delete all of it for good.")
def trash(*, restore: int | None, empty: bool) -> None:
    """Show the trash, bring something back, or empty it.

    \b
    fazt drive trash --restore 12
    """
    with connect() as client:
        if restore is not None:
            (path,) = client.post(f"{API}/trash/restore", {"ids": [restore]})
            click.echo(f"It is at {path} again.")
            return
        if empty:
            client.post(f"{API}/trash/forget", {"ids": []})
            click.echo("The trash is empty.")
            return
        rows = [{**row, "when": describe_moment(row["deleted_at"])} for row in client.get(f"{API}/trash")]
    columns = {"id": "ID", "path": "Was at", "size": "Bytes", "when": "Deleted (UTC)"}
    show_rows(rows, columns, "The trash is empty.")


@drive.command("versions")
@click.argument("path")
@click.option("--restore", type=int, metavar="ID", help="Go back to one.")
def versions(path: str, restore: int | None) -> None:
    """Show what a file held before, or go back to it.

    \b
    fazt drive versions /report.txt --restore 7
    """
    with connect() as client:
        if restore is not None:
            client.post(f"{API}/versions/restore", {"path": absolute(path), "version": restore})
            click.echo("The file is what it was; what it was until now is a version.")
            return
        found = client.get(f"{API}/versions", params={"path": absolute(path)})
    rows = [{**row, "when": describe_moment(row["saved_at"])} for row in found]
    columns = {"id": "ID", "size": "Bytes", "when": "Saved over (UTC)"}
    show_rows(rows, columns, "There are no earlier versions of this file.")


@drive.command("share")
@click.argument("path")
@click.option("--days", default=7, show_default=True, help="How long the link works; 0 until it is ended.")
@click.option("--password", default="", help="Ask for a password.")
def share(path: str, days: int, password: str) -> None:
    """Make a link by which others see a file or folder.

    \b
    fazt drive share /photos --days 30
    """
    with connect() as client:
        made = client.post(f"{API}/shares", {"path": absolute(path), "days": days, "password": password})
    show(made, lambda row: click.echo(row["url"]))
