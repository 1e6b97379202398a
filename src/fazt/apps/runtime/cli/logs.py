"""`fazt logs SITE -f`: what a site's code says."""

from __future__ import annotations

import json
from typing import Any

import click

from fazt.core.client import as_plain_text, connect, wants_json

WAIT_S = 20


@click.command()
@click.argument("site")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
@click.option("--lines", "-n", default=50, show_default=True, help="How many lines to begin with.")
@click.option("--run", default="", help="Only of one run or request.")
def logs(site: str, lines: int, run: str, *, follow: bool) -> None:
    """Print a site's log."""
    address = f"/api/v1/functions/{site}/logs"
    with connect() as client:
        found = client.get(address, params={"limit": lines, "run": run})
        print_lines(found)
        last = found[-1]["id"] if found else 0
        while follow:
            found = client.get(address, params={"after": last, "run": run, "wait": WAIT_S})
            print_lines(found)
            last = found[-1]["id"] if found else last


def print_lines(found: list[dict[str, Any]]) -> None:
    """Lines as they come, each with its time and level."""
    from fazt.core.clock import to_iso  # noqa: PLC0415

    for line in found:
        if wants_json():
            click.echo(json.dumps(line, ensure_ascii=False))
            continue
        mark = {"error": "ERROR ", "warn": "WARN  "}.get(line["level"], "")
        first, *others = line["text"].splitlines() or [""]
        click.echo(as_plain_text(f"{to_iso(line['at'])} {mark}{first}"))
        for other in others:
            click.echo(as_plain_text(other))
