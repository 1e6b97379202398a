"""SMTP replies: enhanced status codes (RFC 3463, RFC 2034) for those that aiosmtpd gives without."""

from __future__ import annotations

import re

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3} ")
CODES = {
    "221": "2.0.0",
    "250": "2.0.0",
    "252": "2.0.0",
    "421": "4.3.2",
    "450": "4.7.1",
    "451": "4.3.0",
    "452": "4.5.3",
    "454": "4.7.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "550": "5.1.1",
    "552": "5.3.4",
    "553": "5.1.3",
    "554": "5.7.1",
    "555": "5.5.4",
}


def enhance(reply: str) -> str:
    """`250 OK` as `250 2.0.0 OK`. Greetings, answers to EHLO and half-way replies (2xx-, 3xx) stay."""
    code, blank, text = reply[:3], reply[3:4], reply[4:]
    if blank != " " or code not in CODES or text == "HELP" or ENHANCED.match(text):
        return reply
    return f"{code} {CODES[code]} {text}"


def is_failure(reply: str) -> bool:
    """Whether a reply says that the client did something wrong."""
    return reply.startswith(("50", "53", "55"))
