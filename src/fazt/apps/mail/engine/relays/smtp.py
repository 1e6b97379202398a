"""SMTP to a relay: one connection a message, and it is known at each moment whether the relay can have it."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import suppress

import aiosmtplib
from aiosmtplib import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from fazt.apps.mail.engine.relays.trouble import Refused, Trouble
from fazt.apps.mail.model.outgoing import Handed, RelayUrl
from fazt.core.config import LOOPBACK_NAMES

TIMEOUT_S = 60.0
DATA_TIMEOUT_S = 300.0


def tls_of(url: RelayUrl) -> tuple[bool, bool | None]:
    """(TLS from the first byte, STARTTLS: demanded, or only where it is offered)."""
    wanted = "on" if url.scheme == "smtps" else url.options.get("tls", "")
    if wanted == "on":
        return True, False
    if wanted == "off":
        return False, False
    is_here = url.host in LOOPBACK_NAMES
    return False, None if is_here and wanted != "starttls" else True


def context_of(url: RelayUrl) -> ssl.SSLContext:
    """Certificates are checked, unless `verify=no` is asked for."""
    context = ssl.create_default_context()
    if url.options.get("verify") == "no":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def hand_to_smtp(url: RelayUrl, mail_from: str, recipients: Sequence[str], data: bytes, hostname: str) -> Handed:
    """Give the message to an SMTP server. Raises Trouble and Refused."""
    use_tls, start_tls = tls_of(url)
    client = aiosmtplib.SMTP(
        hostname=url.host,
        port=url.port,
        local_hostname=hostname,
        timeout=TIMEOUT_S,
        use_tls=use_tls,
        start_tls=start_tls,
        tls_context=context_of(url) if use_tls or start_tls is not False else None,
        username=url.user or None,
        password=url.password or None,
    )
    try:
        await client.connect()
        return await transact(client, mail_from, recipients, data)
    except (SMTPException, OSError, ssl.SSLError, ValueError) as error:
        raise Trouble(f"{url.name}: {describe(error)}") from error
    finally:
        client.close()


async def transact(client: aiosmtplib.SMTP, mail_from: str, recipients: Sequence[str], data: bytes) -> Handed:
    """MAIL, RCPT and DATA. Raises Trouble, Refused, and what aiosmtplib raises before DATA."""
    options = mail_options(client, mail_from, recipients, data)
    try:
        await client.mail(mail_from, options=options, encoding="utf-8")
    except SMTPSenderRefused as error:
        raise Trouble(f"The relay does not take {mail_from or '<>'}: {describe(error)}") from error
    refused: dict[str, str] = {}
    deferred: dict[str, str] = {}
    taken = []
    for recipient in recipients:
        try:
            await client.rcpt(recipient, encoding="utf-8")
            taken.append(recipient)
        except SMTPRecipientRefused as error:
            (refused if error.code >= 500 else deferred)[recipient] = describe(error)
    if not taken:
        await client.quit()
        return Handed("", refused, deferred)
    answer = await send_data(client, data)
    return Handed(answer, refused, deferred)


async def send_data(client: aiosmtplib.SMTP, data: bytes) -> str:
    """The message itself; what the relay said. From here on a lost answer means that nobody knows."""
    try:
        answer = await client.data(data, timeout=DATA_TIMEOUT_S)
    except SMTPDataError as error:
        if error.code >= 500:
            raise Refused(describe(error)) from error
        raise Trouble(describe(error)) from error
    except (SMTPException, OSError) as error:
        raise Trouble(f"The answer was lost: {describe(error)}", is_unsure=True) from error
    with suppress(SMTPException, OSError):  # the message is in its hands; how it says goodbye changes nothing
        await client.quit()
    return answer.message.replace("\n", " ")[:200]


def mail_options(client: aiosmtplib.SMTP, mail_from: str, recipients: Sequence[str], data: bytes) -> list[str]:
    """Extensions to ask for. Raises Refused where an address needs one that the relay lacks."""
    options = []
    if client.supports_extension("size"):
        options.append(f"SIZE={len(data)}")
    if not data.isascii() and client.supports_extension("8bitmime"):
        options.append("BODY=8BITMIME")
    if not all(address.isascii() for address in (mail_from, *recipients)):
        if not client.supports_extension("smtputf8"):
            raise Refused("The relay cannot take addresses with letters beyond ASCII.")
        options.append("SMTPUTF8")
    return options


def describe(error: Exception) -> str:
    """One line for people."""
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}".replace("\n", " ")[:300]
    return (str(error) or type(error).__name__).replace("\n", " ")[:300]
