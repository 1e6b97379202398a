"""Who stands behind a message: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) and ARC (RFC 8617).

Runs on threads of its own, since it waits for name servers, and ends after some seconds whatever these do.
"""

from __future__ import annotations

import asyncio
import importlib.resources
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import dkim
import spf
from publicsuffix2 import PublicSuffixList

from fazt.apps.mail.engine.dns import Names, Trouble
from fazt.apps.mail.model.addresses import domain_of
from fazt.apps.mail.model.message import Envelope, Verdicts
from fazt.core.log import get_logger

WORKERS = 4
LIMIT_S = 8.0
MAX_SIGNATURES = 5
MAX_ARC = 10
MAX_BYTES = 16 * 1024 * 1024
SILENT = logging.getLogger("fazt.mail.silent")
SILENT.disabled = True
SIGNED = re.compile(rb"(?im)^(?:dkim-signature|arc-seal)\s*:")

log = get_logger(__name__)


class NoKey(Exception):
    """No key is published under the name that a signature gives."""


class Judge:
    """The checks at work; `close` it at the end."""

    def __init__(self, names: Names, limit_s: float = LIMIT_S) -> None:
        self.names = names
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="fazt mail")

    def close(self) -> None:
        """Let what runs end by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(
        self, message: bytes, envelope: Envelope, from_address: str, *, is_trusted: bool, is_whole: bool = True
    ) -> Verdicts:
        """The verdicts. A sender from a trusted network is not asked for SPF, and no name is looked up for it.

        Without the whole message nothing can be said of signatures, nor of DMARC unless SPF suffices.
        """
        if is_trusted and not SIGNED.search(top_of(message)):
            return Verdicts(spf="none", dkim="none", dmarc="none", arc="none", detail="It came from a trusted network.")
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + self._limit_s
        work = loop.run_in_executor(
            self._threads, self._check, message, envelope, from_address, is_trusted, is_whole, deadline
        )
        try:
            return await asyncio.wait_for(work, self._limit_s + 1)
        except TimeoutError:
            late = "temperror"
            return Verdicts(spf=late, dkim=late, dmarc=late, arc=late, detail="The checks took too long.")

    def _check(
        self,
        message: bytes,
        envelope: Envelope,
        from_address: str,
        is_trusted: bool,  # noqa: FBT001 - an executor takes no keywords
        is_whole: bool,  # noqa: FBT001 - as above
        deadline: float,
    ) -> Verdicts:
        checker = Checker(self.names, deadline)
        try:
            spf_result, spf_domain = ("none", "") if is_trusted else checker.spf(envelope)
            dkim_result, domains = checker.dkim(message) if is_whole else ("", ())
            dmarc_result, policy = checker.dmarc(domain_of(from_address), spf_result, spf_domain, domains)
            dmarc_result = dmarc_result if is_whole or dmarc_result != "fail" else ""
            arc_result = checker.arc(message) if is_whole else ""
        except (
            Exception
        ):  # a rim: three foreign parsers read what strangers wrote; the mail matters more than the verdict
            log.exception("the checks of a message failed")
            return Verdicts(spf="temperror", dkim="temperror", dmarc="temperror", arc="temperror")
        return Verdicts(spf_result, dkim_result, dmarc_result, arc_result, spf_domain, domains, policy)


class Checker:
    """The checks of one message, which share a deadline (of the monotonic clock)."""

    def __init__(self, names: Names, deadline: float) -> None:
        self.names = names
        self.deadline = deadline

    def spf(self, envelope: Envelope) -> tuple[str, str]:
        """The result, and the domain it is about."""
        domain = domain_of(envelope.mail_from) or envelope.helo.lower().strip("[]")
        if not envelope.address or "." not in domain:
            return "none", domain
        query = SpfQuery(self, i=envelope.address, s=envelope.mail_from, h=envelope.helo)
        try:
            result, _, _ = query.check()
        except (spf.TempError, Trouble):
            return "temperror", domain
        except (spf.PermError, ValueError, IndexError, UnicodeError):
            return "permerror", domain
        return str(result), domain

    def dkim(self, message: bytes) -> tuple[str, tuple[str, ...]]:
        """The result over all signatures, and the domains whose signature is right."""
        if len(message) > MAX_BYTES:
            return "", ()
        try:
            reader = dkim.DKIM(message, logger=SILENT, minkey=1024)
        except dkim.DKIMException:
            return "permerror", ()
        count = sum(name.lower() == b"dkim-signature" for name, _ in reader.headers)
        results = [self._signature(message, index) for index in range(min(count, MAX_SIGNATURES))]
        domains = tuple(dict.fromkeys(domain for result, domain in results if result == "pass"))
        said = {result for result, _ in results}
        order = ("pass", "temperror", "permerror", "fail")
        return next((result for result in order if result in said), "none"), domains

    def _signature(self, message: bytes, index: int) -> tuple[str, str]:
        reader = dkim.DKIM(message, logger=SILENT, minkey=1024)
        try:
            is_right = reader.verify(idx=index, dnsfunc=self._key)
        except Trouble:
            return "temperror", ""
        except NoKey:
            return "permerror", ""
        except dkim.ValidationError as error:
            is_wrong = str(error).startswith(("body hash mismatch", "x= value is past"))
            return ("fail" if is_wrong else "permerror"), ""
        except (dkim.DKIMException, ValueError, TypeError, KeyError, IndexError):
            return "permerror", ""
        return ("pass" if is_right else "fail"), bytes(reader.domain or b"").decode("ascii", "replace").lower()

    def _key(self, name: bytes | str, timeout: int = 5) -> bytes:  # noqa: ARG002 - dkimpy names it
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        found = self.names.texts(text, self.deadline)
        if not found:
            raise NoKey(text)
        return found[0]

    def arc(self, message: bytes) -> str:
        """Whether the chain of those who passed it on is whole."""
        if len(message) > MAX_BYTES or b"\narc-seal:" not in b"\n" + top_of(message).lower():
            return "none"
        if top_of(message).lower().count(b"\narc-seal:") > MAX_ARC:
            return "fail"
        try:
            result, _, _ = dkim.ARC(message, logger=SILENT, minkey=1024).verify(dnsfunc=self._key)
        except Trouble:
            return "temperror"
        except (NoKey, dkim.DKIMException, ValueError, TypeError, KeyError, IndexError):
            return "fail"
        return bytes(result or b"fail").decode().lower()

    def dmarc(self, domain: str, spf_result: str, spf_domain: str, signed: tuple[str, ...]) -> tuple[str, str]:
        """The result, and what the domain in From wishes for failures (none, quarantine, reject; "": no record)."""
        if "." not in domain:
            return "none", ""
        try:
            tags, is_of_parent = self._record(domain)
        except Trouble:
            return "temperror", ""
        if not tags:
            return "none", ""
        policy = tags.get("sp") if is_of_parent and "sp" in tags else tags.get("p", "none")
        policy = policy if policy in {"none", "quarantine", "reject"} else "none"
        strict_dkim, strict_spf = tags.get("adkim") == "s", tags.get("aspf") == "s"
        good = any(is_aligned(domain, other, is_strict=strict_dkim) for other in signed)
        good = good or (spf_result == "pass" and is_aligned(domain, spf_domain, is_strict=strict_spf))
        return ("pass" if good else "fail"), policy

    def _record(self, domain: str) -> tuple[dict[str, str], bool]:
        for name, is_of_parent in ((domain, False), (organization(domain), True)):
            texts = self.names.texts(f"_dmarc.{name}", self.deadline)
            records = [text.decode("ascii", "replace") for text in texts if re.match(rb"(?i)v=DMARC1\s*(;|$)", text)]
            if len(records) == 1:
                return read_tags(records[0]), is_of_parent
            if name == organization(domain):
                break
        return {}, False


class SpfQuery(spf.query):  # type: ignore[misc] # pyspf has no types
    """pyspf with our resolver; its rules on the number of look-ups stay."""

    def __init__(self, checker: Checker, **facts: Any) -> None:
        self._checker = checker
        super().__init__(**facts, timeout=5, querytime=int(LIMIT_S))

    def dns(
        self,
        name: Any,
        qtype: str,
        cnames: Any = None,  # noqa: ARG002 - pyspf calls it so
        ignore_void: bool = False,  # noqa: FBT001, FBT002 - pyspf calls it so
    ) -> list[Any]:
        """Records in pyspf's own shapes. Raises its TempError and PermError."""
        text = str(name).rstrip(".").lower()
        if not text or any(not 0 < len(part) < 64 for part in text.split(".")) or qtype == "SPF":
            return []
        try:
            records = self._checker.names.look_up(text, qtype, self._checker.deadline)
        except Trouble as error:
            raise spf.TempError(str(error)) from error
        found = [to_pyspf(record, qtype) for record in records]
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
        return found


