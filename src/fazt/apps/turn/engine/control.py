"""Requests and their answers: everything about a client but its data (RFC 8656 sections 7 to 12)."""

from __future__ import annotations

from time import monotonic

from fazt.apps.turn.engine.access import Credential, Gate, Refused
from fazt.apps.turn.engine.allocations import Allocation
from fazt.apps.turn.engine.births import Births
from fazt.apps.turn.engine.counts import Counts
from fazt.apps.turn.engine.floods import AnswerLimit
from fazt.apps.turn.engine.links import Endpoint
from fazt.apps.turn.engine.paths import Client, Grounds
from fazt.apps.turn.engine.peers import to_bytes, to_text
from fazt.apps.turn.model import Limits, Note
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.message import Message, build, parse
from fazt.apps.turn.wire.numbers import (
    ALLOCATE,
    ALLOCATION_MISMATCH,
    BAD_REQUEST,
    BINDING,
    CHANNEL_BIND,
    CHANNEL_FIRST,
    CHANNEL_LAST,
    CREATE_PERMISSION,
    ERROR,
    FAMILY_MISMATCH,
    FORBIDDEN,
    INDICATION,
    INSUFFICIENT_CAPACITY,
    METHOD_NAMES,
    REFRESH,
    REQUEST,
    SEND,
    SUCCESS,
    UNAUTHENTICATED,
    UNKNOWN_ATTRIBUTE,
    WRONG_CREDENTIALS,
)
from fazt.core.errors import Invalid

_SIGNING = (a.USERNAME, a.REALM, a.NONCE, a.MESSAGE_INTEGRITY, a.MESSAGE_INTEGRITY_SHA256, a.PASSWORD_ALGORITHM)
_ALLOCATING = (a.REQUESTED_TRANSPORT, a.EVEN_PORT, a.RESERVATION_TOKEN, a.REQUESTED_ADDRESS_FAMILY, a.DONT_FRAGMENT)
# What must be understood in each request besides what signs it. LIFETIME and the like in a place where they say
# nothing are understood, too: clients do send them.
KNOWN = frozenset(
    attribute.number
    for attribute in (*_SIGNING, *_ALLOCATING, a.LIFETIME, a.XOR_PEER_ADDRESS, a.CHANNEL_NUMBER, a.DATA)
)
REMEMBERED_S = 40.0
MAX_REMEMBERED = 4_096


