"""`fazt events`: what happened on this cloud."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from fazt.core.client import connect, wants_json
from fazt.core.clock import to_iso

PAUSE_S = 1.0


@click.command()
@click.option("--prefix", default="", help="Only events whose name begins so, e.g. mail.")
@click.option("--limit", default=20, show_default=True, help="How many of the past.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens next.")
def events(prefix: str, limit: int, follow: bool) -> None:
    """What happened on this cloud, oldest first."""
    with connect() as client:
        rows = client.get("/api/v1/events", params={"prefix": prefix, "limit": limit})
        echo_events(rows)
        newest = rows[0]["id"] if rows else 0
        while follow:
            time.sleep(PAUSE_S)
            rows = client.get("/api/v1/events", params={"prefix": prefix, "after_id": newest, "limit": 500})
            echo_events(rows)
            newest = rows[0]["id"] if rows else newest


def echo_events(rows: list[dict[str, Any]]) -> None:
    """One line each, in the order in which they happened."""
    for row in reversed(rows):
        if wants_json():
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            data = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in row["data"].items())
            click.echo(f"{to_iso(row['at'])}  {row['name']}  {data}")
