"""`fazt pub` and `fazt sub`: publish and listen from the command line."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import quote

import click

from fazt.core.client import Client, connect, wants_json
from fazt.core.errors import Invalid, Unavailable

RETRY_S = 1.0
SILENCE_S = 150.0


class Printer:
    """Prints messages, and knows where it is."""

    def __init__(self, count: int, *, is_body: bool) -> None:
        self.count = count
        self.is_body = is_body
        self.printed = 0
        self.position: int | None = None
        self.is_open = False

    @property
    def is_done(self) -> bool:
        """Whether as many were printed as were asked for."""
        return bool(self.count) and self.printed >= self.count

    def take(self, line: str) -> None:
        """One line of the stream. Raises Invalid where the server ended it."""
        said = json.loads(line)
        match said["event"]:
            case "message":
                self._print(said, line)
            case "gap":
                click.echo("Some messages are gone already.", err=True)
            case "slow":
                click.echo(f"Too slow: {said.get('dropped', 0)} messages were given up.", err=True)
            case "closed":
                raise Invalid(said.get("reason") or "The server ended the stream.")

    def _print(self, said: dict[str, Any], line: str) -> None:
        self.printed += 1
        self.position = said.get("seq", self.position)
        data = said["data"] if isinstance(said["data"], str) else json.dumps(said["data"], ensure_ascii=False)
        if wants_json():
            click.echo(line)
        elif self.is_body:
            click.echo(data)
        else:
            title = f"{said['title']}: " if said.get("title") else ""
            click.echo(f"{click.style(said['at'], dim=True)} {click.style(said['topic'], bold=True)} {title}{data}")
        sys.stdout.flush()


@click.command("pub")
@click.argument("topic")
@click.argument("message")
@click.option("--json", "is_json", is_flag=True, help="The message is JSON, not text.")
@click.option("--title", help="A title, for those who show the message.")
@click.option("--priority", help="1 to 5, or min, low, default, high, max.")
@click.option("--tags", help="Words with commas between them.")
@click.option("--retain", is_flag=True, help="Keep it as the topic's last value.")
@click.option("--ttl", metavar="SPAN", help="Gone after this time, such as 90s or 2d.")
@click.option("--key", help="Sent again with the same key, it counts once.")
def publish(topic: str, message: str, is_json: bool, **options: Any) -> None:
    """Publish MESSAGE on TOPIC; - reads it from standard input.

    \b
    fazt pub home/temp 21.5
    fazt pub home/door open --title 'Front door' --priority high
    """
    data = sys.stdin.buffer.read() if message == "-" else message.encode()
    asked = {name: "1" if value is True else value for name, value in options.items() if value}
    headers = {"content-type": "application/json" if is_json else "text/plain"}
    with connect() as client:
        said = client.request("POST", f"/hub/{quote(topic)}", content=data, params=asked, headers=headers).json()
    if wants_json():
        click.echo(json.dumps(said))
    else:
        click.echo(f"{said['topic']} {said.get('seq', '')}".rstrip())


@click.command("sub")
@click.argument("topics", nargs=-1, required=True)
@click.option("--since", default="", help="all, latest, a number, an id, a span such as 10m, or a time in seconds.")
@click.option("--last", type=int, help="Begin with the last few.")
@click.option("--count", type=int, default=0, help="End after so many messages.")
@click.option("--once", is_flag=True, help="Only what there is, then end.")
@click.option("--body", is_flag=True, help="Print bodies only.")
def subscribe(topics: tuple[str, ...], since: str, last: int | None, count: int, once: bool, body: bool) -> None:
    """Print what is published on TOPICS, which may have wildcards.

    \b
    fazt sub home/temp
    fazt sub 'home/#' --since 10m
    """
    asked: dict[str, Any] = {"topics": ",".join(topics)}
    if since or once:
        asked["since"] = since or "all"
    if last is not None:
        asked["last"] = last
    if once:
        asked["poll"] = 1
    printer = Printer(count, is_body=body)
    with connect() as client:
        while not printer.is_done:
            try:
                listen(client, asked, printer)
            except Unavailable as error:
                if printer.position is None and not printer.is_open:
                    raise
                click.echo(f"{error.message} Trying again.", err=True)
            if once:
                return
            if not printer.is_done:
                go_on(asked, printer)


def go_on(asked: dict[str, Any], printer: Printer) -> None:
    """Come again, behind what was printed last."""
    import time  # noqa: PLC0415

    time.sleep(RETRY_S)
    if printer.position is not None:
        asked.pop("last", None)
        asked["since"] = str(printer.position)


def listen(client: Client, asked: dict[str, Any], printer: Printer) -> None:
    """One connection. Raises Unavailable when it ends too early."""
    import httpx  # noqa: PLC0415

    from fazt.core.client import to_error  # noqa: PLC0415

    timeout = httpx.Timeout(10.0, read=SILENCE_S)
    try:
        with client.http.stream("GET", "/hub/json", params=asked, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise to_error(answer)
            printer.is_open = True
            for line in answer.iter_lines():
                printer.take(line)
                if printer.is_done:
                    return
    except httpx.HTTPError as error:
        raise Unavailable(f"The connection is lost: {error}.") from error


COMMANDS = (publish, subscribe)
