"""`fazt turn`: the relay's state, credentials, invitations, and whether clients can reach it."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import click

from fazt.core.client import connect, show, show_rows, wants_json
from fazt.core.errors import Unavailable


@click.group()
def turn() -> None:
    """The relay of video calls: its state, and whether clients can reach it."""


@turn.command()
def status() -> None:
    """Where the relay listens, and what it has done."""
    with connect() as client:
        found = client.get("/api/v1/turn/status")
    show(found, print_status)


def print_status(found: dict[str, Any]) -> None:
    """The status for people."""
    if not found["is_running"]:
        click.echo(f"The relay is not running. {found['problem']}".strip())
        return
    figures = found["figures"]
    click.echo("\n".join(found["uris"]))
    click.echo(f"Peers see {', '.join(found['relays'])}.")
    click.echo(f"{figures['allocations']} allocations now, {figures['streams']} of the clients on TCP or TLS.")
    click.echo(f"{figures['bytes_sent'] + figures['bytes_received']:,} bytes relayed since it started.")


@turn.command()
def credentials() -> None:
    """Username, password and addresses for a client of the relay."""
    with connect() as client:
        found = client.get("/api/v1/turn/credentials")
    show(found, lambda given: click.echo("\n".join([given["username"], given["password"], *given["uris"]])))


@turn.command()
@click.argument("room")
@click.option("--hours", default=24, show_default=True, help="How long the invitation lasts.")
def invite(room: str, hours: int) -> None:
    """Make a link by which anybody may enter a room for a while."""
    with connect() as client:
        made = client.post(f"/api/v1/turn/rooms/{room}/invitations", {"hours": hours})
    show(made, lambda given: click.echo(given["path"]))


@turn.command("test")
@click.option("--insecure", is_flag=True, help="Accept any certificate for turns:.")
def test_relay(*, insecure: bool) -> None:
    """Try from this machine every way to the relay, and say what a firewall blocks."""
    import msgspec  # noqa: PLC0415

    from fazt.apps.turn.engine.probe import probe  # noqa: PLC0415
    from fazt.apps.turn.model import Credentials  # noqa: PLC0415

    with connect() as client:
        given = msgspec.convert(client.get("/api/v1/turn/credentials"), Credentials)
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    findings = []
    for finding in probe(given, context):
        findings.append(finding)
        if not wants_json():
            click.echo(f"{'ok  ' if finding.is_good else 'FAIL'} {finding.what}: {finding.detail}")
            if finding.advice:
                click.echo(f"     {finding.advice}")
    if wants_json():
        show_rows([msgspec.to_builtins(finding) for finding in findings], {}, "")
    if not all(finding.is_good for finding in findings):
        raise Unavailable("Not every way to the relay is open.")


@turn.command(hidden=True)
def relay() -> None:
    """Be the relay: the program starts itself so where it is one frozen file."""
    from fazt.apps.turn.engine.process import main  # noqa: PLC0415

    sys.exit(main())


COMMANDS = (turn,)