class Control:
    """Answers clients. `allocations` are all there are, oldest first."""

    def __init__(self, gate: Gate, grounds: Grounds, births: Births, limits: Limits) -> None:
        self.gate = gate
        self.counts: Counts = grounds.counts
        self.limits = limits
        self.births = births
        self.allocations: dict[Allocation, None] = births.allocations
        self.strangers = AnswerLimit(limits.refusals_per_second)
        self._grounds = grounds
        self._ended: dict[tuple[Endpoint, bytes], tuple[float, bytes]] = {}
        self._methods = {
            ALLOCATE: self._allocate,
            REFRESH: self._refresh,
            CREATE_PERMISSION: self._create_permission,
            CHANNEL_BIND: self._bind_channel,
        }

    def handle(self, client: Client, allocation: Allocation | None, data: bytes) -> None:
        """See Answers. Whatever is not a request or a Send indication is dropped without a word."""
        try:
            message = parse(data)
        except Invalid:
            self.counts.add("dropped.malformed")
            return
        if message.kind == REQUEST:
            self._answer(client, allocation, message)
        elif message.kind == INDICATION and message.method == SEND and allocation is not None:
            self._send(allocation, message)
        else:
            self.counts.add("dropped.not_for_us")

    def release(self, allocation: Allocation) -> None:
        """See Answers."""
        self.births.end(allocation)

    def forget(self, now: float) -> None:
        """Drop answers that no retransmission can ask for any more."""
        for key, (until, _) in list(self._ended.items()):
            if until > now and len(self._ended) <= MAX_REMEMBERED:
                break
            del self._ended[key]

    # Requests.

    def _answer(self, client: Client, allocation: Allocation | None, message: Message) -> None:
        self.counts.add(f"requests.{METHOD_NAMES.get(message.method, 'unknown')}")
        credential: Credential | None = None
        method = self._methods.get(message.method)
        try:
            if method is None:
                self._answer_stranger(client, message)
                return
            held = allocation.credential if allocation is not None else None
            credential = self.gate.authenticate(message, client.address[0], held)
            _check_known(message)
            answer = method(client, allocation, message, credential)
        except Refused as refused:
            self._refuse(client, message, refused, credential)
        except Invalid as error:
            self._refuse(client, message, Refused(BAD_REQUEST, why=error.message), credential)
        else:
            client.answer(answer)

    def _refuse(self, client: Client, message: Message, refused: Refused, credential: Credential | None) -> None:
        self.counts.add(f"refused.{refused.code}")
        if refused.why:
            if refused.code == UNAUTHENTICATED:
                self.counts.add("wrong_credentials")
            name = METHOD_NAMES.get(message.method, "unknown")
            user = f" user {credential.user!r}" if credential else ""
            text = (
                f"refused {name} from {client.address[0]} over {client.transport}{user}: {refused.code} {refused.why}"
            )
            self.counts.note(Note("info", text))
        if credential is None and not self._may_answer_stranger(client):
            return
        key, integrity = (credential.key, credential.integrity) if credential else (b"", a.MESSAGE_INTEGRITY)
        client.answer(build(message.method, ERROR, message.transaction, refused.pairs, key=key, integrity=integrity))

    def _may_answer_stranger(self, client: Client) -> bool:
        if client.transport != "udp" or self.strangers.take(client.address[0], monotonic()):
            return True
        self.counts.add("dropped.stranger_flood")
        return False

    def _answer_stranger(self, client: Client, message: Message) -> None:
        """STUN itself: the address a client is seen at, in as few bytes as can be."""
        if message.method != BINDING:
            raise Refused(BAD_REQUEST, why="unknown method")
        _check_known(message)
        if self._may_answer_stranger(client):
            pairs = [(a.XOR_MAPPED_ADDRESS, to_address(client.address))]
            client.answer(build(BINDING, SUCCESS, message.transaction, pairs))

    def _allocate(
        self, client: Client, allocation: Allocation | None, message: Message, credential: Credential
    ) -> bytes:
        if allocation is not None:
            if allocation.born_by == message.transaction:
                return allocation.birth_answer
            raise Refused(ALLOCATION_MISMATCH, why="there is an allocation already")
        created, pairs = self.births.create(client, message, credential, self.limits)
        answer = build(
            ALLOCATE,
            SUCCESS,
            message.transaction,
            [*pairs, (a.XOR_MAPPED_ADDRESS, to_address(client.address))],
            key=credential.key,
            integrity=credential.integrity,
        )
        created.born_by, created.birth_answer = message.transaction, answer
        return answer

    def _refresh(
        self, client: Client, allocation: Allocation | None, message: Message, credential: Credential
    ) -> bytes:
        again = self._ended.get((client.address, message.transaction))
        if again is not None and allocation is None:
            return again[1]
        current = _check_own(allocation, credential)
        family = message.get(a.REQUESTED_ADDRESS_FAMILY)
        if family is not None and all(relay.family != family for relay in current.sockets):
            raise Refused(FAMILY_MISMATCH)
        lifetime = self.births.choose_lifetime(message, current, self.limits)
        answer = _succeed(message, credential, [(a.LIFETIME, lifetime)])
        if lifetime:
            current.live_until(monotonic() + lifetime)
        elif family is None or len(current.sockets) == 1:
            self.release(current)
            self._ended[client.address, message.transaction] = (monotonic() + REMEMBERED_S, answer)
        else:
            self.births.end_family(current, family)
        return answer

    def _create_permission(
        self, _client: Client, allocation: Allocation | None, message: Message, credential: Credential
    ) -> bytes:
        current = _check_own(allocation, credential)
        peers = message.get_all(a.XOR_PEER_ADDRESS)
        if not peers:
            raise Refused(BAD_REQUEST, why="a permission for nobody")
        for peer in peers:
            self._check_peer(current, peer)
        wanted = {to_text(peer.ip) for peer in peers}
        if len(wanted | current.permissions.keys()) > self.limits.permissions_per_allocation:
            raise Refused(INSUFFICIENT_CAPACITY, why="too many permissions")
        for ip in wanted:
            current.permit(ip, monotonic())
        return _succeed(message, credential)

    def _bind_channel(
        self, _client: Client, allocation: Allocation | None, message: Message, credential: Credential
    ) -> bytes:
        current = _check_own(allocation, credential)
        number, peer = message.get(a.CHANNEL_NUMBER), message.get(a.XOR_PEER_ADDRESS)
        if number is None or peer is None or not CHANNEL_FIRST <= number <= CHANNEL_LAST:
            raise Refused(BAD_REQUEST, why="a channel without number or peer")
        self._check_peer(current, peer)
        address = to_endpoint(peer)
        if self._grounds.is_closed(address):
            raise Refused(FORBIDDEN, why=f"port {peer.port} of a peer")
        is_new = number not in current.bindings
        most = self.limits.permissions_per_allocation
        if is_new and (len(current.bindings) >= most or len(current.permissions.keys() | {address[0]}) > most):
            raise Refused(INSUFFICIENT_CAPACITY, why="too many channels")
        if not current.bind(number, address, monotonic()):
            raise Refused(BAD_REQUEST, why="channel or peer is bound to another")
        return _succeed(message, credential)

    def _check_peer(self, allocation: Allocation, peer: a.Address) -> None:
        if allocation.find_socket(to_endpoint(peer)) is None:
            raise Refused(FAMILY_MISMATCH)
        objection = self._grounds.policy.find_objection(peer.ip)
        if objection:
            self.counts.add(f"forbidden.{objection}")
            # Not a line in the log: browsers try each other's LAN addresses in every call.
            raise Refused(FORBIDDEN)

    # Data that is not on the short way.

    def _send(self, allocation: Allocation, message: Message) -> None:
        """A Send indication to a peer that is new, of IPv6, or must not be fragmented."""
        try:
            peer, data = message.get(a.XOR_PEER_ADDRESS), message.get(a.DATA)
        except Invalid:
            peer = data = None
        if peer is None or data is None or message.list_unknown(KNOWN):
            allocation.drop("malformed")
            return
        endpoint = to_endpoint(peer)
        found = allocation.peers.get(endpoint) or allocation.admit(endpoint)
        if found is None:
            allocation.drop("no_permission")
        elif message.has(a.DONT_FRAGMENT):
            allocation.send_whole(found, data)
        else:
            if len(peer.ip) == 4:
                allocation.sends[a.pack_xor_address(peer, b"")] = found
            allocation.send_copy(found, data)


def to_address(endpoint: Endpoint) -> a.Address:
    """A socket's address as the wire has it."""
    return a.Address(to_bytes(endpoint[0]), endpoint[1])


def to_endpoint(address: a.Address) -> Endpoint:
    """The wire's address as sockets have it."""
    ip = to_text(address.ip)
    return (ip, address.port) if len(address.ip) == 4 else (ip, address.port, 0, 0)


def _check_known(message: Message) -> None:
    unknown = message.list_unknown(KNOWN)
    if unknown:
        raise Refused(UNKNOWN_ATTRIBUTE, ((a.UNKNOWN_ATTRIBUTES, unknown),))


def _check_own(allocation: Allocation | None, credential: Credential) -> Allocation:
    if allocation is None:
        raise Refused(ALLOCATION_MISMATCH)
    if allocation.credential is None or allocation.credential.username != credential.username:
        raise Refused(WRONG_CREDENTIALS, why="another name than the allocation's")
    return allocation


def _succeed(
    message: Message, credential: Credential, pairs: list[tuple[a.Attribute[int], int]] | None = None
) -> bytes:
    return build(
        message.method, SUCCESS, message.transaction, pairs or [], key=credential.key, integrity=credential.integrity
    )
