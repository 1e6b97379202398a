"""`fazt mail`: send, list, show; is the domain set up."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import click

from fazt.core.client import as_plain_text, connect, describe_moment, show, show_rows, wants_json
from fazt.core.errors import Unavailable

API = "/api/v1/mail"


@click.group()
def mail() -> None:
    """Send, list and show mail; check that the domain is set up for it."""


@mail.command("send")
@click.argument("to", nargs=-1, required=True)
@click.option("--subject", "-s", default="", help="What it is about.")
@click.option("--text", "-t", help="The message; without it, what comes on standard input.")
@click.option("--html", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with HTML.")
@click.option("--from", "sender", default="", help="One of your addresses; by default your own.")
@click.option("--cc", multiple=True, help="Copy to; as often as needed.")
@click.option("--bcc", multiple=True, help="Blind copy to; as often as needed.")
@click.option(
    "--attach",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to send along.",
)
def send_mail(
    to: tuple[str, ...],
    subject: str,
    text: str | None,
    html: Path | None,
    sender: str,
    cc: tuple[str, ...],
    bcc: tuple[str, ...],
    attach: tuple[Path, ...],
) -> None:
    """Send a message TO one or more addresses."""
    import mimetypes  # noqa: PLC0415

    body: dict[str, Any] = {"to": list(to), "cc": list(cc), "bcc": list(bcc), "subject": subject, "sender": sender}
    body["text"] = text if text is not None else "" if html else sys.stdin.read()
    body["html"] = html.read_text() if html else ""
    body["attachments"] = [
        {
            "name": path.name,
            "content": base64.b64encode(path.read_bytes()).decode(),
            "content_type": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        }
        for path in attach
    ]
    with connect() as client:
        sent = client.post(f"{API}/messages", body)
    show(sent, lambda found: click.echo(found["id"] or found["message_id"]))


@mail.command("list")
@click.option("--view", default="inbox", show_default=True, help="inbox, starred, sent, archive, junk, trash, all.")
@click.option("--search", "-q", default="", help="Only messages with these words.")
@click.option("--unread", is_flag=True, help="Only what nobody has read.")
@click.option("--limit", default=30, show_default=True, help="How many.")
def list_mail(view: str, search: str, unread: bool, limit: int) -> None:
    """List messages, the newest first."""
    asked = {"view": view, "q": search, "unread": str(unread).lower(), "limit": str(limit)}
    with connect() as client:
        found = client.get(f"{API}/messages", params=asked)
    if wants_json():
        show(found)
        return
    rows = [
        {
            "id": one["id"],
            "new": "" if one["is_read"] else "*",
            "at": describe_moment(one["received_at"]),
            "from": one["from_name"] or one["from_address"],
            "subject": one["subject"],
        }
        for one in found
    ]
    columns = {"id": "ID", "new": "New", "at": "Received", "from": "From", "subject": "Subject"}
    show_rows(rows, columns, "There is nothing.")


@mail.command("show")
@click.argument("message")
@click.option("--raw", is_flag=True, help="Byte for byte, as it came.")
def show_mail(message: str, raw: bool) -> None:
    """Show one MESSAGE by its ID."""
    with connect() as client:
        if raw:
            sys.stdout.buffer.write(client.request("GET", f"{API}/messages/{message}/raw").content)
            return
        found = client.get(f"{API}/messages/{message}")
    show(found, print_message)


def print_message(found: dict[str, Any]) -> None:
    """A message for people."""
    message = found["message"]
    click.echo(as_plain_text(f"From:     {message['from_name']} <{message['from_address']}>"))
    click.echo(as_plain_text(f"To:       {', '.join(found['to'])}"))
    click.echo(as_plain_text(f"Date:     {describe_moment(message['received_at'])}"))
    click.echo(as_plain_text(f"Subject:  {message['subject']}"))
    verdicts = message["verdicts"]
    said = ", ".join(f"{name} {verdicts[name]}" for name in ("spf", "dkim", "dmarc", "arc") if verdicts.get(name))
    click.echo(f"Verdicts: {said or 'not checked'}")
    for part in found["parts"]:
        if part["name"]:
            said = f"File {part['n']}:   {part['name']} ({part['content_type']}, {part['size']:,} bytes)"
            click.echo(as_plain_text(said))
    click.echo("")
    for line in (found["text"] or "(only HTML; --raw shows all of it)").splitlines():
        click.echo(as_plain_text(line.expandtabs()))


@mail.command("doctor")
def doctor() -> None:
    """Check the records and ports that mail needs, and say what to set."""
    with connect() as client:
        found = client.get(f"{API}/doctor")
    show(found, print_findings)
    if any(finding["state"] == "bad" for finding in found):
        raise Unavailable("Mail is not set up yet; what to do stands above.")


def print_findings(found: list[dict[str, Any]]) -> None:
    """The findings for people."""
    marks = {"good": "ok  ", "warn": "note", "bad": "FIX "}
    for finding in found:
        click.echo(f"{marks[finding['state']]} {finding['what']}: {finding['says']}")
        if finding["advice"]:
            click.echo(f"     {finding['advice']}")
        if finding["record"]:
            click.echo(f"     {finding['record']}")


@mail.group("relay")
def relay() -> None:
    """The chain of relays that mail leaves through."""


@relay.command("add")
@click.argument("url")
@click.option("--per-minute", default=0, help="At most so many messages a minute; 0: no limit.")
def add_relay(url: str, per_minute: int) -> None:
    """Add a relay: smtp://user:password@host:587, postmark://TOKEN@ or ses://KEY:SECRET@REGION."""
    with connect() as client:
        made = client.post(f"{API}/relays", {"url": url, "per_minute": per_minute})
    show(made, lambda found: click.echo(found["id"]))


