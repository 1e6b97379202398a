"""Looks at everything that HTTPS needs, and says of each fault in one sentence what it is and what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from fazt.core.errors import FaztError
from fazt.core.tls import wire
from fazt.core.tls.engine.checks import TIMEOUT_S, Checker, Finding
from fazt.core.tls.engine.options import find_provider, find_wild_zone, list_choices, make_look
from fazt.core.tls.engine.threads import run_blocking
from fazt.core.tls.engine.wanted import list_wanted
from fazt.core.tls.model import HostState, is_good
from fazt.core.tls.model.names import is_private_name
from fazt.core.tls.model.outcomes import Limited, Refused, Trouble
from fazt.core.tls.model.plan import method_for

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.tls.engine.dns import Look

MAX_HOSTS = 50
AT_ONCE = 8
MAX_SKEW_S = 3_600


class Diagnosis(msgspec.Struct, frozen=True):
    """A finding and what it is about: a host name, or a part of this cloud."""

    subject: str
    is_well: bool
    text: str
    hint: str = ""


async def examine(core: Core, host: str = "") -> list[Diagnosis]:
    """All findings; with `host` only those about that name."""
    found: list[Diagnosis] = [] if host else examine_set_up(core)
    identities: set[str] = set()
    if core.tls.mode == "acme":
        for choice in list_choices(core):
            finding, names = await run_blocking(look_at_authority, core, choice.directory)
            identities |= names
            found += [] if host else [to_diagnosis(choice.directory, finding)]
    hosts = [host] if host else await choose_hosts(core)
    slots = asyncio.Semaphore(AT_ONCE)
    about = await asyncio.gather(*(examine_host(core, name, identities, slots) for name in hosts))
    return found + [one for findings in about for one in findings]


def examine_set_up(core: Core) -> list[Diagnosis]:
    """What the options and settings say."""
    tls, config = core.tls, core.config
    found = []
    if tls.https_port:
        found.append(Diagnosis("HTTPS", True, f"This cloud serves HTTPS at port {tls.https_port}."))
    else:
        hint = "Start it with --https-listen 0.0.0.0:443 (and --listen 0.0.0.0:80), or let a proxy speak HTTPS."
        found.append(Diagnosis("HTTPS", False, "This cloud serves no HTTPS.", hint))
    if tls.mode == "acme" and is_private_name(config.domain):
        hint = "Give it a domain of your own with --domain, or choose tls.mode local."
        found.append(Diagnosis("HTTPS", False, f"No public authority vouches for {config.domain}.", hint))
    if tls.mode == "local":
        hint = "" if tls.is_trusted(config.domain) else "Devices have to trust it once: `fazt tls root` prints it."
        found.append(Diagnosis("HTTPS", True, "This cloud's own authority vouches for it.", hint))
    if tls.mode == "acme" and core.settings.get("tls.dns_provider"):
        found.append(examine_provider(core))
    return found


def examine_provider(core: Core) -> Diagnosis:
    """Whether who changes the DNS has all it needs."""
    try:
        find_provider(core)
    except FaztError as error:
        return Diagnosis("DNS", False, error.message, error.hint)
    return Diagnosis("DNS", True, f"{core.settings.get('tls.dns_provider')} changes the DNS of {core.config.domain}.")


def look_at_authority(core: Core, directory: str) -> tuple[Finding, set[str]]:
    """Whether it is there and agrees with us what time it is; and by which names CAA records know it."""
    from fazt.core.tls.engine.acme import Account, Acme  # noqa: PLC0415 - large, and seldom needed

    acme = Acme(
        Account(directory, wire.create_key(), roots_file=core.settings.get("tls.roots_file")), threading.Event()
    )
    try:
        meta = acme.find_meta()
    except (Refused, Limited, Trouble) as error:
        return Finding(False, error.message, error.hint or "Is this machine's way to the Internet open?"), set()
    identities = set(meta.caa_identities or ())
    try:
        there = parsedate_to_datetime(acme.network.date)
    except (ValueError, TypeError):
        return Finding(True, "The authority answers."), identities
    skew_s = abs((datetime.fromtimestamp(core.clock() / 1_000, UTC) - there).total_seconds())
    if skew_s > MAX_SKEW_S:
        text = f"The clock of this machine is {skew_s / 86_400:.1f} days away from the authority's."
        return Finding(False, text, "Set it right, and let it be kept so: `timedatectl set-ntp true`."), identities
    return Finding(True, "The authority answers, and the clocks agree."), identities


async def choose_hosts(core: Core) -> list[str]:
    """The domain, and then those with trouble before those without."""
    if core.tls.mode != "acme":
        return []
    wanted = await list_wanted(core)
    states = core.tls.hosts
    return sorted(wanted, key=lambda name: (name != core.config.domain, not states.get(name, HostState(name)).error))[
        :MAX_HOSTS
    ]


async def examine_host(core: Core, host: str, identities: Collection[str], slots: asyncio.Semaphore) -> list[Diagnosis]:
    """The DNS, the way here, the certificate, and what the authority said last."""
    async with slots:
        look = make_look(core)
        checker = Checker(look, core.tls.answers, core.settings.get("tls.http_port"))
        if method_for(host, find_wild_zone(core)) == "http-01":
            found = await run_blocking(checker.check, host, is_own=True, authorities=identities)
        else:
            found = await run_blocking(checker.check_caa, host, identities)
        found.append(examine_certificate(core, host))
        if core.tls.https_port and found[-1].is_well:
            found += await run_blocking(look_at_https, core, host, look)
    state = core.tls.hosts.get(host)
    if state is not None and state.error:
        found.append(Finding(False, state.error, state.hint))
    return [to_diagnosis(host, finding) for finding in found]


def examine_certificate(core: Core, host: str) -> Finding:
    """Whether there is a good one."""
    certificate, now = core.tls.find_certificate(host), core.clock()
    if certificate is None:
        hint = "What else is said here is why; then `fazt tls renew`."
        return Finding(False, "It has no certificate.", hint)
    until = datetime.fromtimestamp(certificate.not_after / 1_000, UTC)
    if not is_good(certificate, now):
        return Finding(False, f"Its certificate has run out on {until:%Y-%m-%d}.", "`fazt tls renew` asks for another.")
    return Finding(True, f"{certificate.issuer} vouches for it until {until:%Y-%m-%d}.")


def look_at_https(core: Core, host: str, look: Look) -> list[Finding]:
    """Whether clients that follow the DNS are shown our certificate. Blocks."""
    ours = core.tls.find_certificate(host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # what is shown is compared with what we have
    found, port = [], core.tls.public_port
    for address in find_addresses(look, host):
        where = f"{address}, port {port}"
        try:
            with (
                socket.create_connection((address, port), TIMEOUT_S) as plain,
                context.wrap_socket(plain, server_hostname=host) as shown,
            ):
                seen = sha256(shown.getpeercert(binary_form=True) or b"").hexdigest()
        except OSError as error:
            hint = "Open that port in firewall and router. Seen from here; from outside it may look better."
            found.append(Finding(False, f"No HTTPS at {where}: {error.strerror or type(error).__name__}.", hint))
            continue
        if ours is None or seen == ours.fingerprint:
            found.append(Finding(True, f"At {where}, HTTPS shows this certificate."))
        else:
            hint = "Another server, or a proxy in front of this one, answers there."
            found.append(Finding(False, f"At {where}, another certificate is shown.", hint))
    return found


def find_addresses(look: Look, host: str) -> list[str]:
    """Where a name leads; nowhere where the DNS does not say, which other findings tell."""
    from dns.exception import DNSException  # noqa: PLC0415 - large, and seldom needed

    try:
        return look.addresses(host)
    except DNSException:
        return []


def to_diagnosis(subject: str, finding: Finding) -> Diagnosis:
    """A finding about this subject."""
    return Diagnosis(subject, finding.is_well, finding.text, finding.hint)
