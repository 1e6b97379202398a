"""`fazt user`: the owner and the members."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click

from fazt.core.client import connect, show, show_rows

PASSWORD = click.option(
    "--password", metavar="TEXT", help="The password; without it you are asked, or it is read from a pipe."
)


def ask_password(given: str | None) -> str:
    """The password as given, typed twice, or the first line of a pipe."""
    if given is not None:
        return given
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def path_of(who: str, rest: str = "") -> str:
    """The API's address of one person."""
    return f"/api/v1/users/{quote(who, safe='')}{rest}"


@click.group()
def user() -> None:
    """People: the owner and the members."""


@user.command("list")
def list_people() -> None:
    """Everybody who has an account."""
    with connect() as client:
        rows = client.get("/api/v1/users")
    for row in rows:
        row["state"] = "suspended" if row["suspended_at"] else ""
    columns = {"email": "E-mail", "handle": "Short name", "name": "Name", "role": "Role", "state": ""}
    show_rows(rows, columns, "Nobody has an account yet.")


@user.command()
@click.argument("email")
@click.option("--name", default="", help="Their name.")
@click.option("--handle", default="", help="A short name to log in with.")
@PASSWORD
def add(email: str, name: str, handle: str, password: str | None) -> None:
    """Add a member with a password; `fazt user invite` lets them choose it."""
    body = {"email": email, "name": name, "handle": handle, "password": ask_password(password)}
    with connect() as client:
        made = client.post("/api/v1/users", body)
    show(made, lambda one: click.echo(f"Added {one['email']}. They log in as {one['handle']} or with the e-mail."))


@user.command()
@click.argument("email", default="")
@click.option("--name", default="", help="Their name.")
def invite(email: str, name: str) -> None:
    """Print a link by which one person becomes a member."""
    with connect() as client:
        show(client.post("/api/v1/invitations", {"email": email, "name": name}), echo_url)


@user.command("password")
@click.argument("who")
@PASSWORD
def give_password(who: str, password: str | None) -> None:
    """Set somebody's password; their devices are logged out."""
    body = {"password": ask_password(password)}
    with connect() as client:
        client.put(path_of(who, "/password"), body)
    show({"ok": True}, lambda _: click.echo("The password is set, and their devices are logged out."))


@user.command()
@click.argument("who")
def reset(who: str) -> None:
    """Print a link by which somebody sets a new password."""
    with connect() as client:
        show(client.post(path_of(who, "/reset")), echo_url)


@user.command()
@click.argument("who")
def suspend(who: str) -> None:
    """Close all doors to a member."""
    with connect() as client:
        client.post(path_of(who, "/suspend"))
    show({"ok": True}, lambda _: click.echo("Suspended: every login and token of theirs has ended."))


@user.command()
@click.argument("who")
def resume(who: str) -> None:
    """Open the doors again."""
    with connect() as client:
        client.post(path_of(who, "/resume"))
    show({"ok": True}, lambda _: click.echo("They may log in again."))


@user.command()
@click.argument("who")
@click.confirmation_option(prompt="Delete this person for good?")
def delete(who: str) -> None:
    """Forget a member."""
    with connect() as client:
        client.delete(path_of(who))
    show({"ok": True}, lambda _: click.echo("That person is gone from this cloud."))


def echo_url(link: dict[str, Any]) -> None:
    """Only the link, so that it can be piped."""
    click.echo(link["url"])
