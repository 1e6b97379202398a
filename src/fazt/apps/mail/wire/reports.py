"""Delivery reports (RFC 3464): what another server says about a message that we sent."""

from __future__ import annotations

import re

from msgspec import Struct

from fazt.apps.mail.wire.mime import MESSAGE_ID, content, content_type, decode_bytes, leaves, one_line, parse

KIND = re.compile(rb"(?im)^content-type:[ \t]*multipart/report\b[^\r\n]*(?:\r?\n[ \t][^\r\n]*){0,9}")
FIELD = re.compile(r"(?im)^([A-Za-z-]+):[ \t]*(.*(?:\r?\n[ \t].*)*)")


class Report(Struct, frozen=True):
    """One recipient of a report: `action` is failed, delayed, delivered, …; `status` is like 5.1.1."""

    address: str
    action: str
    status: str
    detail: str

    @property
    def is_final(self) -> bool:
        """Whether it will never arrive."""
        return self.action == "failed"

    @property
    def is_hard(self) -> bool:
        """Whether the address itself is at fault, so that later messages would fail as well."""
        return self.is_final and re.match(r"5\.(?:1\.[0-46]|2\.1|7\.13)$", self.status) is not None


def is_report(head: bytes) -> bool:
    """Whether the top of a message says that it is a report."""
    top = re.split(rb"\r?\n\r?\n", head[:65_536], maxsplit=1)[0]
    found = KIND.search(top)
    return found is not None and b"delivery-status" in found[0].lower()


def read_report(head: bytes) -> tuple[str, list[Report]]:
    """The Message-ID of the message that the report is about ("" where it does not say), and the recipients."""
    about, reports = "", []
    for part in leaves(parse(head)):
        kind = content_type(part)
        if kind == "message/delivery-status":
            reports += read_status(decode_bytes(content(part)[:65_536]))
        elif (
            kind in {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"} and not about
        ):
            found = re.search(r"(?im)^message-id:\s*(<[^<>\s]{1,500}>)", decode_bytes(content(part)[:65_536]))
            about = MESSAGE_ID.findall(found[1])[0] if found else ""
    return about, reports


def read_status(text: str) -> list[Report]:
    """The groups of a message/delivery-status part, one for each recipient."""
    reports = []
    for group in re.split(r"\r?\n\s*\r?\n", text)[:200]:
        fields = {found[1].lower(): one_line(found[2], 500) for found in FIELD.finditer(group)}
        recipient = fields.get("original-recipient") or fields.get("final-recipient") or ""
        address = recipient.partition(";")[2].strip() or recipient.strip()
        if address and "action" in fields:
            status = (re.search(r"\d\.\d{1,3}\.\d{1,3}", fields.get("status", "")) or [""])[0]
            detail = fields.get("diagnostic-code", "").partition(";")[2].strip() or status
            reports.append(Report(address.strip("<>"), fields["action"].split()[0].lower(), status, detail))
    return reports
