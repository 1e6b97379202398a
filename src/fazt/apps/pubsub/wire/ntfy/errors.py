"""How ntfy says what is wrong: a status, a code of its own, and a sentence."""

from __future__ import annotations

import msgspec

from fazt.core.errors import FaztError

DOCS = "https://ntfy.sh/docs/"
LINKS = {
    40004: "publish/#scheduled-delivery",
    40005: "publish/#scheduled-delivery",
    40006: "publish/#scheduled-delivery",
    40007: "publish/#message-priority",
    40008: "subscribe/api/#fetch-cached-messages",
    40013: "publish/#attachments",
    40017: "publish/#publish-as-json",
    40018: "publish/#action-buttons",
    40101: "publish/#authentication",
    40301: "publish/#authentication",
    41301: "publish/#limitations",
    42901: "publish/#limitations",
    42903: "publish/#limitations",
}
CODES = {
    "unauthorized": (401, 40101),
    "forbidden": (403, 40301),
    "not_found": (404, 40401),
    "too_large": (413, 41301),
    "too_many": (429, 42901),
    "over_quota": (507, 50701),
    "unavailable": (503, 50301),
    "invalid": (400, 40000),
    "conflict": (409, 40900),
}


class NtfyError(FaztError):
    """Something that ntfy has a code for; the first three digits are the status."""

    kind = "invalid"

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Said(msgspec.Struct, omit_defaults=True):
    """An error as ntfy's clients read it."""

    code: int
    http: int
    error: str
    link: str = ""


def to_said(error: FaztError) -> Said:
    """Any foreseen error in ntfy's form."""
    if isinstance(error, NtfyError):
        status, code = error.code // 100, error.code
    else:
        status, code = CODES.get(error.kind, (500, 50001))
    message = error.message if status != 500 else "internal server error"
    return Said(code, status, message, DOCS + LINKS[code] if code in LINKS else "")
