"""`fazt pad`: read, write, append, edit a local file in step with a pad, share, erase."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from fazt.core.client import connect, describe_moment, show, show_rows

ROOT = "/api/v1/pads"
TEXT = {"accept": "application/json"}


@click.group()
def pad() -> None:
    """Read, write and edit live scratchpads.

    \b
    fazt pad cat notes
    echo "- milk" | fazt pad append notes
    fazt pad edit notes notes.md
    """


@pad.command("list")
def list_pads() -> None:
    """The pads that you may open, the newest change first."""
    with connect() as client:
        rows = client.get(ROOT)
    for row in rows:
        row["changed"] = describe_moment(row["changed_at"])
        row["ends"] = describe_moment(row["expires_at"])
    columns = {"name": "Name", "size": "Bytes", "connected": "Here", "changed": "Changed", "ends": "Ends"}
    show_rows(rows, columns, "There are none.")


@pad.command()
@click.argument("name")
@click.option("--at", type=click.IntRange(0), help="As it was at this moment of its history.")
def cat(name: str, at: int | None) -> None:
    """Print the text of a pad."""
    path = f"/pad/{name}.txt" if at is None else f"/pad/{name}/then?at={at}"
    with connect() as client:
        click.echo(client.request("GET", path).content, nl=False)


@pad.command()
@click.argument("name")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
def write(name: str, file: Any) -> None:
    """Make the text of a pad what FILE (or standard input) says; what stays the same is not touched."""
    with connect() as client:
        show(client.request("PUT", f"/pad/{name}", content=file.read().encode(), headers=TEXT).json(), show_done)


@pad.command()
@click.argument("name")
@click.argument("text", nargs=-1)
def append(name: str, text: tuple[str, ...]) -> None:
    """Put TEXT (or standard input) at the end of a pad, on a line of its own."""
    content = " ".join(text) if text else sys.stdin.read()
    with connect() as client:
        show(client.request("POST", f"/pad/{name}", content=content.encode(), headers=TEXT).json(), show_done)


def show_done(done: dict[str, Any]) -> None:
    """Which update it was."""
    click.echo(f"Saved as change {done['seq']}.")


@pad.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--once", is_flag=True, help="Bring both in step and end.")
@click.option("--take", type=click.Choice(["file", "pad"]), help="Which one counts where they differ at first.")
def edit(name: str, file: Path | None, *, once: bool, take: str | None) -> None:
    """Keep FILE and a pad in step, both ways, until Ctrl+C. Without FILE, open the pad in $EDITOR.

    What you save goes into the pad as small changes; what others write comes into the file. Both merge.
    """
    from fazt.apps.pads.cli.keeping import edit_in_editor, keep_in_step  # noqa: PLC0415

    with connect() as client:
        if file is None:
            edit_in_editor(client, name)
        else:
            keep_in_step(client, name, file, click.echo, once=once, take=take)


@pad.command()
@click.argument("name")
def history(name: str) -> None:
    """The moments of a pad's history, the newest first."""
    with connect() as client:
        rows = client.get(f"{ROOT}/{name}/history")
    for row in rows:
        row["when"] = describe_moment(row["at"])
    show_rows(rows, {"seq": "Change", "when": "When", "who": "Who", "bytes": "Weight"}, "Nothing was written yet.")


@pad.command()
@click.argument("name")
@click.argument("change", type=click.IntRange(0))
def restore(name: str, change: int) -> None:
    """Make a pad read as it did after CHANGE, as a new change."""
    with connect() as client:
        show(client.post(f"{ROOT}/{name}/restore", {"seq": change}), show_done)


@pad.command()
@click.argument("name")
@click.option("--write", "may_write", is_flag=True, help="Whoever has the link may write, too.")
@click.option("--days", type=click.IntRange(0, 36_500), default=0, help="When it ends; 0: when you end it.")
@click.option("--password", default="", metavar="TEXT", help="Ask for it besides the link.")
def share(name: str, *, may_write: bool, days: int, password: str) -> None:
    """Make a link to a pad, and print it."""
    wanted = {"may_write": may_write, "days": days, "password": password}
    with connect() as client:
        show(client.post(f"{ROOT}/{name}/shares", wanted), lambda made: click.echo(made["url"]))


@pad.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(name: str, *, yes: bool) -> None:
    """Erase a pad with its history; nothing of it stays in the file."""
    if not yes:
        click.confirm(f"Erase {name} with all of its history?", abort=True)
    with connect() as client:
        client.delete(f"{ROOT}/{name}")
    show({"erased": name}, lambda _: click.echo("Erased."))


COMMANDS = (pad,)
