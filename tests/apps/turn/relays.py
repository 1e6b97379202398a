"""A relay process of a test's own, and certificates for it."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fazt.apps.turn.engine.child import command
from fazt.apps.turn.engine.client import TurnClient, TurnError
from fazt.apps.turn.model import Figures, Note, Orders, Ready, Report, Transport
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.attributes import Address
from fazt.core.clock import DAY, system_clock, to_datetime
from tests.program import SRC, wait_until

USER, PASSWORD = "ana", "secret"
TRANSPORTS: list[Transport] = ["udp", "tcp", "tls"]
LOCAL = ("127.0.0.0/8", "::1/128")


class RelayUnderTest:
    """The process, what it has said, and how to speak to it."""

    def __init__(self, process: subprocess.Popen[bytes], orders: Orders) -> None:
        self.process = process
        self.orders = orders
        self.notes: list[str] = []
        self.figures = Figures()
        self.ready: Ready | None = None
        self._seen = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.tell(orders)
        wait_until(lambda: self.ready is not None, what="the relay listening")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            report: Report = msgspec.json.decode(line, type=Report)
            if isinstance(report, Figures):
                self.figures = report
                self._seen += 1
            elif isinstance(report, Note):
                self.notes.append(report.text)
            else:
                self.ready = report

    def tell(self, orders: Orders) -> None:
        """Give orders, the first or others."""
        assert self.process.stdin is not None
        self.orders, self.ready = orders, None
        self.process.stdin.write(msgspec.json.encode(orders) + b"\n")
        self.process.stdin.flush()
        wait_until(lambda: self.ready is not None, what="an answer to the orders")

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self.ready is not None
        return self.ready.port

    @property
    def relays(self) -> tuple[str, ...]:
        """What peers see."""
        assert self.ready is not None
        return self.ready.relays

    def fresh_figures(self) -> Figures:
        """Figures that were taken after this call."""
        seen = self._seen
        wait_until(lambda: self._seen >= seen + 2, what="figures")
        return self.figures

    def count(self, name: str) -> int:
        """One of the relay's counts, now."""
        return self.fresh_figures().counts.get(name, 0)

    def client(self, transport: Transport = "udp", host: str = "127.0.0.1", **options: Any) -> TurnClient:
        """A client of this relay."""
        if transport == "tls":
            options.setdefault("context", trusting())
        return TurnClient.connect(host, self.port, transport, **options)

    def memory(self) -> int:
        """Bytes of memory in use."""
        with open(f"/proc/{self.process.pid}/statm") as file:  # noqa: PTH123 - no path of ours
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running_relay(**changes: Any) -> Iterator[RelayUnderTest]:
    """A relay on loopback whose user is `ana`; `changes` are fields of Orders."""
    given: dict[str, Any] = {
        "listen": ("127.0.0.1", "::1"),
        "port": 0,
        "realm": "fazt",
        "secrets": ("north", "south"),
        "users": {USER: PASSWORD},
        "allow_peers": LOCAL,
        **changes,
    }
    environment = {"PYTHONPATH": str(SRC), "PATH": os.environ["PATH"]}
    with subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        relay = RelayUnderTest(process, Orders(**given))
        try:
            yield relay
        finally:
            assert process.stdin is not None
            process.stdin.close()
            code = process.wait(10)
            relay.reader.join(10)  # before its pipe is closed under it
    assert code == 0, f"the relay ended with {code}"


def allocated(client: TurnClient, *pairs: Any) -> tuple[Address, Address]:
    """(relayed address, mapped address) of a new allocation."""
    answer = client.allocate(USER, PASSWORD, pairs)
    relayed, mapped = answer.get(a.XOR_RELAYED_ADDRESS), answer.get(a.XOR_MAPPED_ADDRESS)
    assert relayed is not None
    assert mapped is not None
    return relayed, mapped


def address_of(text: str, port: int) -> Address:
    """An address as the wire has it."""
    return Address(ipaddress.ip_address(text).packed, port)


def address_of_socket(opened: socket.socket) -> Address:
    """Where a socket is bound."""
    host, port = opened.getsockname()[:2]
    return address_of(host, port)


def endpoint(address: Address) -> tuple[str, int]:
    """An address as sockets have it."""
    return (str(ipaddress.ip_address(address.ip)), address.port)


def refused(call: Any, *arguments: Any) -> int:
    """The code of the error that a call is answered with."""
    with pytest.raises(TurnError) as caught:
        call(*arguments)
    return caught.value.code


@cache
def certificate() -> tuple[str, str]:
    """(certificate, key) as PEM, for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = system_clock()
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(to_datetime(now - DAY))
        .not_valid_after(to_datetime(now + 30 * DAY))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return built.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()


def trusting() -> ssl.SSLContext:
    """A TLS context that trusts that certificate."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=certificate()[0])
    return context
