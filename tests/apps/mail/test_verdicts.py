"""SPF, DKIM, DMARC and ARC, judged with a real name server on loopback."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest

from fazt.apps.mail.actions.send import new_private_key, public_record
from fazt.apps.mail.engine.dns import Names, split_server
from fazt.apps.mail.engine.verdicts import Checker, Judge
from fazt.apps.mail.model.message import Envelope
from fazt.apps.mail.wire.compose import sign
from tests.apps.mail.servers import mail_program, name_server, ports, quoted
from tests.program import Program

KEY = new_private_key()
ZONE = f"""
good.example. 60 IN TXT "v=spf1 ip4:192.0.2.0/28 include:more.example -all"
more.example. 60 IN TXT "v=spf1 a:mail.more.example mx -all"
mail.more.example. 60 IN A 198.51.100.7
more.example. 60 IN MX 10 mx.more.example.
mx.more.example. 60 IN AAAA 2001:db8::25
soft.example. 60 IN TXT "v=spf1 ~all"
broken.example. 60 IN TXT "v=spf1 nonsense:x -all"
two.example. 60 IN TXT "v=spf1 -all"
two.example. 60 IN TXT "v=spf1 +all"
local.example. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"
loop.example. 60 IN TXT "v=spf1 include:loop.example -all"
s1._domainkey.good.example. 60 IN TXT {quoted(public_record(KEY))}
s1._domainkey.local.example. 60 IN TXT {quoted(public_record(KEY))}
_dmarc.good.example. 60 IN TXT "v=DMARC1; p=reject; sp=quarantine"
_dmarc.local.example. 60 IN TXT "v=DMARC1; p=reject; adkim=s"
_dmarc.soft.example. 60 IN TXT "v=DMARC1; p=none"
"""
MESSAGE = b"From: Anna <anna@good.example>\r\nTo: b@example.org\r\nSubject: hi\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with name_server(ZONE) as address:
        yield address


@pytest.fixture
def checker(server: str) -> Checker:
    return Checker(Names([server]), time.monotonic() + 10)


@pytest.mark.parametrize(
    ("address", "sender", "result"),
    [
        ("192.0.2.5", "a@good.example", "pass"),
        ("192.0.2.77", "a@good.example", "fail"),
        ("198.51.100.7", "a@good.example", "pass"),
        ("2001:db8::25", "a@good.example", "pass"),
        ("192.0.2.5", "a@soft.example", "softfail"),
        ("192.0.2.5", "a@broken.example", "permerror"),
        ("192.0.2.5", "a@two.example", "permerror"),
        ("192.0.2.5", "a@loop.example", "permerror"),
        ("192.0.2.5", "a@nothing.example", "none"),
        ("192.0.2.5", "", "pass"),
        ("", "a@good.example", "none"),
    ],
)
def test_spf(checker: Checker, address: str, sender: str, result: str) -> None:
    envelope = Envelope(sender, (), "smtp", helo="good.example", address=address)
    assert checker.spf(envelope)[0] == result


def test_dkim(checker: Checker) -> None:
    signed = sign(MESSAGE, "good.example", "s1", KEY)
    assert checker.dkim(signed) == ("pass", ("good.example",))
    assert checker.dkim(signed.replace(b"body", b"b0dy"))[0] == "fail"
    assert checker.dkim(signed.replace(b"Subject: hi", b"Subject: ho"))[0] == "fail"
    assert checker.dkim(MESSAGE) == ("none", ())
    unknown = sign(MESSAGE, "good.example", "s2", KEY)
    assert checker.dkim(unknown)[0] == "permerror"
    assert checker.dkim(unknown.replace(b"DKIM-Signature: ", b"DKIM-Signature: garbage;=;"))[0] == "permerror"
    both = sign(signed, "good.example", "s2", KEY)
    assert checker.dkim(both) == ("pass", ("good.example",))
    assert checker.dkim(b"DKIM-Signature: v=1\r\n" * 500 + b"\r\n")[0] == "permerror"


def test_dkim_of_other_signers(checker: Checker) -> None:
    """Dkimpy's own defaults and the weaker canonicalizations."""
    for how in ((b"simple", b"simple"), (b"relaxed", b"simple")):
        theirs = dkim.sign(MESSAGE, b"s1", b"good.example", KEY.encode(), canonicalize=how)
        assert checker.dkim(theirs + MESSAGE)[0] == "pass"