@relay.command("list")
def list_relays() -> None:
    """List the relays, first the one that is asked first."""
    with connect() as client:
        found = client.get(f"{API}/relays")
    columns = {"id": "ID", "name": "Relay", "user": "User", "per_minute": "A minute", "error": "Last trouble"}
    show_rows(found, columns, "There is no relay; add one: fazt mail relay add URL")


@relay.command("remove")
@click.argument("relay_id")
def remove_relay(relay_id: str) -> None:
    """Take a relay out of the chain."""
    with connect() as client:
        client.delete(f"{API}/relays/{relay_id}")


@mail.group("rule")
def rule() -> None:
    """What is done with mail as it comes."""


@rule.command("add")
@click.argument("name")
@click.option("--to", "recipient", help="Only mail for this address; * stands for anything.")
@click.option("--from", "sender", help="Only mail from this address; * stands for anything.")
@click.option("--subject", help="Only mail whose subject is like this; * stands for anything.")
@click.option("--do", "actions", multiple=True, required=True, metavar="KIND[:VALUE]", help="E.g. function:SITE, star.")
@click.option("--go-on", is_flag=True, help="Ask the rules behind it, too.")
def add_rule(
    name: str, recipient: str | None, sender: str | None, subject: str | None, actions: tuple[str, ...], *, go_on: bool
) -> None:
    """Add a rule behind the others: mail that fits is kept, passed on, or refused."""
    wanted = {"recipient": recipient, "sender": sender, "subject": subject}
    conditions = [{"field": field, "test": "like", "value": value} for field, value in wanted.items() if value]
    todo = [{"kind": kind, "value": value} for kind, _, value in (action.partition(":") for action in actions)]
    body = {"name": name, "conditions": conditions, "actions": todo, "stop": not go_on}
    with connect() as client:
        made = client.post(f"{API}/rules", body)
    show(made, lambda found: click.echo(found["id"]))


@rule.command("list")
def list_rules() -> None:
    """List the rules in their order."""
    with connect() as client:
        found = client.get(f"{API}/rules")
    rows = [
        {
            "id": one["id"],
            "name": one["name"],
            "if": ", ".join(f"{c['field']} {c['test']} {c['value']}" for c in one["conditions"]) or "always",
            "do": ", ".join(f"{a['kind']}:{a['value']}" if a["value"] else a["kind"] for a in one["actions"]),
            "hits": one["hits"],
        }
        for one in found
    ]
    columns = {"id": "ID", "name": "Rule", "if": "If", "do": "Do", "hits": "Hits"}
    show_rows(found if wants_json() else rows, columns, "There is no rule.")


@rule.command("delete")
@click.argument("rule_id")
def delete_rule(rule_id: str) -> None:
    """Take a rule away."""
    with connect() as client:
        client.delete(f"{API}/rules/{rule_id}")


COMMANDS = (mail,)
