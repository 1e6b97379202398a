"""Certificates from a real authority (pebble), by HTTP-01."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fazt.apps.sites import store as sites
from fazt.core.auth.store import find_owner
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import NotFound
from fazt.core.push import list_notices
from fazt.core.tls import store
from fazt.core.tls.engine.asking import Asking, ask
from fazt.core.tls.engine.provers import HttpProver
from fazt.core.tls.engine.threads import run_blocking
from fazt.core.tls.engine.warning import warn
from fazt.core.tls.model.plan import Order
from fazt.core.tls.wire import create_key
from tests.core.tls.authorities import Names, Pebble, free_port
from tests.core.tls.clouds import DOMAIN, Cloud, cloud

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")
"""Litestar's, about what the program's routes look like; there it is only logged."""


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    """The DNS: every name leads to 127.0.0.1, but for what a test changes."""
    with Names() as server:
        yield server


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, names: Names) -> Iterator[Pebble]:
    """The authority; it looks for proofs at a port of its own."""
    with Pebble(tmp_path_factory.mktemp("pebble"), free_port(), names.address) as server:
        yield server


def options(pebble: Pebble, names: Names) -> dict[str, Any]:
    """Settings that lead to them."""
    return {
        "tls_directory": pebble.directory,
        "tls_roots_file": str(pebble.roots_file),
        "tls_resolvers": [names.address],
    }


@pytest.fixture
async def here(data_file: Path, pebble: Pebble, names: Names) -> AsyncIterator[Cloud]:
    """A cloud that has its own certificate."""
    async with cloud(data_file, pebble.http_port, **options(pebble, names)) as running_cloud:
        await running_cloud.until(lambda: running_cloud.has(DOMAIN), "a certificate for the domain")
        yield running_cloud


async def add_site(here: Cloud, name: str, *domains: str) -> None:
    """A new site, with custom domains."""
    core = here.core
    owner = await core.db.read(find_owner)
    assert owner is not None
    site = await core.db.write(sites.create_site, name, owner.id, core.clock())
    for host in domains:
        await core.db.write(sites.add_domain, site.id, host, core.clock())


async def test_the_cloud_is_on_https_by_itself(here: Cloud, pebble: Pebble, tmp_path: Path) -> None:
    found = here.certificate()
    assert found.names == (DOMAIN,)
    assert found.issuer.startswith("Pebble Intermediate")
    trusting = ssl.create_default_context(cadata=pebble.root())
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", here.core.tls.https_port, ssl=trusting, server_hostname=DOMAIN
    )
    writer.write(f"GET /health HTTP/1.1\r\nhost: {DOMAIN}\r\nconnection: close\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    writer.close()


async def test_a_site_and_its_domain_have_certificates_before_anybody_comes(here: Cloud) -> None:
    await add_site(here, "blog", "www.example.net")
    await here.until(lambda: here.has(f"blog.{DOMAIN}", "www.example.net"))
    assert here.certificate("www.example.net").names == ("www.example.net",)
    assert not here.has(f"nosuch.{DOMAIN}")


async def test_plain_http_leads_to_https(here: Cloud, pebble: Pebble) -> None:
    url = f"http://127.0.0.1:{pebble.http_port}"
    async with httpx.AsyncClient(base_url=url, headers={"host": DOMAIN}) as client:
        answer = await client.get("/sites?x=%2F")
        port = here.core.tls.https_port
        assert (answer.status_code, answer.headers["location"]) == (301, f"https://{DOMAIN}:{port}/sites?x=%2F")
        assert (await client.post("/login")).status_code == 308
        assert (await client.get("/health")).status_code == 200
        assert "strict-transport-security" not in answer.headers
        assert (await client.get("/.well-known/acme-challenge/nothing")).status_code == 404
        await here.core.settings.put("tls.port", 443, here.now())
        assert (await client.get("/a%2Fb")).headers["location"] == f"https://{DOMAIN}/a%2Fb"
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        socket = await client.get("/pad/x/ws", headers=upgrade | {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert (socket.status_code, socket.headers["location"]) == (308, f"wss://{DOMAIN}/pad/x/ws")
        other = await client.get("/", headers={"host": f"nosuch.{DOMAIN}"})
        assert other.status_code == 404, "a host without a certificate is not led anywhere"


async def test_browsers_are_bound_to_https_once_it_has_proved_stable(here: Cloud) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"https://127.0.0.1:{here.core.tls.https_port}/health"

    async def ask() -> str:
        async with httpx.AsyncClient(verify=context) as client:
            answer = await client.get(url, headers={"host": DOMAIN})
            return str(answer.headers.get("strict-transport-security", ""))

    seen = [await ask()]
    for days in (2, 6):
        here.ahead += days * DAY
        seen.append(await ask())
    assert seen == ["", "max-age=86400", "max-age=31536000"]
    await here.core.settings.put("tls.hsts", "off", here.now())
    assert await ask() == ""


async def test_after_80_days_it_is_renewed_and_no_connection_is_dropped(here: Cloud, pebble: Pebble) -> None:
    before, issued = here.certificate(), pebble.issued()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with httpx.AsyncClient(verify=context, headers={"host": DOMAIN}) as client:
        url = f"https://127.0.0.1:{here.core.tls.https_port}/health"
        stream = (await client.get(url)).extensions["network_stream"]
        here.jump(80 * DAY)
        await here.until(lambda: here.certificate().fingerprint != before.fingerprint, "a new certificate")
        again = await client.get(url)
        assert again.extensions["network_stream"].get_extra_info("socket") is stream.get_extra_info("socket")
    assert here.certificate().names == before.names
    # The authority's own clock has not jumped, so the new one ends as soon: that must not go round and round.
    await here.keep()
    here.jump(HOUR)
    await here.keep()
    await add_site(here, "later")
    await here.until(lambda: here.has(f"later.{DOMAIN}"))
    assert pebble.issued() == issued + 2


async def test_fifty_sites_have_certificates_soon_and_cost_few_orders(here: Cloud, pebble: Pebble) -> None:
    issued = pebble.issued()
    hosts = [f"s{number}.{DOMAIN}" for number in range(50)]
    for host in hosts:
        await add_site(here, host.partition(".")[0])
    await here.until(lambda: here.has(*hosts), "fifty certificates")
    assert pebble.issued() - issued <= 12


async def test_wrong_dns_costs_one_name_only_and_is_explained(here: Cloud, names: Names, pebble: Pebble) -> None:
    """One leads nowhere, one elsewhere; the third of the same order is well."""
    wrong, lost = "elsewhere.example.com", "lost.example.com"
    names.tell("add-a", host=f"{wrong}.", addresses=["127.0.0.9"])
    names.tell("set-default-ipv4", ip="")
    names.tell("add-a", host="fine.example.com.", addresses=["127.0.0.1"])
    try:
        issued = pebble.issued()
        await add_site(here, "many", wrong, lost, "fine.example.com")
        await here.until(lambda: here.has("fine.example.com"))
        await here.until(lambda: here.state(wrong).failures and here.state(lost).failures)
        assert here.state(lost).error == f"The DNS knows no address for {lost}."
        assert "A (or AAAA) record" in here.state(lost).hint
        assert "127.0.0.9" in here.state(wrong).error
        assert here.state(wrong).hint
        assert here.state(wrong).next_at - here.now() > 10 * 60_000, "a refusal is not followed by another at once"
        assert not here.has(wrong)
        assert pebble.issued() - issued == 1
        names.tell("add-a", host=f"{lost}.", addresses=["127.0.0.1"])
        here.jump(2 * HOUR)
        await here.until(lambda: here.has(lost), "mended DNS")
        assert here.state(lost).error == ""
    finally:
        names.tell("set-default-ipv4", ip="127.0.0.1")


async def test_while_the_authority_is_down_the_old_certificate_serves_on(here: Cloud, pebble: Pebble) -> None:
    before = here.certificate()
    pebble.stop()
    try:
        here.jump(85 * DAY)
        await here.until(lambda: here.state(DOMAIN).error, "an explanation")
        assert "cannot be reached" in here.state(DOMAIN).error
        assert here.certificate().fingerprint == before.fingerprint
        assert here.core.tls.is_trusted(DOMAIN)
        here.jump(10 * DAY)
        assert here.certificate().fingerprint == before.fingerprint, "it has run out, and is better than none"
        assert not here.core.tls.redirects(DOMAIN), "nobody is led to a page with a warning"
    finally:
        pebble.start()
    here.jump(7 * HOUR)
    await here.until(
        lambda: here.certificate().fingerprint != before.fingerprint, "renewal by an authority that forgot us"
    )
    assert here.state(DOMAIN).error == ""


async def test_our_own_limit_comes_before_the_authoritys(data_file: Path, pebble: Pebble, names: Names) -> None:
    chosen = options(pebble, names) | {"tls_max_certificates_per_week": 2}
    async with cloud(data_file, pebble.http_port, **chosen) as here:
        await here.until(lambda: here.has(DOMAIN))
        await add_site(here, "one")
        await here.until(lambda: here.has(f"one.{DOMAIN}"))
        await add_site(here, "two")
        await here.until(lambda: here.state(f"two.{DOMAIN}").error)
        waiting = here.state(f"two.{DOMAIN}")
        assert (waiting.failures, waiting.error[:9]) == (0, "It waits,")
        assert 6 * DAY < waiting.next_at - here.now() <= 7 * DAY
        here.jump(7 * DAY + HOUR)
        await here.until(lambda: here.has(f"two.{DOMAIN}"))


async def test_names_that_are_not_ours_are_never_asked_for(here: Cloud, names: Names) -> None:
    stranger = "stranger.example.com"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name in (stranger, f"nosuch.{DOMAIN}"):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", here.core.tls.https_port, ssl=context, server_hostname=name)
    await here.core.settings.put("tls.extra_names", ["printer.lan", "10.0.0.1", "not a name"], here.now())
    await here.core.settings.put("links.hosts", ["go.example.com"], here.now())
    await here.until(lambda: here.has("go.example.com"), "a certificate for a short-link host")
    await add_site(here, "after")
    await here.until(lambda: here.has(f"after.{DOMAIN}"))
    assert not any(names.asked(f"{name}.") for name in (stranger, f"nosuch.{DOMAIN}", "printer.lan"))
    assert not here.has(stranger, "printer.lan")


async def test_a_deleted_site_is_not_renewed_and_its_name_is_forgotten(here: Cloud) -> None:
    await add_site(here, "gone")
    await here.until(lambda: here.has(f"gone.{DOMAIN}"))
    core = here.core
    site = await core.db.read(sites.get_site, "gone")
    await core.db.write(sites.delete_site, site.id, core.clock())
    await here.until(lambda: f"gone.{DOMAIN}" not in core.tls.hosts)
    here.jump(200 * DAY)
    await here.until(lambda: not here.has(f"gone.{DOMAIN}"), "the end of the certificate")
    with pytest.raises(NotFound):
        await core.db.read(sites.get_site, "gone")


async def test_without_an_authority_it_says_so_and_does_not_turn_in_circles(data_file: Path, names: Names) -> None:
    async with cloud(data_file, free_port(), tls_directory="", tls_resolvers=[names.address]) as here:
        await here.until(lambda: here.state(DOMAIN).error)
        assert here.state(DOMAIN).error == "No authority is chosen."
        assert here.state(DOMAIN).next_at > here.now()


async def test_an_address_gets_a_certificate_too(here: Cloud, pebble: Pebble) -> None:
    asking = Asking(pebble.directory, create_key(), roots_file=str(pebble.roots_file))
    prover = HttpProver(here.core.tls.answers)
    asked = await run_blocking(ask, asking, Order(("127.0.0.1",)), prover, threading.Event())
    assert asked.certificate.names == ("127.0.0.1",)
    assert here.core.tls.answers == {}, "proofs are taken away"


async def test_an_account_is_bound_to_one_at_the_authority(data_file: Path, names: Names, tmp_path: Path) -> None:
    port, secret = free_port(), "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    with Pebble(tmp_path / "pebble", port, names.address, {"kid-1": secret}) as strict:
        async with cloud(data_file, port, **options(strict, names)) as here:
            await here.until(lambda: here.state(DOMAIN).error)
            assert "tls.eab_key_id" in here.state(DOMAIN).hint
            await here.core.settings.put("tls.eab_key_id", "kid-1", here.now())
            await here.core.settings.put("tls.eab_key", secret, here.now())
            await here.keep()
            await here.until(lambda: here.has(DOMAIN))


async def test_the_owner_is_told_while_there_is_time(here: Cloud) -> None:
    assert await warn(here.core) == 0
    await here.core.db.write(
        store.note_failure, DOMAIN, "No port 80.", "", next_at=here.now() + 100 * DAY, now=here.now()
    )
    await here.until(lambda: here.state(DOMAIN).error, "word of the failure")
    here.ahead += 85 * DAY
    assert await warn(here.core) == 1
    owner = await here.core.db.read(find_owner)
    assert owner is not None
    (notice,) = await here.core.db.read(list_notices, owner.id)
    assert notice.title.startswith("Certificates run out in ")
    assert notice.text == f"{DOMAIN} cannot be renewed. No port 80."


async def test_a_restart_needs_no_authority(data_file: Path, pebble: Pebble, names: Names) -> None:
    async with cloud(data_file, pebble.http_port, **options(pebble, names)) as here:
        await here.until(lambda: here.has(DOMAIN))
        before, issued = here.certificate(), pebble.issued()
    async with cloud(data_file, pebble.http_port) as here:
        assert here.certificate() == before
        await here.keep()
    assert pebble.issued() == issued
