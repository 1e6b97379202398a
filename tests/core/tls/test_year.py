"""A year of renewals in a minute, with an authority and a DNS that are away every few days."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from fazt.core.clock import DAY
from fazt.core.jobs import get_cron, list_crons, pause_cron
from fazt.core.log import get_logger
from fazt.core.tls import store
from fazt.core.tls.model import is_good
from tests.conftest import LONG
from tests.core.tls.authorities import Names, Pebble, free_port
from tests.core.tls.clouds import DOMAIN, Cloud, cloud
from tests.core.tls.test_acme import add_site, options

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")
DAYS = 365 if LONG else 15
LIFE = 60 if LONG else 5
"""After how many days a certificate is renewed. pebble's own clock does not jump: its certificates last for years."""

log = get_logger(__name__)
HOSTS = (DOMAIN, f"blog.{DOMAIN}", "www.example.net")


async def pass_day(here: Cloud) -> None:
    """Tomorrow, once the names have been looked at."""
    here.jump(DAY)
    now = here.now()
    async with asyncio.timeout(60):
        while True:
            cron = await here.core.db.read(get_cron, store.KEEP_JOB)
            if cron.last_at is not None and cron.last_at >= now - 1_000:
                return
            await asyncio.sleep(0.02)


@pytest.mark.timeout(600)
async def test_every_name_is_served_every_day_and_the_authority_is_not_bothered(
    data_file: Path, tmp_path: Path
) -> None:
    chance, port = random.Random(11), free_port()
    with Names() as names, Pebble(tmp_path / "pebble", port, names.address, days=1_500) as pebble:
        async with cloud(data_file, port, **options(pebble, names)) as here:
            await add_site(here, "blog", "www.example.net")
            await here.until(lambda: here.has(*HOSTS))
            for cron in await here.core.db.read(list_crons):
                if cron.name != store.KEEP_JOB:
                    await here.core.db.write(pause_cron, cron.name)
            renewed = {host: await plan(here, host) for host in HOSTS}
            bad_days, renewals, start = 0, 0, pebble.log.count("POST /order-plz")
            for _ in range(DAYS):
                fault = chance.choice(["", "", "", "authority", "dns"])
                bad_days += bool(fault)
                await with_fault(fault, pebble, names, here)
                for host in HOSTS:
                    found = here.certificate(host)
                    assert is_good(found, here.now())
                    if found.fingerprint != renewed[host]:
                        renewals += 1
                        renewed[host] = await plan(here, host)
            orders = pebble.log.count("POST /order-plz") - start
            assert renewals >= len(HOSTS) * (DAYS // LIFE - 1)
            assert orders <= renewals + len(HOSTS) * bad_days
            log.info("%d days, %d bad ones: %d renewals by %d orders", DAYS, bad_days, renewals, orders)


async def with_fault(fault: str, pebble: Pebble, names: Names, here: Cloud) -> None:
    """A day with the authority or the DNS away."""
    if fault == "authority":
        pebble.stop()
    if fault == "dns":
        for host in HOSTS:
            names.tell("set-servfail", host=f"{host}.")
    await pass_day(here)
    if fault == "authority":
        pebble.start()
    if fault == "dns":
        for host in HOSTS:
            names.tell("clear-servfail", host=f"{host}.")


async def plan(here: Cloud, host: str) -> str:
    """Have the certificate of a host renewed in LIFE days; which it is."""
    found = here.certificate(host)
    at = {"renew_at": here.now() + LIFE * DAY, "next_ari_at": here.now() + 7 * DAY}
    await here.core.db.write(store.put_renewal, found.id, **at)
    return found.fingerprint
