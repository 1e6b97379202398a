"""What a client sends, told apart by its first bytes; the two kinds of data are passed on here."""

from __future__ import annotations

import struct
from typing import Protocol

from fazt.apps.turn.engine.allocations import Allocation
from fazt.apps.turn.engine.counts import Counts
from fazt.apps.turn.engine.paths import Client
from fazt.apps.turn.wire.attributes import DATA, FINGERPRINT, XOR_PEER_ADDRESS
from fazt.apps.turn.wire.message import pack_type
from fazt.apps.turn.wire.numbers import COOKIE, INDICATION, SEND

_CHANNEL_HEADER = struct.Struct("!HH")
# A Send indication as every browser writes it to an IPv4 peer: header, XOR-PEER-ADDRESS, DATA.
_SEND_IPV4 = struct.Struct("!HHI12xI8sHH")
_SEND_TYPE = pack_type(SEND, INDICATION)
_PEER_HEAD = XOR_PEER_ADDRESS.number << 16 | 8
_FINGERPRINT_HEAD = FINGERPRINT.number.to_bytes(2, "big") + b"\0\4"


class Answers(Protocol):
    """Who answers what is neither kind of data."""

    counts: Counts

    def handle(self, client: Client, allocation: Allocation | None, data: bytes) -> None:
        """Take one STUN message, whatever it holds."""

    def release(self, allocation: Allocation) -> None:
        """End an allocation."""


def pass_on(allocation: Allocation, view: memoryview, start: int, size: int) -> bool:
    """Relay a ChannelData message or a plain Send indication; False for anything else.

    An unbound channel, a length that the packet does not have: taken, and dropped.
    """
    kind, length = _CHANNEL_HEADER.unpack_from(view, start)
    if kind & 0xC000:
        peer = allocation.channels.get(kind)
        if peer is None or length + 4 > size:
            allocation.drop("unbound_channel" if peer is None else "cut_short")
            return True
        allocation.send(peer, view, start + 4, length)
        return True
    if kind != _SEND_TYPE or size < 36 or length + 20 != size:
        return False
    _, _, cookie, head, key, data, payload = _SEND_IPV4.unpack_from(view, start)
    if head != _PEER_HEAD or data != DATA.number or cookie != COOKIE:
        return False
    rest = size - 36 - payload - (-payload & 3)
    if rest and not (rest == 8 and view[start + size - 8 : start + size - 4] == _FINGERPRINT_HEAD):
        return False
    # The address stays as it is on the wire: for IPv4 the XOR does not depend on the transaction.
    peer = allocation.sends.get(key)
    if peer is None:
        return False
    allocation.send(peer, view, start + 36, payload)
    return True
