"""Fixtures: a relay that tests share, and a peer."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fazt.apps.turn.model import Limits
from tests.apps.turn.relays import RelayUnderTest, certificate, running_relay


@pytest.fixture(scope="module")
def relay() -> Iterator[RelayUnderTest]:
    """A relay with a certificate that does not tire of strangers."""
    chain, key = certificate()
    limits = Limits(refusals_per_second=1_000)
    with running_relay(certificate_chain=chain, certificate_key=key, limits=limits) as running:
        yield running


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    """Somebody on the other side of the relay."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.settimeout(5)
        opened.bind(("127.0.0.1", 0))
        yield opened
