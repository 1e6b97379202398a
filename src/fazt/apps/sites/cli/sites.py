"""`fazt sites …`: versions, undo, domains and passwords."""

from __future__ import annotations

import json

import click

from fazt.core.client import connect, describe_moment, show, show_rows, wants_json
from fazt.core.errors import Invalid

ROOT = "/api/v1/sites"


@click.group()
def sites() -> None:
    """List, roll back, protect and delete web sites."""


@sites.command("list")
@click.option("--deleted", is_flag=True, help="Those that can be brought back.")
def list_sites(*, deleted: bool) -> None:
    """List your sites."""
    with connect() as client:
        rows = client.get(ROOT, params={"deleted": json.dumps(deleted)})
    columns = {"name": "Name", "url": "Address", "version": "Version", "domains": "Domains"}
    for row in rows:
        row["domains"] = row["domains"] if wants_json() else ", ".join(row["domains"])
    show_rows(rows, columns, "No site was deleted." if deleted else "No sites yet. `fazt deploy FOLDER --name blog`")


@sites.command()
@click.argument("name")
def versions(name: str) -> None:
    """List the versions of a site, newest first."""
    with connect() as client:
        rows = client.get(f"{ROOT}/{name}/versions")
    if not wants_json():
        for row in rows:
            row |= {"at": describe_moment(row["created_at"]), "shown": "*" if row["is_current"] else ""}
    columns = {"shown": "", "number": "Version", "at": "When", "file_count": "Files"}
    show_rows(rows, columns | {"changed_files": "Changed", "source": "By", "message": "Message"}, "No version yet.")


@sites.command()
@click.argument("name")
@click.option("--to", "version", type=int, help="The version to show (default: the one before).")
def rollback(name: str, version: int | None) -> None:
    """Show an older version again."""
    with connect() as client:
        shown = client.post(f"{ROOT}/{name}/rollback", {"version": version})
    show(shown, lambda answer: click.echo(f"{name} shows version {answer['number']}."))


@sites.command()
@click.argument("name")
@click.option("--keep", type=click.IntRange(1), default=5, show_default=True, help="How many versions stay.")
def prune(name: str, keep: int) -> None:
    """Forget old versions."""
    with connect() as client:
        gone = client.post(f"{ROOT}/{name}/prune", {"keep": keep})
    show(gone, lambda answer: click.echo(f"{len(answer['versions'])} versions are gone."))


@sites.command()
@click.argument("name")
@click.option("--forever", is_flag=True, help="For good: it cannot be brought back.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, *, forever: bool, yes: bool) -> None:
    """Delete a site. `fazt sites restore` brings it back."""
    if forever and not yes:
        click.confirm(f"Delete {name} and all its versions for good?", abort=True)
    with connect() as client:
        client.delete(f"{ROOT}/{name}", params={"forever": json.dumps(forever)})
    hint = "" if forever else f" `fazt sites restore {name}` brings it back."
    show({"deleted": name}, lambda _: click.echo(f"{name} is deleted.{hint}"))


@sites.command()
@click.argument("name")
def restore(name: str) -> None:
    """Bring a deleted site back."""
    with connect() as client:
        site = client.post(f"{ROOT}/{name}/restore")
    show(site, lambda answer: click.echo(f"{answer['url']} is back."))


@sites.command()
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Give a site another name, and so another address."""
    with connect() as client:
        site = client.patch(f"{ROOT}/{name}", {"name": new_name})
    show(site, lambda answer: click.echo(f"{name} is now {answer['url']}."))


@sites.command("set")
@click.argument("name")
@click.option("--spa/--no-spa", default=None, help="Show /index.html where there is no file.")
@click.option("--track/--no-track", default=None, help="Count visits.")
@click.option("--keep", type=click.IntRange(0), help="How many versions stay (0: all).")
def set_options(name: str, *, spa: bool | None, track: bool | None, keep: int | None) -> None:
    """Change the options of a site."""
    changes = {"spa": spa, "track": track, "keep": keep}
    with connect() as client:
        site = client.patch(f"{ROOT}/{name}", {key: value for key, value in changes.items() if value is not None})
    show(site, lambda answer: click.echo(", ".join(f"{key}: {value}" for key, value in answer["options"].items())))


@sites.command()
@click.argument("name")
@click.option("--add", metavar="HOST", help="Show the site there too.")
@click.option("--remove", metavar="HOST", help="No longer show it there.")
def domain(name: str, add: str | None, remove: str | None) -> None:
    """List, add or remove the custom domains of a site."""
    with connect() as client:
        if add:
            client.post(f"{ROOT}/{name}/domains", {"host": add})
        if remove:
            client.delete(f"{ROOT}/{name}/domains/{remove}")
        hosts = client.get(f"{ROOT}/{name}")["domains"]
    show(hosts, lambda answer: click.echo("\n".join(answer) or f"{name} has no domain of its own."))


@sites.command()
@click.argument("name")
@click.option("--off", is_flag=True, help="Ask for no password any more.")
def password(name: str, *, off: bool) -> None:
    """Ask visitors of a site for a password, which is read from the terminal or from standard input."""
    secret = "" if off else read_password()
    with connect() as client:
        client.put(f"{ROOT}/{name}/password", {"password": secret})
    show({"is_protected": not off}, lambda _: click.echo(f"{name} is {'open' if off else 'protected'}."))


def read_password() -> str:
    """Asked for twice at a terminal, else one line. Raises Invalid for an empty one."""
    import sys  # noqa: PLC0415

    if sys.stdin.isatty():
        return str(click.prompt("Password for visitors", hide_input=True, confirmation_prompt=True))
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise Invalid("There is no password on standard input.", hint="--off takes it away.")
    return secret
