"""The short way through a plain message gives what the standard library's own parser gives."""

from __future__ import annotations

import email
import email.policy
from email.message import Message

from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.mail.wire import mime
from tests.apps.mail.odd import made, special

LINES = st.sampled_from(
    [
        b"Subject: one\r\n",
        b"Subject:  two \r\n",
        b" goes on\r\n",
        b"\t \r\n",
        b"From a@b.c\r\n",
        b"From: a@b.c\n",
        b"no colon\r\n",
        b": no name\r\n",
        b"X-Odd\xff: \xe9\r\n",
        b"X-Eight: \xe9\xff\r\n",
        b"X-Bare: a\rb\r\n",
        b"Content-Type: text/html; charset=x\r\n",
        b"Content-Type: MultiPart/mixed; boundary=b\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"\r\n",
        b"\n",
        b"--b\r\n",
        b"body \xc3\xa9\r\n",
        b"last",
    ]
)


def shape(message: Message) -> object:
    """All that a tree says."""
    payload = vars(message)["_payload"]  # get_payload decodes by charsets that may be anything
    inner = [shape(part) for part in payload] if isinstance(payload, list) else payload
    return list(message.raw_items()), message.preamble, message.epilogue, message.get_unixfrom(), inner


def check(data: bytes) -> None:
    """Both ways, the same tree."""
    assert shape(mime.parse(data)) == shape(email.message_from_bytes(data, policy=email.policy.compat32))


@given(st.lists(LINES, max_size=12).map(b"".join))
def test_any_lines_are_read_alike(data: bytes) -> None:
    check(data)


def test_odd_messages_are_read_alike() -> None:
    for data in [*made(300), *(data for data in special() if len(data) < 100_000)]:
        try:
            check(data)
        except RecursionError:  # the standard library's own end, which parse survives
            mime.parse(data)


@given(st.text(alphabet=" >a\u00e9\x00\x1f\r\n\u2028", max_size=600))
def test_the_snippet_is_the_first_of_what_is_not_quoted(text: str) -> None:
    lines = [line for line in text.splitlines() if not line.startswith(">")]
    assert mime.snippet_of(text) == mime.one_line(" ".join(lines), 200)
