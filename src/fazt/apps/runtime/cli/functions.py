"""`fazt functions …`: state, clock, runs, variables, scopes and limits of sites with code."""

from __future__ import annotations

import sys
from typing import Any

import click

from fazt.core.client import connect, describe_moment, show, show_rows, wants_json
from fazt.core.errors import Invalid

ROOT = "/api/v1/functions"


@click.group()
def functions() -> None:
    """Code of sites: state, cron, variables, limits."""


@functions.command("list")
def list_functions() -> None:
    """List your sites that have code."""
    with connect() as client:
        rows = client.get(ROOT)
    columns = {"site": "Site", "version": "Version", "entry": "Code", "state": "State", "problem": "Problem"}
    show_rows(rows, columns, "No site has code. Deploy a folder with a main.js.")


@functions.command("show")
@click.argument("site")
def show_function(site: str) -> None:
    """Show one site's code: its clock, its events, its scopes."""
    with connect() as client:
        found = client.get(f"{ROOT}/{site}")
    show(found, print_details)


def print_details(found: dict[str, Any]) -> None:
    """A site's functions for people."""
    function = found["function"]
    click.echo(f"{function['site']} version {function['version']}: {function['entry']}, {function['state']}")
    if function["problem"]:
        click.echo(f"problem: {function['problem']}")
    for entry in found["cron"]:
        state = "paused" if entry["is_paused"] else f"next {describe_moment(entry['next_at'])}"
        click.echo(f"cron: {entry['name']} ({entry['timezone']}), {state}")
    for hook in found["events"]:
        click.echo(f"event: {hook['event']} {hook['filter'] or ''}".rstrip())
    for scope in function["asked"]:
        click.echo(f"scope: {scope}, {'granted' if scope in function['granted'] else 'not granted'}")
    click.echo(f"db: {found['kept_bytes']:,} bytes")


@functions.command()
@click.argument("site")
@click.option("--none", "is_none", is_flag=True, help="Take all of them away.")
def grant(site: str, *, is_none: bool) -> None:
    """Allow a site's code the scopes that its fazt.json asks for."""
    with connect() as client:
        asked = client.get(f"{ROOT}/{site}")["function"]["asked"]
        found = client.put(f"{ROOT}/{site}/scopes", {"scopes": [] if is_none else asked})
    show(found, lambda function: click.echo(f"{site} may: {', '.join(function['granted']) or 'nothing'}."))


@functions.command()
@click.argument("site")
@click.argument("limits", nargs=-1, metavar="[NAME=NUMBER]...")
def limit(site: str, limits: tuple[str, ...]) -> None:
    """Set limits for one site, in place of those of the settings; without any, it has none of its own.

    \b
    fazt functions limit shop wall_s=60 memory_mb=256
    """
    chosen = dict(parse_limit(text) for text in limits)
    with connect() as client:
        found = client.put(f"{ROOT}/{site}/limits", chosen)
    show(found, lambda function: click.echo(f"{site}: {function['limits'] or 'as in the settings'}"))


def parse_limit(text: str) -> tuple[str, float]:
    """`wall_s=60`. Raises Invalid."""
    name, _, number = text.partition("=")
    try:
        return name, float(number) if "." in number else int(number)
    except ValueError as error:
        raise Invalid(f"{text!r} is not NAME=NUMBER.", hint="For example wall_s=60.") from error


@functions.command()
@click.argument("site")
@click.option("--dead", is_flag=True, help="Only those that were given up.")
@click.option("--limit", default=20, show_default=True, help="How many.")
def runs(site: str, limit: int, *, dead: bool) -> None:
    """List the runs by the clock and by events, newest first."""
    with connect() as client:
        rows = client.get(f"{ROOT}/{site}/runs", params={"limit": limit, **({"only": "dead"} if dead else {})})
    if not wants_json():
        for row in rows:
            row["at"] = describe_moment(row["run_at"])
            row["error"] = row["error"].partition("\n")[0][:80]
    columns = {"id": "Run", "kind": "By", "name": "Name", "state": "State", "at": "When", "attempts": "Tries"}
    show_rows(rows, columns | {"error": "Error"}, "No runs yet.")


@functions.command()
@click.argument("site")
@click.argument("run", type=int)
def retry(site: str, run: int) -> None:
    """Run one again that was given up, or that waits."""
    with connect() as client:
        client.post(f"{ROOT}/{site}/runs/{run}/retry")
    show({"run": run}, lambda _: click.echo(f"Run {run} is queued."))


@functions.command("run")
@click.argument("site")
@click.argument("entry")
def run_now(site: str, entry: str) -> None:
    """Run a cron entry now, besides its times. ENTRY is its name, as `show` lists it."""
    with connect() as client:
        queued = client.post(f"{ROOT}/{site}/cron/run", {"name": entry})
    show(queued, lambda answer: click.echo(f"Run {answer['run']} is queued."))


@functions.command()
@click.argument("site")
@click.argument("entry")
@click.option("--off", is_flag=True, help="Go on with it.")
def pause(site: str, entry: str, *, off: bool) -> None:
    """Have the clock pass over a cron entry."""
    with connect() as client:
        client.post(f"{ROOT}/{site}/cron/{'resume' if off else 'pause'}", {"name": entry})
    show({"is_paused": not off}, lambda _: click.echo(f"{entry} {'runs again' if off else 'is paused'}."))


@functions.command("env")
@click.argument("site")
@click.argument("name", required=False)
@click.option("--delete", "is_gone", is_flag=True, help="Take the variable away.")
def variables(site: str, name: str | None, *, is_gone: bool) -> None:
    """List the variables of `env`, or set NAME: what it holds is read from the terminal or from standard input."""
    address = f"{ROOT}/{site}/env"
    with connect() as client:
        if name is None:
            show_rows(
                client.get(address), {"name": "Variable"}, "No variables. `fazt functions env SITE NAME` sets one."
            )
            return
        if is_gone:
            client.delete(address, params={"name": name})
        else:
            client.put(address, {"name": name, "value": read_value(name)})
    show({"name": name}, lambda _: click.echo(f"{name} is {'gone' if is_gone else 'set'}."))


def read_value(name: str) -> str:
    """What a variable is to hold: asked for at a terminal, else all of standard input less its last line end."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True))
    return sys.stdin.read().removesuffix("\n")


@functions.command()
@click.option("--output", "-o", type=click.Path(dir_okay=False), default="fazt.d.ts", show_default=True)
def types(output: str) -> None:
    """Write the types of db, fazt, env and the handlers, for editors."""
    from pathlib import Path  # noqa: PLC0415

    from fazt.apps.runtime.wire.declarations import DECLARATIONS  # noqa: PLC0415

    Path(output).write_text(DECLARATIONS)
    click.echo(f'{output}: put `/// <reference path="{output}" />` above your code.')


@functions.command(hidden=True)
@click.argument("order")
def wall(order: str) -> None:
    """Be the wall around a function's process: the program starts itself so where it is one frozen file."""
    from fazt.apps.runtime.engine.wall import main  # noqa: PLC0415

    main(order)
