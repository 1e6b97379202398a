"""The doctor: which records and ports mail needs, whether they are there, and what to do, in words."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from fazt.apps.mail.actions.send import ensure_key, public_record
from fazt.apps.mail.engine.desk import get_desk, own_domains
from fazt.apps.mail.model.outgoing import Relay
from fazt.apps.mail.store.relays import Key, find_key, list_relays
from fazt.core.outbound import is_public

if TYPE_CHECKING:
    from fazt.apps.mail.engine.dns import Names
    from fazt.core import Core

LIMIT_S = 15.0
CONNECT_S = 5.0
RELAY_SPF = {"ses": "include:amazonses.com", "postmark": "include:spf.mtasv.net"}


class Finding(Struct, frozen=True):
    """One thing that was looked at: `state` is good, bad or warn; `record` is what to set, ready to be copied."""

    what: str
    state: str
    says: str
    advice: str = ""
    record: str = ""


class Patient(Struct, frozen=True):
    """What is known of a domain before its records are looked at."""

    domain: str
    key: Key
    relays: tuple[Relay, ...]
    names: Names
    deadline: float


async def examine(core: Core) -> list[Finding]:
    """All findings, domain by domain."""
    findings: list[Finding] = []
    chain = tuple(relay for relay in await core.db.read(list_relays) if relay.is_on)
    for domain in own_domains(core):
        if "." not in domain:
            findings.append(
                Finding("domain", "bad", f"{domain} is only for this machine.", "Start fazt with --domain example.com.")
            )
            continue
        await ensure_key(core, domain)
        key = await core.db.read(find_key, domain)
        assert key is not None
        deadline = time.monotonic() + LIMIT_S
        patient = Patient(domain, key, chain, get_desk(core).names, deadline)
        findings += await asyncio.to_thread(examine_records, patient)
        findings.append(await try_port(core, domain, patient))
    findings.append(relay_finding(chain))
    findings.append(listen_finding(core))
    return findings


def examine_records(patient: Patient) -> list[Finding]:
    """Everything that is found out by asking name servers."""
    from fazt.apps.mail.engine.dns import Trouble  # noqa: PLC0415 - dnspython is large, and seldom needed

    found = []
    for check in (check_mx, check_spf, check_dkim, check_dmarc, check_ptr):
        try:
            found.append(check(patient))
        except Trouble as error:
            what = check.__name__.removeprefix("check_").upper()
            found.append(Finding(what, "warn", f"The name servers did not answer: {error}.", "Try again in a while."))
    return found


def check_mx(patient: Patient) -> Finding:
    """Whether mail for the domain finds a way."""
    records = sorted(patient.names.look_up(patient.domain, "MX", patient.deadline), key=lambda one: one.preference)
    hosts = [record.exchange.to_text(omit_final_dot=True) for record in records]
    wanted = f"{patient.domain}. MX 10 {patient.domain}."
    if not hosts:
        return Finding("MX", "bad", f"{patient.domain} has no MX record.", "Say where its mail goes:", wanted)
    for host in hosts:
        addresses = addresses_of(patient, host)
        if not addresses:
            return Finding(
                "MX", "bad", f"The MX {host} has no address.", "Give it an A or AAAA record, or name:", wanted
            )
    return Finding("MX", "good", f"Mail for {patient.domain} goes to {', '.join(hosts)}.")


def addresses_of(patient: Patient, host: str) -> list[str]:
    """IPv4 and IPv6 addresses of a host."""
    found: list[Any] = []
    for kind in ("A", "AAAA"):
        found += patient.names.look_up(host, kind, patient.deadline)
    return [record.address for record in found]


def check_spf(patient: Patient) -> Finding:
    """Whether the servers that send for the domain are named."""
    includes = [RELAY_SPF[relay.url.scheme] for relay in patient.relays if relay.url.scheme in RELAY_SPF]
    servers = [f"a:{relay.url.host}" for relay in patient.relays if relay.url.scheme.startswith("smtp")]
    wanted = f'{patient.domain}. TXT "v=spf1 {" ".join(dict.fromkeys(["mx", *includes, *servers]))} ~all"'
    texts = patient.names.texts(patient.domain, patient.deadline)
    records = [text.decode("ascii", "replace") for text in texts if re.match(rb"(?i)v=spf1(\s|$)", text)]
    if not records:
        return Finding("SPF", "bad", f"{patient.domain} has no SPF record.", "Name who sends for it:", wanted)
    if len(records) > 1:
        return Finding("SPF", "bad", "There are two SPF records, so neither counts.", "Make them one:", wanted)
    missing = [one for one in includes if one not in records[0]]
    if missing:
        return Finding("SPF", "warn", f"The record does not name {', '.join(missing)}.", "Add it, e.g.:", wanted)
    if re.search(r"\+all\b|(?<![-~?])\ball$", records[0]):
        return Finding("SPF", "bad", "The record lets everybody send (+all).", "End it with ~all:", wanted)
    return Finding("SPF", "good", records[0])


def check_dkim(patient: Patient) -> Finding:
    """Whether the key that signs is published, and is the one we have."""
    name = f"{patient.key.selector}._domainkey.{patient.domain}"
    value = public_record(patient.key.private_key)
    texts = [text.decode("ascii", "replace") for text in patient.names.texts(name, patient.deadline)]
    wanted = f'{name}. TXT "{value}"'
    if not texts:
        return Finding("DKIM", "bad", "The key that signs your mail is not published.", "Publish it:", wanted)
    if key_of(texts[0]) != key_of(value):
        return Finding("DKIM", "bad", f"Another key is published at {name}.", "Replace it:", wanted)
    return Finding("DKIM", "good", f"The key at {name} is yours.")


def key_of(text: str) -> str:
    """The p= tag without blanks."""
    found = re.search(r"\bp=([A-Za-z0-9+/=\s]*)", text)
    return re.sub(r"\s", "", found[1]) if found else ""


def check_dmarc(patient: Patient) -> Finding:
    """Whether the domain says what to do with forgeries."""
    texts = patient.names.texts(f"_dmarc.{patient.domain}", patient.deadline)
    records = [text.decode("ascii", "replace") for text in texts if re.match(rb"(?i)v=DMARC1\s*;", text)]
    wanted = f'_dmarc.{patient.domain}. TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@{patient.domain}"'
    if len(records) != 1:
        says = "no DMARC record" if not records else "two DMARC records, so neither counts"
        return Finding("DMARC", "bad", f"{patient.domain} has {says}.", "Say what to do with forgeries:", wanted)
    if re.search(r"(?i)\bp\s*=\s*none", records[0]):
        return Finding(
            "DMARC", "warn", "The policy is none: forgeries are delivered.", "When all is well, raise it:", wanted
        )
    return Finding("DMARC", "good", records[0])


def check_ptr(patient: Patient) -> Finding:
    """Whether this server's address has a name that leads back to it; large providers refuse mail without."""
    addresses = [address for address in addresses_of(patient, patient.domain) if is_public(address)]
    if not addresses:
        return Finding("PTR", "warn", f"{patient.domain} has no public address.", f"Give {patient.domain} an A record.")
    for address in addresses:
        backwards = reverse_name(address)
        names = [
            one.target.to_text(omit_final_dot=True) for one in patient.names.look_up(backwards, "PTR", patient.deadline)
        ]
        if not any(address in addresses_of(patient, name) for name in names[:3]):
            says = f"{address} has no name that leads back to it."
            advice = f"Only needed to send without a relay: ask the host of the server to name it {patient.domain}."
            return Finding("PTR", "warn", says, advice, f"{address} PTR {patient.domain}.")
    return Finding("PTR", "good", f"{', '.join(addresses)} has a name that leads back to it.")


