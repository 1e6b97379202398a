"""The SMTP listeners, and the queue: what lives as long as the program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fazt.apps.mail.engine.desk import get_desk
from fazt.apps.mail.engine.sender import Sender
from fazt.apps.mail.server.tls import Certificates
from fazt.core.config import Address, parse_address
from fazt.core.errors import Unavailable
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.apps.mail.server.session import Handler, Session
    from fazt.core import Core

BACKLOG = 256

log = get_logger(__name__)


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Mail is taken and sent inside this block."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd logs every line that is said
    async with AsyncExitStack() as stack:
        desk = get_desk(core)
        stack.callback(desk.close)
        await stack.enter_async_context(Sender(core).run())
        certificates = Certificates(core)
        if core.config.smtp_listen is not None:
            from fazt.apps.mail.server.inbound import Inbound  # noqa: PLC0415 - aiosmtpd, only where it listens

            await listen(core, core.config.smtp_listen, lambda: Inbound(core, certificates), stack)
        submission = core.settings.get("mail.submission_listen")
        if submission:
            from fazt.apps.mail.server.submission import Submission  # noqa: PLC0415 - as above

            address = parse_address(submission, "mail.submission_listen")
            await listen(core, address, lambda: Submission(core, certificates), stack)
        yield


async def listen(core: Core, address: Address, make: Callable[[], Handler], stack: AsyncExitStack) -> None:
    """Open one listener. Raises Unavailable where the port is taken."""
    from fazt.apps.mail.server.session import Session  # noqa: PLC0415 - as above

    loop = asyncio.get_running_loop()
    sessions: set[Session] = set()

    def factory() -> Session:
        return Session(make(), core, loop, sessions)

    try:
        server = await loop.create_server(factory, address.host, address.port, backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(f"Mail cannot listen on {address}: {error.strerror or error}.") from error
    host, port = server.sockets[0].getsockname()[:2]
    log.info("fazt takes mail at %s", Address(host, port))
    stack.push_async_callback(close, server, sessions)


async def close(server: asyncio.Server, sessions: set[Session]) -> None:
    """No new connections; those that are open are told to come again."""
    server.close()
    for session in tuple(sessions):
        session.end()
    for _ in range(50):
        if not sessions:
            break
        await asyncio.sleep(0.1)
