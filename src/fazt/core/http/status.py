"""`/health` and `/metrics`, for machines."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from prometheus_client import generate_latest

from fazt import __version__
from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.errors import Forbidden
from fazt.core.http.access import identify
from fazt.core.http.hosts import client_address, find_header
from fazt.core.http.messages import respond, respond_json
from fazt.core.metrics import REGISTRY

if TYPE_CHECKING:
    from fazt.core import Core

NO_STORE = (b"cache-control", b"no-store")


async def answer_health(_core: Core, _scope: Scope, _receive: Receive, send: Send) -> None:
    """200 as soon as everything listens: the doors open last."""
    await respond_json(send, 200, {"status": "ok", "version": __version__}, [NO_STORE])


async def answer_metrics(core: Core, scope: Scope, _receive: Receive, send: Send) -> None:
    """Figures in Prometheus' text form, for the owner, a token with `metrics:read`, and this machine itself.

    A request that a proxy passed on says so in its headers, and is not taken for the machine's own.
    """
    if not is_from_here(scope):
        caller = await identify(core, scope)
        if caller is None or not caller.is_owner:
            raise Forbidden("Figures are for the owner.", hint="Send a token with the scope metrics:read.")
        caller.check("metrics:read")
    headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8"), NO_STORE]
    await respond(send, 200, headers, generate_latest(REGISTRY))


def is_from_here(scope: Scope) -> bool:
    """Whether a program on this machine asks, directly."""
    if find_header(scope["headers"], b"x-forwarded-for") or find_header(scope["headers"], b"forwarded"):
        return False
    address = client_address(scope)
    return not address or ipaddress.ip_address(address).is_loopback


MOUNTS = (
    Mount("/health", answer_health, "public", "200 and JSON once everything listens."),
    Mount("/metrics", answer_metrics, "own", "Figures for Prometheus."),
)
