"""What a client can reach of the relay, found out step by step from where the client is."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

from msgspec import Struct

from fazt.apps.turn.engine.client import TurnClient, TurnError
from fazt.apps.turn.engine.peers import to_text
from fazt.apps.turn.model import Credentials, Transport
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.message import Message
from fazt.core.errors import FaztError

_URI = re.compile(r"(turns?):(\[[^]]+\]|[^:?]+):(\d+)\?transport=(udp|tcp)")
TIMEOUT_S = 3.0


class Finding(Struct, frozen=True):
    """One thing that was tried. `advice` says what to do where it failed."""

    what: str
    is_good: bool
    detail: str
    advice: str = ""


class Way(Struct, frozen=True):
    """A TURN URI taken apart."""

    transport: Transport
    host: str
    port: int


def parse_uri(uri: str) -> Way | None:
    """`turn:host:port?transport=…`; None for what this client cannot speak."""
    found = _URI.fullmatch(uri)
    if found is None:
        return None
    scheme, host, port, carried = found.groups()
    transport: Transport = "tls" if scheme == "turns" else "tcp" if carried == "tcp" else "udp"
    return Way(transport, host.strip("[]"), int(port))


def probe(credentials: Credentials, context: ssl.SSLContext | None = None) -> Iterator[Finding]:
    """Try every way that the credentials name; then whether packets of peers come through the port range."""
    has_relayed = False
    for way in filter(None, map(parse_uri, credentials.uris)):
        yield from _probe_way(way, credentials, context, with_peers=not has_relayed)
        has_relayed = True


def _probe_way(
    way: Way, credentials: Credentials, context: ssl.SSLContext | None, *, with_peers: bool
) -> Iterator[Finding]:
    name = f"{way.transport.upper()} to {way.host} port {way.port}"
    try:
        client = TurnClient.connect(way.host, way.port, way.transport, context=context, timeout_s=TIMEOUT_S)
    except ssl.SSLCertVerificationError as error:
        yield Finding(name, False, error.verify_message, "Browsers need a certificate that is valid for this name.")
        return
    except OSError as error:
        yield Finding(name, False, str(error), _advise_open(way))
        return
    with client:
        try:
            seen = client.bind_request()
            yield Finding(name, True, f"reached; you are seen as {_show(seen)}")
        except FaztError as error:
            yield Finding(name, False, error.message, _advise_open(way))
            return
        try:
            answer = client.allocate(credentials.username, credentials.password)
        except FaztError as error:
            yield Finding(f"Relay over {way.transport.upper()}", False, error.message, _advise_allocate(error))
            return
        relayed = answer.get(a.XOR_RELAYED_ADDRESS)
        yield Finding(f"Relay over {way.transport.upper()}", relayed is not None, f"relayed at {_show(relayed)}")
        if with_peers and relayed is not None:
            yield _probe_peers(client, relayed)
        with suppress(FaztError):
            client.refresh(0)


def _probe_peers(client: TurnClient, relayed: a.Address) -> Finding:
    """Send a packet from a socket of one's own to the relayed address, as a peer would."""
    what = "Packets of peers"
    family = socket.AF_INET if len(relayed.ip) == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as peer:
        target = (to_text(relayed.ip), relayed.port)
        try:
            peer.connect(target)
            seen = client.bind_request()
            if seen.ip == relayed.ip:
                return Finding(what, True, "not tried: this is the relay's own machine")
            client.permit(a.Address(seen.ip, peer.getsockname()[1]))
        except TurnError as error:
            if error.code != 403:
                return Finding(what, False, error.message)
            detail = "not tried: your own address is private, and the relay does not reach those"
            return Finding(what, True, detail)
        except OSError as error:
            return Finding(what, False, str(error), "The relay's address cannot be reached from here.")
        for _ in range(3):
            with suppress(FaztError, OSError):
                peer.send(b"fazt turn test")
                if client.receive(1.0)[1] == b"fazt turn test":
                    return Finding(what, True, f"came through port {relayed.port}")
    advice = "Open the relay's UDP port range (turn.first_port to turn.last_port) in the firewall, and forward it 1:1."
    return Finding(what, False, f"nothing came through port {relayed.port}", advice)


def _advise_open(way: Way) -> str:
    kind = "UDP" if way.transport == "udp" else "TCP"
    return f"Open {kind} port {way.port} in the firewall of the server; some networks block it on the client's side."


def _advise_allocate(error: FaztError) -> str:
    code = error.code if isinstance(error, TurnError) else 0
    if code == 401:
        return "The credentials were refused: is the server's clock right?"
    if code == 486:
        return "This user has as many allocations as turn.max_allocations_per_user allows."
    if code == 508:
        return "The relay has no port left: widen turn.first_port to turn.last_port, or raise turn.max_allocations."
    return "The first answers came, later ones did not: a firewall may be dropping long packets."


def _show(address: a.Address | Message | None) -> str:
    return f"{to_text(address.ip)} port {address.port}" if isinstance(address, a.Address) else "nowhere"
