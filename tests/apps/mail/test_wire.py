"""Messages and protocols as bytes: transcripts, tables, and whatever hypothesis thinks of."""

from __future__ import annotations

import base64
import re

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.mail.actions.send import complete, new_private_key, public_record
from fazt.apps.mail.model.addresses import parse_path
from fazt.apps.mail.model.outgoing import Attachment, Draft
from fazt.apps.mail.wire import html, mime
from fazt.apps.mail.wire.compose import compose, sign
from fazt.apps.mail.wire.data import DataReader
from fazt.apps.mail.wire.markup import is_deep
from fazt.apps.mail.wire.replies import enhance
from fazt.apps.mail.wire.reports import is_report, read_report
from fazt.core.errors import Invalid, TooLarge

END = b"\r\n.\r\n"
PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r", b"\n", b"..", b"\r\n.", b"x" * 50]), max_size=40)


def whole(stream: bytes) -> tuple[bytes, bytes, bool]:
    """What RFC 5321 says that a stream after 354 is: the message, what follows, and whether a line end is bare."""
    marked = b"\r\n" + stream
    end = marked.index(END)
    text = marked[: end + 2]
    return text.replace(b"\r\n.", b"\r\n")[2:], marked[end + 5 :], bool(re.search(rb"(?<!\r)\n|\r(?!\n)", text))


@given(PIECES, st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_data_is_the_same_however_it_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces) + END + b"QUIT\r\n"
    reader, got, at, turn = DataReader(), b"", 0, 0
    while at < len(stream):
        got += reader.feed(stream[at : at + cuts[turn % len(cuts)]])
        at += cuts[turn % len(cuts)]
        turn += 1
    assert (got, reader.rest, reader.is_bare) == whole(stream)
    assert reader.is_done


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\n.\r"])
def test_no_other_end_of_a_message_counts(end: bytes) -> None:
    reader = DataReader()
    reader.feed(b"a\r\n" + end + b"MAIL FROM:<evil@example.org>\r\n")
    assert not reader.is_done
    assert reader.is_bare


def digest_of(data: bytes, step: int = 4_000) -> mime.Digest:
    digest = mime.Digest(10**9)
    for at in range(0, len(data), step):
        digest.push(data[at : at + step])
    return digest


def test_doubles_by_different_ways_fold() -> None:
    body = b"\r\nHello\r\n"
    one = digest_of(b"Received: by one\r\nMessage-ID: <a@b>\r\nFrom: a@b.c\r\n" + body)
    two = digest_of(b"Received: by another\r\nFrom: a@b.c\r\nMessage-Id: <a@b>\r\n" + body, step=3)
    other = digest_of(b"Message-ID: <a@b>\r\nFrom: a@b.c\r\n\r\nHello!\r\n")
    assert one.fold() == two.fold() != other.fold()
    assert digest_of(b"Subject: disk full\r\n\r\n").fold() == ""


def test_a_large_message_is_read_from_a_small_copy() -> None:
    line = base64.b64encode(b"x" * 57) + b"\r\n"
    top = b"From: a@b.c\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    top += b"Content-Type: application/zip; name=a.zip\r\n"
    data = top + b"Content-Transfer-Encoding: base64\r\n\r\n" + line * 100_000 + b"--b\r\n\r\nthe end\r\n--b--\r\n"
    digest = digest_of(data, 65_536)
    assert digest.whole is None
    assert len(digest.head()) < 100_000
    facts = mime.read(digest.head(), 0)
    assert facts.text == "the end"
    assert facts.parts[0].name == "a.zip"
    with pytest.raises(TooLarge):
        mime.Digest(10).push(b"x" * 11)


@given(st.binary(max_size=400))
def test_reading_never_raises(data: bytes) -> None:
    for start in (b"", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n", b"Subject: =?utf-8?q?"):
        facts = mime.read(start + data, 0)
        html.document(facts, {}, with_images=False)
        mime.find_part(start + data, 0)
        read_report(start + data)


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"Subject: =?utf-8?b?R3I=?= =?iso-8859-1?q?=FC=DFe?=", "Grüße"),
        (b"Subject: =?no-such-charset?q?a=FC?=", "aü"),
        ("Subject: Grüße".encode(), "Grüße"),
        ("Subject: Grüße".encode("latin-1"), "Grüße"),
        (b"Subject: =?utf-8?b?!!!!?=", "=?utf-8?b?!!!!?="),
        (b"Subject: a\r\n b\r\n\tc", "a b c"),
        (b"Subject: a\x00b\x07", "ab"),
    ],
)
def test_subjects(raw: bytes, subject: str) -> None:
    assert mime.read(raw + b"\r\n\r\n", 0).subject == subject


@pytest.mark.parametrize("charset", [b"i\x00o-8859-1", b"no-such", b"\xff", b"", b"idna", b"rot13"])
def test_a_charset_that_is_none_costs_no_message(charset: bytes) -> None:
    found = mime.read(b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\nGr\xc3\xbc\xc3\x9fe", 0)
    assert found.text == "Grüße"


DANGEROUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<svg onload=alert(1)><script>1</script></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=https://evil.example><input name=password></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example>",
    "<style>@import 'https://evil.example/x.css'</style>",
    '<p style="background:url(https://evil.example/x.png)">x</p>',
    '<p style="position:fixed;top:0">x</p>',
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<object data=x></object><embed src=x>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<img src=https://evil.example/pixel.gif>",
    "<video src=https://evil.example/x autoplay></video>",
]


@pytest.mark.parametrize("markup", DANGEROUS)
def test_html_is_made_harmless(markup: str) -> None:
    message = f"Content-Type: text/html\r\n\r\n<p>fine</p>{markup}".encode()
    page = html.document(mime.read(message, 0), {}, with_images=False).partition("<body>")[2]
    assert "fine" in page
    assert not re.search(r"(?i)<script|onerror|onload|javascript:|evil\.example|srcdoc|position", page)


