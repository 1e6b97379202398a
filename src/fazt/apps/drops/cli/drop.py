"""`fazt drop FILE…`, `fazt drop get URL`, and lists."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from fazt.core.client import connect, describe_moment, show, show_rows, wants_json

ROOT = "/api/v1/drops"


class DropGroup(click.Group):
    """`fazt drop FILE…` is short for `fazt drop send FILE…`; a file named like a command is `./list`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click."""
        if args and args[0] not in self.commands:
            return "send", self.commands["send"], args
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click: options before the first file are those of `send`."""
        helps = {"-h", "--help"}
        if args and args[0].startswith("-") and args[0] not in helps:
            args = ["send", *args]
        return super().parse_args(ctx, args)


@click.group(cls=DropGroup)
def drop() -> None:
    """Share files by a link that ends by itself.

    \b
    fazt drop report.pdf photos/
    fazt drop --encrypt secret.txt
    fazt drop get https://cloud.example.com/d/…
    """


@drop.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--expires", metavar="SPAN", help="When it ends, e.g. 30m, 12h or 7d (default: what the owner chose).")
@click.option("--downloads", type=click.IntRange(0), default=0, help="How often each file may be downloaded.")
@click.option("--sliding", is_flag=True, help="The time counts from the last download.")
@click.option("--password", default="", metavar="TEXT", help="Ask for it besides the link.")
@click.option("--title", default="", help="What people see above the files.")
@click.option("--encrypt", is_flag=True, help="Encrypt here; the key is in the link and nowhere else.")
@click.option("--request", "request_link", default="", metavar="URL", help="Send through somebody's request link.")
def send(files: tuple[str, ...], request_link: str, *, encrypt: bool, **chosen: Any) -> None:
    """Send files and folders, and print the link; `-` is standard input. Given again, it goes on where it broke off.

    \b
    fazt drop report.pdf --expires 7d --downloads 3
    tar c . | fazt drop -
    """
    from fazt.apps.drops.cli.sending import options_of, read_items, send_items  # noqa: PLC0415
    from fazt.core.errors import Invalid  # noqa: PLC0415

    items = read_items(files)
    options = options_of(**chosen)
    if request_link:
        if encrypt:
            raise Invalid(
                "What goes through a request link is not encrypted by --encrypt: its owner would lack the key."
            )
        options = {"title": options.get("title", ""), "request": request_link.rstrip("/").rpartition("/")[2]}
    with connect() as client:
        made = send_items(client, items, options, encrypt=encrypt)
    if wants_json():
        show(made)
    else:
        click.echo(made["url"] if not request_link else "It has arrived.")


@drop.command()
@click.argument("url")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The folder, or for one file its name; - prints.")
@click.option("--password", default="", metavar="TEXT", help="The password of the drop.")
def get(url: str, output: Path | None, password: str) -> None:
    """Download a drop, and decrypt it where its link has a key. Given again, it goes on where it broke off.

    \b
    fazt drop get 'https://cloud.example.com/d/0123456789ab#key'
    """
    from fazt.apps.drops.cli.fetching import fetch_drop  # noqa: PLC0415

    to_stdout = output == Path("-")
    saved = fetch_drop(url, None if to_stdout else (output or Path()), password, sys.stdout.buffer)
    if wants_json():
        show(saved)
    elif not to_stdout:
        for path in saved:
            click.echo(path)


@drop.command("list")
def list_drops() -> None:
    """Your drops, newest first."""
    with connect() as client:
        rows = client.get(ROOT)
    for row in rows:
        row["ends"] = describe_moment(row["expires_at"])
    columns = {
        "id": "Id",
        "title": "Title",
        "file_count": "Files",
        "size": "Bytes",
        "downloads": "Downloads",
        "ends": "Ends",
    }
    show_rows(rows, columns, "There are none.")


@drop.command()
@click.argument("drop_id", metavar="ID")
def delete(drop_id: str) -> None:
    """End a drop now. ID may be its link."""
    from urllib.parse import urlsplit  # noqa: PLC0415

    parts = [part for part in urlsplit(drop_id).path.split("/") if part]
    found = parts[1] if parts[:1] == ["d"] and len(parts) > 1 else parts[-1]
    with connect() as client:
        client.delete(f"{ROOT}/{found}")
    show({"ok": True}, lambda _: click.echo("Its link no longer works."))


@drop.command()
@click.argument("title")
@click.option("--types", default="", metavar="KINDS", help="Only these, e.g. '.pdf, image/*'.")
@click.option("--max-bytes", type=int, default=0, help="How much one drop may hold.")
@click.option("--ends", default="7d", metavar="SPAN", show_default=True, help="How long the link works.")
def request(title: str, types: str, max_bytes: int, ends: str) -> None:
    """Print a link through which somebody sends files to you."""
    from fazt.apps.drops.wire.share import parse_span  # noqa: PLC0415

    body = {"title": title, "types": types, "max_bytes": max_bytes, "lifetime_s": parse_span(ends)}
    with connect() as client:
        show(client.post("/api/v1/drop-requests", body), lambda made: click.echo(made["url"]))
