"""The numbers of STUN and TURN that are not attributes: cookie, methods, classes, error codes."""

from typing import Final

COOKIE: Final = 0x2112A442
COOKIE_BYTES: Final = COOKIE.to_bytes(4, "big")
HEADER_SIZE: Final = 20

# Classes, as the two bits they are inside the message type (RFC 8489 section 5).
REQUEST: Final = 0x0000
INDICATION: Final = 0x0010
SUCCESS: Final = 0x0100
ERROR: Final = 0x0110
CLASS_MASK: Final = 0x0110

BINDING: Final = 0x001
ALLOCATE: Final = 0x003
REFRESH: Final = 0x004
SEND: Final = 0x006
DATA: Final = 0x007
CREATE_PERMISSION: Final = 0x008
CHANNEL_BIND: Final = 0x009

METHOD_NAMES: Final = {
    BINDING: "binding",
    ALLOCATE: "allocate",
    REFRESH: "refresh",
    SEND: "send",
    DATA: "data",
    CREATE_PERMISSION: "create_permission",
    CHANNEL_BIND: "channel_bind",
}

CHANNEL_FIRST: Final = 0x4000
CHANNEL_LAST: Final = 0x7FFE  # RFC 5766; RFC 8656 ends at 0x4FFF, but older clients draw from the whole range

UDP_PROTOCOL: Final = 17
IPV4: Final = 1
IPV6: Final = 2

PASSWORD_MD5: Final = 1
PASSWORD_SHA256: Final = 2

BAD_REQUEST: Final = 400
UNAUTHENTICATED: Final = 401
FORBIDDEN: Final = 403
UNKNOWN_ATTRIBUTE: Final = 420
ALLOCATION_MISMATCH: Final = 437
STALE_NONCE: Final = 438
FAMILY_NOT_SUPPORTED: Final = 440
WRONG_CREDENTIALS: Final = 441
TRANSPORT_NOT_SUPPORTED: Final = 442
FAMILY_MISMATCH: Final = 443
ALLOCATION_QUOTA: Final = 486
INSUFFICIENT_CAPACITY: Final = 508

REASONS: Final = {
    BAD_REQUEST: "Bad Request",
    UNAUTHENTICATED: "",  # answered to strangers: as small as can be
    FORBIDDEN: "Forbidden",
    UNKNOWN_ATTRIBUTE: "",
    ALLOCATION_MISMATCH: "Allocation Mismatch",
    STALE_NONCE: "",
    FAMILY_NOT_SUPPORTED: "Address Family not Supported",
    WRONG_CREDENTIALS: "Wrong Credentials",
    TRANSPORT_NOT_SUPPORTED: "Unsupported Transport Protocol",
    FAMILY_MISMATCH: "Peer Address Family Mismatch",
    ALLOCATION_QUOTA: "Allocation Quota Reached",
    INSUFFICIENT_CAPACITY: "Insufficient Capacity",
}
