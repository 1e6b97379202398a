"""How HTTP says each kind of error: a status, and RFC 9457 problem+json or a page."""

from __future__ import annotations

import msgspec

from fazt.core.errors import FaztError
from fazt.core.log import get_logger, request_id

STATUS = {
    "invalid": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "precondition_failed": 412,
    "too_large": 413,
    "locked": 423,
    "too_many": 429,
    "internal": 500,
    "unavailable": 503,
    "over_quota": 507,
}
TITLES = {
    400: "Bad request",
    401: "Log in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed since",
    413: "Too large",
    423: "Locked",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Not available",
    507: "No room",
}
INTERNAL = "Something went wrong on our side; it was written to the log."

log = get_logger(__name__)


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457, with `hint`, `details` and `request` (the id in the log) as extensions."""

    status: int
    title: str
    detail: str
    type: str = "about:blank"
    hint: str = ""
    details: dict[str, object] = {}
    request: str = ""


def to_problem(error: BaseException) -> Problem:
    """The problem that a stranger may read. What nobody foresaw is logged here, and says nothing."""
    if not isinstance(error, FaztError):
        log.error("unforeseen error", exc_info=error)
        return Problem(500, TITLES[500], INTERNAL, request=request_id.get())
    status = STATUS[error.kind]
    if error.__cause__ is not None:
        log.info("%s: %s", error, error.__cause__)
    return Problem(status, TITLES[status], error.message, hint=error.hint, details=error.details)


def to_headers(problem: Problem) -> list[tuple[bytes, bytes]]:
    """Headers that go with a problem besides its content type."""
    headers = [(b"cache-control", b"no-store")]
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="fazt"'))
    if retry_after := problem.details.get("retry_after"):
        headers.append((b"retry-after", str(retry_after).encode()))
    return headers


def encode_problem(problem: Problem) -> bytes:
    """As problem+json."""
    return msgspec.json.encode(problem)
