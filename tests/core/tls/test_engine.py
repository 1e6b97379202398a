"""Which certificate is shown to whom: real handshakes."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography import x509

from fazt.core.db import Database
from fazt.core.tls import Tls, store
from fazt.core.tls.wire import create_leaf, create_root, permits, read_certificate
from tests.conftest import NOW
from tests.core.tls.conftest import Clock, make_tls

DAY = 86_400_000
REFUSED = (ssl.SSLError, ConnectionError)  # asyncio does not always send the alert
ROOT = create_root("tests", ["example.com"], NOW)


async def put(db: Database, tls: Tls, *names: str, at: int = NOW) -> int:
    """A certificate of the tests' own authority in the file, and in memory."""
    new = read_certificate(*create_leaf(*ROOT, names, at), "acme")
    certificate_id = await db.write(store.add_certificate, new, now=at)
    await tls.load()
    return certificate_id


@asynccontextmanager
async def listening(tls: Tls) -> AsyncIterator[int]:
    """A server that ends each connection; its port."""
    context = tls.server_context(alpn=("http/1.1",))

    def end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(end, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def client_context(root_pem: str = "") -> ssl.SSLContext:
    """A client that trusts this root alone; without one it looks at nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root_pem:
        context.load_verify_locations(cadata=root_pem)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def shake(port: int, name: str | None, context: ssl.SSLContext) -> tuple[set[str], str]:
    """The names in the certificate that a client sees who asks for `name`, and the version."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
    seen = writer.get_extra_info("ssl_object")
    leaf = x509.load_der_x509_certificate(seen.getpeercert(binary_form=True))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    version = seen.version()
    await reader.read()
    writer.close()
    return {str(name.value) for name in names}, version


async def test_each_client_sees_the_certificate_of_its_host(file: Database, clock: Clock) -> None:
    tls = await make_tls(file, clock, "example.com", "acme")
    await put(file, tls, "example.com")
    await put(file, tls, "blog.example.com")
    await put(file, tls, "*.example.com")
    async with listening(tls) as port:
        for name, seen in [
            ("example.com",) * 2,
            ("BLOG.example.com", "blog.example.com"),
            ("x.example.com", "*.example.com"),
        ]:
            assert await shake(port, name, client_context()) == ({seen}, "TLSv1.3")
        assert (await shake(port, None, client_context()))[0] == {"example.com"}
        for stranger in ("example.org", "a.b.example.com"):
            with pytest.raises(REFUSED):
                await shake(port, stranger, client_context())


async def test_a_new_certificate_is_shown_from_the_next_handshake_on(file: Database, clock: Clock) -> None:
    tls = await make_tls(file, clock, "example.com", "acme")
    told = asyncio.Event()
    tls.watch(told.set)
    async with tls.run(), listening(tls) as port:
        with pytest.raises(REFUSED):
            await shake(port, "example.com", client_context())
        old = read_certificate(*create_leaf(*ROOT, ["example.com"], NOW), "acme")
        new = read_certificate(*create_leaf(*ROOT, ["example.com", "www.example.com"], NOW + 60_000), "acme")
        for expected in (old, new):
            told.clear()
            await file.write(store.add_certificate, expected, now=NOW)
            await asyncio.wait_for(told.wait(), 5)
            assert (await shake(port, "example.com", client_context()))[0] == set(expected.names)
            assert tls.find_certificate("Example.COM.") == tls.certificates[-1]


async def test_an_expired_certificate_serves_on_until_there_is_a_better_one(file: Database, clock: Clock) -> None:
    tls = await make_tls(file, clock, "example.com", "acme")
    await put(file, tls, "example.com")
    assert tls.is_trusted("example.com")
    clock.now += 400 * DAY
    await tls.load()
    async with listening(tls) as port:
        assert (await shake(port, "example.com", client_context()))[0] == {"example.com"}
    assert not tls.is_trusted("example.com")


async def test_the_local_authority_vouches_for_what_is_ours_and_for_nothing_else(file: Database) -> None:
    tls = await make_tls(file, Clock(time.time_ns() // 1_000_000))
    tls.is_ours = lambda host: host == "blog.lan"
    trusting = client_context(tls.root_pem)
    async with listening(tls) as port:
        for name in ("localhost", "blog.localhost", "blog.lan", "127.0.0.1"):
            assert name in (await shake(port, name, trusting))[0]
        for stranger in ("other.lan", "example.com"):
            with pytest.raises(REFUSED):
                await shake(port, stranger, client_context())
    assert not tls.is_trusted("localhost")
    assert (await make_tls(file, Clock())).root_pem == tls.root_pem


async def test_the_local_authority_is_of_no_use_for_the_sites_of_others() -> None:
    assert permits(ROOT[0], "a.example.com")
    assert permits(ROOT[0], "192.168.1.7")
    assert permits(ROOT[0], "fd00::1")
    for stranger in ("example.org", "notexample.com", "8.8.8.8", "2606:4700::1111"):
        assert not permits(ROOT[0], stranger)


async def test_clients_refuse_what_the_root_may_not_vouch_for(file: Database) -> None:
    """Whoever steals the root's key can make such a certificate, and nobody takes it."""
    now = time.time_ns() // 1_000_000
    root, key = create_root("thief", [], now)
    tls = await make_tls(file, Clock(now), "bank.example.com", "acme")
    stolen = read_certificate(*create_leaf(root, key, ["bank.example.com"], now), "acme")
    await file.write(store.add_certificate, stolen, now=now)
    await tls.load()
    async with listening(tls) as port:
        with pytest.raises(ssl.SSLError, match="permitted subtree violation"):
            await shake(port, "bank.example.com", client_context(root))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_versions_are_refused(file: Database, clock: Clock, version: ssl.TLSVersion) -> None:
    tls = await make_tls(file, clock)
    context = client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    async with listening(tls) as port:
        with pytest.raises(REFUSED):
            await shake(port, "localhost", context)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert (await shake(port, "localhost", context))[1] == "TLSv1.2"


async def test_without_mode_there_is_no_certificate(file: Database, clock: Clock) -> None:
    tls = await make_tls(file, clock, "example.com", "off")
    assert tls.mode == "off"
    assert tls.find_certificate("example.com") is None
    assert tls.find_certificate("\ud800..") is None
