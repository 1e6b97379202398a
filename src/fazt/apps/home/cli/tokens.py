"""`fazt token`: tokens and app passwords."""

from __future__ import annotations

import click

from fazt.core.client import connect, describe_moment, show, show_rows


@click.group()
def token() -> None:
    """Tokens and app passwords."""


@token.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do, e.g. drive:rw; repeatable.")
@click.option("--all", "everything", is_flag=True, help="It may do everything that you may do.")
@click.option("--app", is_flag=True, help="An app password, for clients that ask for a name and a password.")
@click.option("--days", type=int, help="It ends after so many days.")
def create(name: str, scopes: tuple[str, ...], everything: bool, app: bool, days: int | None) -> None:
    """Make one and print it: only the token, this once."""
    if bool(scopes) == everything:
        raise click.UsageError("Say what it may do with --scope (again for more), or --all.")
    body = {"name": name, "scopes": list(scopes) or None, "kind": "app" if app else "token", "days": days}
    with connect() as client:
        show(client.post("/api/v1/tokens", body), lambda made: click.echo(made["secret"]))


@token.command("list")
def list_tokens() -> None:
    """Those that are there, without their secrets."""
    with connect() as client:
        rows = client.get("/api/v1/tokens")
    for row in rows:
        row["may"] = "everything" if row["scopes"] is None else " ".join(sorted(row["scopes"]))
        row["used"] = describe_moment(row["used_at"])
        row["ends"] = describe_moment(row["expires_at"])
    columns = {"id": "Id", "name": "Name", "kind": "Kind", "may": "May", "used": "Last used", "ends": "Ends"}
    show_rows(rows, columns, "There are none.")


@token.command()
@click.argument("token_id", metavar="ID")
def delete(token_id: str) -> None:
    """End one."""
    with connect() as client:
        client.delete(f"/api/v1/tokens/{token_id}")
    show({"ok": True}, lambda _: click.echo("It no longer opens anything."))
