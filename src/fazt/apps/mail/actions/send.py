"""Sending: from a draft, a form, a program or a function; always through the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from fazt.apps.mail.actions.receive import max_bytes, read_facts, store_bytes, store_stream
from fazt.apps.mail.engine.desk import get_desk, own_domains
from fazt.apps.mail.model.addresses import find_address, parse_address
from fazt.apps.mail.model.message import Stored
from fazt.apps.mail.model.outgoing import Draft, split_recipients
from fazt.apps.mail.store.addresses import may_write_as, own_names
from fazt.apps.mail.store.relays import find_key, put_key
from fazt.apps.mail.store.sending import Sent, send_out
from fazt.apps.mail.wire.compose import compose, new_message_id, with_crlf, without_headers
from fazt.apps.mail.wire.mime import WHOLE_BYTES, parse, read_addresses, values_of
from fazt.core.clock import to_datetime
from fazt.core.errors import Forbidden, Invalid
from fazt.core.ids import new_secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fazt.core import Core
    from fazt.core.auth import Caller

HIDDEN = frozenset({b"bcc", b"return-path", b"x-postmark-server-token"})
SCOPE = "mail:send"


async def own_addresses(core: Core, caller: Caller) -> list[str]:
    """The addresses that somebody may write from, their own first."""
    names = await core.db.read(own_names, caller.user_id)
    return [f"{name}@{domain}" for domain in own_domains(core) for name in names]


async def send(core: Core, caller: Caller, draft: Draft, *, source: str) -> Sent:
    """Send a draft; an empty sender is the caller's own address. Raises Invalid, Forbidden, TooLarge."""
    caller.check(SCOPE)
    domain = own_domains(core)[0]
    sender = draft.sender.strip() or f"{caller.name} <{caller.handle}@{domain}>"
    bare = parse_address(sender.rpartition("<")[2].partition(">")[0] if "<" in sender else sender)
    recipients = [str(address) for address in split_recipients((*draft.to, *draft.cc, *draft.bcc))]
    message_id = new_message_id(new_secret(), str(bare))
    made = Draft(**{name: getattr(draft, name) for name in draft.__struct_fields__} | {"sender": sender})
    data = await asyncio.to_thread(compose, made, message_id, core.clock())
    return await submit(core, caller, str(bare), recipients, data, source=source)


async def submit(
    core: Core, caller: Caller, mail_from: str, recipients: Sequence[str], data: bytes, *, source: str
) -> Sent:
    """Send a message that is written already. Raises Invalid, Forbidden for a sender that is not theirs, TooLarge."""
    caller.check(SCOPE)
    data = await asyncio.to_thread(complete, data, mail_from, core.clock())
    await check_senders(core, caller, mail_from, data)
    stored = await store(core, data)
    facts = await read_facts(stored, core.clock())
    people = [str(address) for address in split_recipients(tuple(recipients))]
    await ensure_key(core, mail_from.rpartition("@")[2].lower() or own_domains(core)[0])
    return await core.db.write(
        send_out,
        user_id=caller.user_id,
        mail_from=mail_from,
        recipients=people,
        facts=facts,
        stored=stored,
        source=source,
        policy=get_desk(core).policy,
        now=core.clock(),
    )


async def store(core: Core, data: bytes) -> Stored:
    """The bytes, in the same transaction where they are small, else as a blob. Raises TooLarge."""
    limit = max_bytes(core)
    if len(data) <= WHOLE_BYTES:
        core.db.check_room(len(data))
        return store_bytes(data, limit)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 65_536):
            yield data[at : at + 65_536]

    return await store_stream(core, pieces(), limit)


async def check_senders(core: Core, caller: Caller, mail_from: str, data: bytes) -> None:
    """Raises Forbidden where the envelope or From names an address that is not the caller's."""
    written = [address for _, address in read_addresses(values_of(parse(data[:65_536]), "from"))]
    if not written:
        raise Invalid("The message has no From header with an address.")
    for text in [*written, *([mail_from] if mail_from else [])]:
        address = find_address(text)
        if address is None or not await core.db.read(may_write_as, caller.user_id, address, own_domains(core)):
            raise Forbidden(f"You may not write as {text}.", hint="Use one of your own addresses here.")


def complete(data: bytes, mail_from: str, now: int) -> bytes:
    """CR LF everywhere, no blind copies, and what RFC 6409 lets a server add: Message-ID and Date."""
    from email.utils import format_datetime  # noqa: PLC0415

    message = without_headers(with_crlf(data), HIDDEN)
    if b"\r\n\r\n" not in message:
        message += b"\r\n" if message.endswith(b"\r\n") else b"\r\n\r\n"
    names = {line.partition(b":")[0].strip().lower() for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    added = b""
    if b"message-id" not in names:
        added += f"Message-ID: <{new_message_id(new_secret(), mail_from)}>\r\n".encode()
    if b"date" not in names:
        added += f"Date: {format_datetime(to_datetime(now))}\r\n".encode()
    return added + message


async def ensure_key(core: Core, domain: str) -> None:
    """Make the key that signs for one of our domains, where there is none yet."""
    if domain in own_domains(core) and await core.db.read(find_key, domain) is None:
        private = await asyncio.to_thread(new_private_key)
        await core.db.write(keep_key, domain, private, now=core.clock())


def keep_key(conn: Connection, domain: str, private: str, *, now: int) -> None:
    """Keep a new key under a selector of this month."""
    put_key(conn, domain, f"fazt{to_datetime(now):%Y%m}", private, now=now)


def new_private_key() -> str:
    """An RSA key of 2048 bits, as PEM."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def public_record(private_key: str) -> str:
    """The TXT record that belongs to a key."""
    import base64  # noqa: PLC0415

    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    public = load_pem_private_key(private_key.encode(), None).public_key()
    packed = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(packed).decode()}"
