"""`fazt tls`: certificates."""

from __future__ import annotations

from typing import Any

import click

from fazt.core.client import connect, show, show_rows
from fazt.core.clock import to_iso

DOCTOR_TIMEOUT_S = 300


@click.group()
def tls() -> None:
    """Certificates: their state, what is wrong, and what to do.

    \b
    fazt serve --domain example.com --listen 0.0.0.0:80 --https-listen 0.0.0.0:443
    fazt tls doctor
    """


@tls.command("list")
def list_hosts() -> None:
    """Every host name, and how it stands with its certificate."""
    with connect() as client:
        status = client.get("/api/v1/tls")
    rows = [
        {**row, "until": to_iso(row["expires_at"])[:10] if row["expires_at"] else None, "says": row["error"] or None}
        for row in status["hosts"]
    ]
    columns = {"host": "Host", "standing": "State", "issuer": "Vouched for by", "until": "Until", "says": "Last error"}
    show_rows(rows, columns, "No host name needs a certificate.")


@tls.command()
@click.argument("host", required=False, default="")
def doctor(host: str) -> None:
    """Look at all that HTTPS needs, and say what is wrong and what to do; ends with 1 where something is.

    \b
    fazt tls doctor
    fazt tls doctor blog.example.com
    """
    with connect() as client:
        found = client.get("/api/v1/tls/doctor", params={"host": host}, timeout=DOCTOR_TIMEOUT_S)
    show(found, tell)
    if not all(one["is_well"] for one in found):
        raise SystemExit(1)


def tell(found: list[dict[str, Any]]) -> None:
    """Findings by what they are about."""
    subject = ""
    for one in found:
        if one["subject"] != subject:
            subject = one["subject"]
            click.secho(subject, bold=True)
        mark = click.style("ok", fg="green") if one["is_well"] else click.style("!!", fg="red", bold=True)
        click.echo(f"  {mark} {one['text']}")
        if one["hint"]:
            click.echo(f"     {one['hint']}")


@tls.command()
@click.argument("host", required=False, default="")
def renew(host: str) -> None:
    """Try what waits again at once; with HOST, renew its certificate before its time."""
    with connect() as client:
        done = client.post("/api/v1/tls/renew", json={"host": host})
    show(done, lambda answer: click.echo(f"The authority is asked again, for {answer['names']} names."))


@tls.command()
def root() -> None:
    """Print the certificate of this cloud's own authority, for devices to trust.

    \b
    fazt tls root > fazt-root.crt
    """
    with connect() as client:
        click.echo(client.request("GET", "/api/v1/tls/root").text, nl=False)


@tls.command("import")
@click.argument("chain", type=click.File())
@click.argument("key", type=click.File())
def bring(chain: Any, key: Any) -> None:
    """Use a certificate from elsewhere: files CHAIN (the host's own first) and KEY, both PEM."""
    with connect() as client:
        kept = client.post("/api/v1/tls/certificates", json={"chain_pem": chain.read(), "key_pem": key.read()})
    show(kept, lambda one: click.echo(f"Certificate {one['id']} for {', '.join(one['names'])} is used from now on."))


@tls.command()
@click.argument("certificate_id", metavar="ID", type=int)
def remove(certificate_id: int) -> None:
    """Forget a certificate and its key."""
    with connect() as client:
        client.delete(f"/api/v1/tls/certificates/{certificate_id}")
    show({"ok": True}, lambda _: click.echo("It is forgotten."))


@tls.command()
def certificates() -> None:
    """The certificates in the file, with their numbers."""
    with connect() as client:
        rows = client.get("/api/v1/tls")["certificates"]
    for row in rows:
        row |= {"for": ", ".join(row["names"]), "until": to_iso(row["not_after"])[:10]}
    columns = {"id": "Id", "for": "Names", "source": "From", "issuer": "Vouched for by", "until": "Until"}
    show_rows(rows, columns, "There is none.")
