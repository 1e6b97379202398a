"""A cloud that takes mail, a relay that keeps what it is given, and a name server: all on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

from aiosmtpd.smtp import SMTP
from dnslib import QTYPE, RR
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from tests.program import Program, wait_until


def ports(program: Program) -> list[int]:
    """Where the program takes mail: by SMTP, then for submission."""
    return [int(found) for found in re.findall(r"fazt takes mail at \S+:(\d+)", program.log)]


@contextmanager
def mail_program(template: Path, folder: Path, *, domain: str = "", **settings: object) -> Iterator[Program]:
    """A program that listens for mail; `settings` (without `mail.`) are there from its start."""
    shutil.copy(template, folder / "data.db")
    rows = [(f"mail.{name}", json.dumps(value), 0) for name, value in settings.items()]
    with closing(sqlite3.connect(folder / "data.db")) as data, data:
        data.executemany("INSERT INTO core_setting (name, value, changed_at) VALUES (?, ?, ?)", rows)
    arguments = ["--smtp-listen", "127.0.0.1:0", *(["--domain", domain] if domain else [])]
    with Program(folder, *arguments) as program:
        wait_until(lambda: ports(program), what="the listener")
        yield program


class Relay:
    """An SMTP server that keeps what it is given; `answers` are said instead of 250, once each."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.answers: list[str] = []
        self.refused: dict[str, str] = {}
        self.port = 0

    def __enter__(self) -> Self:
        started = threading.Event()

        async def start() -> None:
            self._loop = asyncio.get_running_loop()
            server = await self._loop.create_server(
                lambda: SMTP(self, hostname="relay", loop=self._loop), "127.0.0.1", 0
            )
            self.port = server.sockets[0].getsockname()[1]
            self._end = asyncio.Event()
            started.set()
            await self._end.wait()
            server.close()

        self._thread = threading.Thread(target=lambda: asyncio.run(start()), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """What `fazt mail relay add` takes."""
        return f"smtp://127.0.0.1:{self.port}?tls=off"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        """Refuse those that are to be refused."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        """Keep the message, unless another answer is due."""
        if self.answers:
            return self.answers.pop(0)
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 OK queued as 42"


class Zone(BaseResolver):  # type: ignore[misc] # dnslib has no types
    """Answers from a list of records in zone file form."""

    def __init__(self, text: str) -> None:
        self.records = [(rr.rname, rr.rtype, rr) for rr in RR.fromZone(dedent(text))]

    def resolve(self, request: Any, _handler: Any) -> Any:
        """See dnslib."""
        reply = request.reply()
        name, kind = request.q.qname, QTYPE[request.q.qtype]
        for owner, rtype, record in self.records:
            if owner == name and QTYPE[rtype] == kind:
                reply.add_answer(record)
        if not reply.rr and not any(owner == name for owner, _, _ in self.records):
            reply.header.rcode = 3
        return reply


@contextmanager
def name_server(zone: str) -> Iterator[str]:
    """A name server for a zone; its ADDRESS:PORT, as mail.dns_servers takes it."""
    quiet = DNSLogger("-request,-reply,-truncated,-error,-data")
    server = DNSServer(Zone(zone), address="127.0.0.1", port=0, logger=quiet)
    tcp = DNSServer(Zone(zone), address="127.0.0.1", port=server.server.server_address[1], tcp=True, logger=quiet)
    server.start_thread()
    tcp.start_thread()
    try:
        yield f"127.0.0.1:{server.server.server_address[1]}"
    finally:
        for one in (server, tcp):
            one.stop()
            one.server.server_close()


def quoted(text: str) -> str:
    """A long TXT record in pieces of at most 255 bytes."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
