"""Tells the owner of certificates that will run out, while there is time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.core.auth.store import find_owner
from fazt.core.clock import DAY
from fazt.core.push import Notice, notify
from fazt.core.tls.engine.wanted import list_wanted
from fazt.core.tls.model import Certificate, HostState

if TYPE_CHECKING:
    from fazt.core import Core

EARLY = 10 * DAY
LONGEST_LIST = 3


def is_worrying(certificate: Certificate, now: int) -> bool:
    """Whether it has less to live than a renewal that works would ever leave it."""
    return certificate.not_after - now < min(EARLY, (certificate.not_after - certificate.not_before) // 5)


async def warn(core: Core) -> int:
    """A notice to the owner about certificates in use that will run out soon or have; how many."""
    now, tls = core.clock(), core.tls
    owner = await core.db.read(find_owner)
    if owner is None or tls.mode == "local":
        return 0
    found = {host: tls.find_certificate(host) for host in await list_wanted(core)}
    ending = [(host, one) for host, one in found.items() if one is not None and is_worrying(one, now)]
    if not ending:
        return 0
    hosts = [host for host, _ in ending]
    named = ", ".join(hosts[:LONGEST_LIST]) + (f" and {len(hosts) - LONGEST_LIST} more" if hosts[LONGEST_LIST:] else "")
    days = max(0, min(one.not_after for _, one in ending) - now) // DAY
    title = f"Certificates run out in {days} days" if days else "Certificates run out today"
    reason = next((state.error for host in hosts if (state := tls.hosts.get(host, HostState(host))).error), "")
    text = f"{named} cannot be renewed. {reason}".strip()
    await core.db.write(notify, Notice(owner.id, title, text, "/certificates", "tls"), now=now)
    return len(hosts)