@pytest.mark.parametrize(
    ("domain", "spf", "signed", "verdict"),
    [
        ("good.example", ("pass", "good.example"), (), ("pass", "reject")),
        ("good.example", ("fail", "good.example"), ("good.example",), ("pass", "reject")),
        ("good.example", ("pass", "bounce.good.example"), (), ("pass", "reject")),
        ("good.example", ("pass", "other.example"), ("other.example",), ("fail", "reject")),
        ("news.good.example", ("none", ""), (), ("fail", "quarantine")),
        ("local.example", ("none", ""), ("sub.local.example",), ("fail", "reject")),
        ("soft.example", ("none", ""), (), ("fail", "none")),
        ("nothing.example", ("pass", "nothing.example"), (), ("none", "")),
        ("", ("pass", "x"), (), ("none", "")),
    ],
)
def test_dmarc(checker: Checker, domain: str, spf: tuple[str, str], signed: tuple[str, ...], verdict: Any) -> None:
    assert checker.dmarc(domain, *spf, signed) == verdict


def test_arc(checker: Checker) -> None:
    signed = sign(MESSAGE, "good.example", "s1", KEY)
    results = b"Authentication-Results: good.example; dkim=pass header.d=good.example\r\n"
    seals = dkim.arc_sign(
        results + signed, b"s1", b"good.example", KEY.encode(), b"good.example", timestamp="1795000000"
    )
    sealed = b"".join(seals) + results + signed
    assert checker.arc(sealed) == "pass"
    assert checker.arc(sealed.replace(b"body", b"b0dy")) == "fail"
    assert checker.arc(signed) == "none"


async def test_a_silent_name_server_costs_little_time() -> None:
    judge = Judge(Names(["127.0.0.1:9"]), limit_s=1.0)
    envelope = Envelope("a@good.example", (), "smtp", helo="x.example", address="192.0.2.1")
    started = time.monotonic()
    signed = sign(MESSAGE, "good.example", "s1", KEY)
    verdicts = await judge.check(signed, envelope, "anna@good.example", is_trusted=False)
    judge.close()
    assert (verdicts.spf, verdicts.dkim, verdicts.dmarc) == ("temperror",) * 3
    assert time.monotonic() - started < 10


def test_name_servers_are_read() -> None:
    assert split_server("192.0.2.1") == ("192.0.2.1", 53)
    assert split_server("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert split_server("2001:db8::1") == ("2001:db8::1", 53)
    assert split_server("[2001:db8::1]:5353") == ("2001:db8::1", 5353)


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory, server: str) -> Iterator[Program]:
    """A cloud that trusts nobody and asks our name server."""
    folder = tmp_path_factory.mktemp("verdicts")
    with mail_program(template_file, folder, dns_servers=[server], trusted_networks=[], greylist_minutes=0) as program:
        yield program


def test_verdicts_are_stored_and_forgeries_go_to_junk(cloud: Program) -> None:
    honest = MESSAGE.replace(b"anna@good.example", b"anna@local.example")
    forged = honest.replace(b"<1@x>", b"<2@x>").replace(b"Subject: hi", b"Subject: forged")
    with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
        client.sendmail("a@local.example", ["admin@localhost"], sign(honest, "local.example", "s1", KEY))
        altered = sign(forged, "local.example", "s1", KEY).replace(b"body", b"b0dy")
        client.sendmail("evil@two.example", ["admin@localhost"], altered)
    with cloud.owner() as owner:
        (good,) = owner.get("/api/v1/mail/messages").json()
        (bad,) = owner.get("/api/v1/mail/messages", params={"view": "junk"}).json()
    assert {name: good["verdicts"][name] for name in ("spf", "dkim", "dmarc")} == dict.fromkeys(
        ("spf", "dkim", "dmarc"), "pass"
    )
    assert (bad["verdicts"]["dkim"], bad["verdicts"]["dmarc"], bad["verdicts"]["policy"]) == ("fail", "fail", "reject")


def test_the_doctor_names_what_is_missing(template_file: Path, tmp_path: Path) -> None:
    zone = """
    good.example. 60 IN MX 10 mail.good.example.
    mail.good.example. 60 IN A 127.0.0.1
    good.example. 60 IN TXT "v=spf1 +all"
    _dmarc.good.example. 60 IN TXT "v=DMARC1; p=none"
    fazt._domainkey.good.example. 60 IN TXT "x"
    """
    with (
        name_server(zone) as server,
        mail_program(template_file, tmp_path, domain="good.example", dns_servers=[server]) as program,
        program.owner() as owner,
    ):
        found = {one["what"]: one for one in owner.get("/api/v1/mail/doctor", timeout=60).json()}
    assert found["MX"]["state"] == "good"
    assert found["SPF"]["state"] == "bad"
    assert found["SPF"]["record"].startswith('good.example. TXT "v=spf1 mx')
    assert found["DKIM"]["state"] == "bad"
    assert "_domainkey.good.example. TXT" in found["DKIM"]["record"]
    assert found["DMARC"]["state"] == "warn"
    assert found["relay"]["state"] == "bad"
    assert found["PTR"]["state"] == "warn"
