"""Submission (RFC 6409): programs and mail clients of the people here send through this port, after AUTH."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import MISSING, AuthResult, LoginPassword

from fazt.apps.mail.actions import receive
from fazt.apps.mail.actions.send import submit
from fazt.apps.mail.model.addresses import find_address
from fazt.apps.mail.server.session import NULL, Session, to_reply
from fazt.apps.mail.server.tls import Certificates
from fazt.core.config import LOOPBACK_NAMES
from fazt.core.errors import FaztError, Forbidden

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


class Submission:
    """The listener of `mail.submission_listen`. One for each connection."""

    needs_login = True
    takes_bare_lines = True  # programs of the people here, e.g. smtplib given bytes

    def __init__(self, core: Core, certificates: Certificates) -> None:
        self.core = core
        self.caller: Caller | None = None
        self.max_bytes = receive.max_bytes(core)
        self.tls = certificates.context()
        host = core.settings.get("mail.submission_listen").rpartition(":")[0].strip("[]")
        self.login_needs_tls = host not in LOOPBACK_NAMES

    def __dir__(self) -> list[str]:
        """See Session."""
        return []

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it so
        self, server: Session, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Who says to be there."""
        session.host_name = hostname
        return await server.ehlo_lines(responses)

    async def auth_PLAIN(self, server: Session, arguments: list[str]) -> AuthResult:  # noqa: N802 - found by name
        """RFC 4616, with or without an initial response."""
        if len(arguments) == 2:
            packed = decode(arguments[1])
        else:
            answer = await server.challenge_auth("")
            packed = None if answer is MISSING else answer
        if packed is None:
            return AuthResult(success=False, handled=len(arguments) == 1)
        pieces = packed.split(b"\0")
        if len(pieces) != 3:
            return AuthResult(success=False, message="501 5.5.2 That is no PLAIN response", handled=False)
        return await self._log_in(server, pieces[1], pieces[2])

    async def auth_LOGIN(self, server: Session, arguments: list[str]) -> AuthResult:  # noqa: N802 - found by name
        """What Outlook and many programs speak."""
        login = decode(arguments[1]) if len(arguments) == 2 else await server.challenge_auth("Username:")
        if login is MISSING or login is None:
            return AuthResult(success=False, handled=login is MISSING)
        password = await server.challenge_auth("Password:")
        if password is MISSING:
            return AuthResult(success=False)
        return await self._log_in(server, login, password)

    async def _log_in(self, server: Session, login: Any, password: Any) -> AuthResult:
        name, secret = bytes(login).decode("utf-8", "replace"), bytes(password).decode("utf-8", "replace")
        try:
            caller = await self.core.auth.identify_basic(name, secret, server.address, self.core.clock())
            if caller is not None:
                caller.check("mail:send")
        except Forbidden as error:
            return AuthResult(success=False, handled=False, message=f"535 5.7.8 {error.message}")
        except FaztError as error:
            return AuthResult(success=False, handled=False, message=f"454 4.7.0 {error.message}")
        self.caller = caller
        return AuthResult(success=caller is not None, handled=False, auth_data=LoginPassword(login, b""))

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self, _server: Session, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Who has logged in."""
        if self.caller is None:
            return "530 5.7.0 Log in first"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: Session, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Anybody, anywhere."""
        if len(envelope.rcpt_tos) >= self.core.settings.get("mail.max_recipients"):
            return "452 4.5.3 Too many recipients"
        if find_address(address) is None:
            return "553 5.1.3 That is no address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def take(self, session: Session, stream: AsyncIterator[bytes]) -> str:
        """The message goes into the queue."""
        assert session.envelope is not None
        assert self.caller is not None
        pieces, size = [], 0
        async for piece in stream:
            size += len(piece)
            receive.check_size(size, self.max_bytes)
            pieces.append(piece)
        mail_from = session.envelope.mail_from or ""
        try:
            queued = await submit(
                self.core,
                self.caller,
                "" if mail_from == NULL else mail_from,
                session.envelope.rcpt_tos,
                b"".join(pieces),
                source="submission",
            )
        except FaztError as error:
            return to_reply(error)
        return f"250 2.0.0 OK: queued as {queued.id}"


def decode(text: str) -> bytes | None:
    """Base64 of an initial response; `=` is an empty one."""
    try:
        return b"" if text == "=" else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