def test_pictures_are_shown_from_inside_and_from_elsewhere_only_when_asked() -> None:
    facts = mime.read(b"Content-Type: text/html\r\n\r\n<img src=cid:a><img src=https://example.org/b.png>", 0)
    page = html.document(facts, {"a": "data:image/png;base64,AAAA"}, with_images=False)
    assert "data:image/png;base64,AAAA" in page
    assert "example.org" not in page
    assert html.has_remote(facts.html)
    assert "https://example.org/b.png" in html.document(facts, {}, with_images=True)
    assert "https:" not in html.policy(with_images=False)


def test_a_nest_without_end_is_shown_as_text() -> None:
    deep = "<div>" * 50_000 + "inside"
    assert is_deep(deep)
    assert not is_deep("<p>x<p>y<br><td>" * 5_000)
    facts = mime.read(f"Content-Type: text/html\r\n\r\n{deep}".encode(), 0)
    assert "inside" in html.document(facts, {}, with_images=False)


def test_what_we_write_can_be_read() -> None:
    draft = Draft(
        sender="Anna Müller <anna@example.org>",
        to=("Bert <bert@example.org>",),
        cc=("c@example.org",),
        bcc=("secret@example.org",),
        subject="Grüße " * 30,
        text="Hällo\n.\nFrom me\n",
        html="<p>Hällo <img src=cid:p></p>",
        attachments=(
            Attachment("a.png", "image/png", b"123", "p"),
            Attachment("ü/../x.pdf", "application/pdf", b"%PDF"),
        ),
        headers=(("X-Mine", "yes"), ("Bcc", "no@example.org")),
        in_reply_to="before@example.org",
    )
    data = compose(draft, "id@example.org", 1_800_000_000_000)
    facts = mime.read(data, 0)
    assert b"secret@example.org" not in data
    assert b"no@example.org" not in data
    assert not re.search(rb"(?<!\r)\n", data)
    assert max(map(len, data.split(b"\r\n"))) < 998
    assert (facts.from_name, facts.from_address) == ("Anna Müller", "anna@example.org")
    assert facts.subject == ("Grüße " * 30).strip()
    assert facts.text.replace("\r\n", "\n").rstrip("\n") == "Hällo\n.\nFrom me"
    assert [(part.name, part.is_inline) for part in facts.parts if part.name] == [
        ("a.png", True),
        ("ü_.._x.pdf", False),
    ]
    assert facts.header("x-mine") == "yes"
    assert facts.references == ("before@example.org",)


@pytest.mark.parametrize("bad", [("X-A", "1\r\nBcc: x@y.z"), ("X A", "1"), ("", "1")])
def test_headers_cannot_be_smuggled(bad: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        compose(Draft(sender="a@b.c", to=("d@e.f",), headers=(bad,)), "i@b.c", 0)


def test_our_signature_verifies_and_fails_when_altered() -> None:
    key = new_private_key()
    message = compose(Draft(sender="a@example.org", to=("d@e.f",), subject="s", text="body"), "i@example.org", 0)
    signed = sign(message, "example.org", "fazt1", key)

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"fazt1._domainkey.example.org."
        return public_record(key).encode()

    assert dkim.verify(signed, dnsfunc=look_up)
    assert not dkim.verify(signed.replace(b"body", b"bodY"), dnsfunc=look_up)
    assert not dkim.verify(signed.replace(b"Subject: s", b"Subject: t"), dnsfunc=look_up)


def test_submitted_messages_are_completed() -> None:
    done = complete(b"From: a@b.c\nBcc: hidden@x.y,\n more@x.y\nSubject: x\n\nbody\n", "a@b.c", 0)
    assert b"hidden" not in done
    assert b"more@x.y" not in done
    assert done.endswith(b"\r\n\r\nbody\r\n")
    assert re.search(rb"(?m)^Message-ID: <\S+@b\.c>\r$", done)
    assert b"Date: Thu, 01 Jan 1970" in done


REPORT = b"""From: MAILER-DAEMON@example.net
Content-Type: multipart/report; report-type=delivery-status;
 boundary="b"

--b

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; example.net

Final-Recipient: rfc822; gone@example.net
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

Final-Recipient: rfc822; full@example.net
Action: delayed
Status: 4.2.2
--b
Content-Type: message/rfc822

Message-ID: <ours@example.org>
Subject: x

y
--b--
""".replace(b"\n", b"\r\n")


def test_delivery_reports() -> None:
    assert is_report(REPORT)
    assert not is_report(b"Content-Type: text/plain\r\n\r\nContent-Type: multipart/report; report-type=delivery-status")
    about, reports = read_report(REPORT)
    assert about == "ours@example.org"
    assert [(one.address, one.is_final, one.is_hard) for one in reports] == [
        ("gone@example.net", True, True),
        ("full@example.net", False, False),
    ]


@pytest.mark.parametrize(
    ("reply", "better"),
    [
        ("250 OK", "250 2.0.0 OK"),
        ("250 2.1.5 OK", "250 2.1.5 OK"),
        ("220 ready", "220 ready"),
        ("250-SIZE 1", "250-SIZE 1"),
        ("250 HELP", "250 HELP"),
        ("500 Error: bad syntax", "500 5.5.2 Error: bad syntax"),
        ("334 x", "334 x"),
    ],
)
def test_replies_have_enhanced_codes(reply: str, better: str) -> None:
    assert enhance(reply) == better


def test_a_path_that_is_no_utf8_is_bad_syntax() -> None:
    assert parse_path("<anna\udcc7@example.org>") is None
    assert parse_path("<anna@ex\udcc7mple.org>") is None