def reverse_name(address: str) -> str:
    """`4.3.2.1.in-addr.arpa` of `1.2.3.4`."""
    import ipaddress  # noqa: PLC0415

    return ipaddress.ip_address(address).reverse_pointer


async def try_port(core: Core, domain: str, patient: Patient) -> Finding:
    """Whether port 25 of the mail host answers with SMTP. Seen from here: a firewall before us may still block it."""
    hosts = await asyncio.to_thread(find_hosts, patient)
    for host in hosts:
        with suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(host, 25)
                line = await reader.readline()
                writer.close()
            if line.startswith(b"220"):
                return Finding("port 25", "good", f"{host} answers on port 25.")
    advice = "Let fazt listen there (--smtp-listen 0.0.0.0:25), and open port 25 in the firewall."
    if core.config.smtp_listen is None:
        advice = "fazt takes no mail by SMTP: start it with --smtp-listen 0.0.0.0:25, or let a provider post to it."
    return Finding("port 25", "bad", f"No server of {domain} answers on port 25.", advice)


def find_hosts(patient: Patient) -> list[str]:
    """The mail hosts of a domain, as far as they are public."""
    from fazt.apps.mail.engine.dns import Trouble  # noqa: PLC0415 - dnspython is large, and seldom needed

    with suppress(Trouble):
        records = patient.names.look_up(patient.domain, "MX", patient.deadline)
        hosts = [record.exchange.to_text(omit_final_dot=True) for record in records] or [patient.domain]
        return [address for host in hosts[:3] for address in addresses_of(patient, host) if is_public(address)][:4]
    return []


def relay_finding(chain: tuple[Relay, ...]) -> Finding:
    """Whether anything can leave."""
    if not chain:
        says = "There is no relay, so nothing can be sent."
        return Finding("relay", "bad", says, "Add one under Mail, Sending: an SMTP server, Postmark or Amazon SES.")
    broken = [relay for relay in chain if relay.error]
    if broken:
        return Finding("relay", "warn", f"{broken[0].url.name}: {broken[0].error}", "Check its address and password.")
    return Finding("relay", "good", f"Mail leaves through {', '.join(relay.url.name for relay in chain)}.")


def listen_finding(core: Core) -> Finding:
    """Whether we listen, and with a certificate."""
    if core.config.smtp_listen is None:
        return Finding("listening", "warn", "fazt does not listen for SMTP.", "Start it with --smtp-listen HOST:PORT.")
    own = core.tls.find_certificate(core.config.domain)
    if not core.settings.get("mail.certificate_file") and own is None:
        says = f"fazt listens on {core.config.smtp_listen} without STARTTLS."
        return Finding("listening", "warn", says, "`fazt tls doctor` says how to get a certificate.")
    return Finding("listening", "good", f"fazt listens on {core.config.smtp_listen}, with STARTTLS.")
