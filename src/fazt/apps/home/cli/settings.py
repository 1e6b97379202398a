"""`fazt settings`: what this cloud can be told to do otherwise."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from fazt.core.client import connect, show, show_rows


def path_of(name: str) -> str:
    """The API's address of one setting."""
    return f"/api/v1/settings/{quote(name, safe='')}"


def in_words(view: dict[str, Any]) -> str:
    """A value as `fazt settings set` takes it; of a secret only whether there is one."""
    value = view["value"]
    if view["is_secret"]:
        return "(set)" if view["is_set"] else "(not set)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


@click.group()
def settings() -> None:
    """What this cloud can be told to do otherwise."""


@settings.command("list")
@click.option("--changed", is_flag=True, help="Only those that are not at their default.")
def list_settings(changed: bool) -> None:
    """All settings with their values."""
    with connect() as client:
        rows = [view for view in client.get("/api/v1/settings") if view["is_set"] or not changed]
    for row in rows:
        row["said"] = in_words(row)
    show_rows(rows, {"name": "Name", "said": "Value", "help": "What it does"}, "Nothing was changed.")


@settings.command()
@click.argument("name")
def get(name: str) -> None:
    """Print one value."""
    with connect() as client:
        show(client.get(path_of(name)), lambda view: click.echo(in_words(view)))


@settings.command("set")
@click.argument("name")
@click.argument("value")
def set_value(name: str, value: str) -> None:
    """Choose a value: a number, a text, yes or no, `10 MB`, or `a, b` for a list."""
    with connect() as client:
        show(client.put(path_of(name), {"text": value}), lambda view: click.echo(in_words(view)))


@settings.command()
@click.argument("name")
def reset(name: str) -> None:
    """Choose the default again."""
    with connect() as client:
        client.delete(path_of(name))
        show(client.get(path_of(name)), lambda view: click.echo(in_words(view)))
