"""`fazt kv …`: what a site's code keeps."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from fazt.core.client import connect, show, show_rows, wants_json
from fazt.core.errors import Invalid

ROOT = "/api/v1/functions"


@click.group()
def kv() -> None:
    """What a site's code keeps: get, set, list, delete."""


@kv.command("list")
@click.argument("site")
@click.option("--prefix", default="", help="Only keys that begin so.")
@click.option("--limit", default=100, show_default=True, help="How many.")
def list_keys(site: str, prefix: str, limit: int) -> None:
    """List keys and values, in the order of the keys."""
    with connect() as client:
        rows = client.get(f"{ROOT}/{site}/kv", params={"prefix": prefix, "limit": limit})
    if not wants_json():
        for row in rows:
            row["text"] = json.dumps(row["value"], ensure_ascii=False)[:100]
    show_rows(rows, {"key": "Key", "text": "Value", "version": "Version"}, "Nothing is kept there.")


@kv.command("get")
@click.argument("site")
@click.argument("key")
def get_key(site: str, key: str) -> None:
    """Print the value of a key, as JSON."""
    with connect() as client:
        found = client.get(f"{ROOT}/{site}/kv/entry", params={"key": key})
    show(found, lambda entry: click.echo(json.dumps(entry["value"], ensure_ascii=False, indent=2)))


@kv.command("set")
@click.argument("site")
@click.argument("key")
@click.argument("value", required=False)
@click.option("--ttl", type=float, help="Seconds that it lasts.")
@click.option("--if-version", type=int, help="Only if this is its version (0: only if it does not exist).")
def set_key(site: str, key: str, value: str | None, ttl: float | None, if_version: int | None) -> None:
    """Set a key to a JSON value, from the argument or from standard input."""
    change = {"key": key, "value": parse_value(sys.stdin.read() if value is None else value)}
    with connect() as client:
        done = client.put(f"{ROOT}/{site}/kv/entry", change | {"ttl": ttl, "if_version": if_version})
    show(done, lambda answer: click.echo(f"{key} has version {answer['version']}."))


def parse_value(text: str) -> Any:
    """JSON. Raises Invalid."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid(f"{text[:80]!r} is not JSON.", hint="Text stands in quotes: '\"hello\"'.") from error


@kv.command("delete")
@click.argument("site")
@click.argument("key")
def delete_key(site: str, key: str) -> None:
    """Delete a key."""
    with connect() as client:
        client.delete(f"{ROOT}/{site}/kv/entry", params={"key": key})
    show({"deleted": key}, lambda _: click.echo(f"{key} is deleted."))