def to_pyspf(record: Any, kind: str) -> Any:
    """A record as pyspf's own look-ups give it."""
    if kind in {"A", "AAAA"}:
        return record.address
    if kind == "MX":
        return (record.preference, record.exchange.to_text(omit_final_dot=True))
    if kind == "PTR":
        return record.target.to_text(omit_final_dot=True)
    return record.strings


def is_aligned(domain: str, other: str, *, is_strict: bool) -> bool:
    """Whether two domains are of one hand (RFC 7489 3.1)."""
    if not other:
        return False
    return domain == other or (not is_strict and organization(domain) == organization(other))


@lru_cache(maxsize=1)
def suffixes() -> PublicSuffixList:
    """The list of names under which everybody may register: the one that comes with authheaders."""
    path = importlib.resources.files("authheaders") / "public_suffix_list.txt"
    with path.open(encoding="utf-8") as lines:
        return PublicSuffixList(lines)


@lru_cache(maxsize=5_000)
def organization(domain: str) -> str:
    """The domain that somebody registered: `example.co.uk` of `mail.example.co.uk`."""
    found: str | None = suffixes().get_sld(domain, strict=True)
    return found or ".".join(domain.split(".")[-2:])


def read_tags(text: str) -> dict[str, str]:
    """`v=DMARC1; p=reject` as a dictionary, in lower case."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, found, value in pairs if found}


def top_of(message: bytes) -> bytes:
    """The headers."""
    found = re.search(rb"\r?\n\r?\n", message)
    return message[: found.start()] if found else message[:512_000]
