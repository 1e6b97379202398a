"""When the authority would have a certificate renewed (RFC 9773). pebble 2.4 and caddy do not say; a stand-in does."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from acme import messages

from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.tls.engine.acme import Account, Acme, Advice, NewOrder
from fazt.core.tls.engine.keeper import ARI_PAUSE, weigh
from fazt.core.tls.model.outcomes import Trouble
from fazt.core.tls.wire import create_key, create_leaf, create_root, read_certificate, renewal_id
from tests.conftest import NOW
from tests.core.tls.nameservers import api

CHAIN, KEY = create_leaf(*create_root("tests", ["example.com"], NOW), ["a.example.com"], NOW)


def moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat().replace("+00:00", "Z")


def test_the_window_is_asked_for_by_the_name_that_the_rfc_gives_a_certificate() -> None:
    asked: list[str] = []

    def answer(_method: str, path: str, _headers: Any, _body: Any) -> tuple[int, Any]:
        if path == "/dir":
            return 200, {"newNonce": "x", "renewalInfo": f"http://{_headers['host']}/ari", "meta": {}}
        asked.append(path)
        window = {"start": moment(NOW + DAY), "end": moment(NOW + 2 * DAY)}
        return 200, {"suggestedWindow": window, "explanationURL": "https://ca.example/why"}

    with api(answer) as url:
        advice = Acme(Account(f"{url}/dir", create_key()), threading.Event()).find_advice(CHAIN)
    assert asked == [f"/ari/{renewal_id(CHAIN)}"]
    assert advice == Advice(NOW + DAY, NOW + 2 * DAY, None)


@pytest.mark.parametrize("broken", [{}, {"suggestedWindow": {"start": "soon", "end": "later"}}, [], "x"])
def test_nonsense_is_trouble_and_no_crash(broken: Any) -> None:
    def answer(_method: str, path: str, headers: Any, _body: Any) -> tuple[int, Any]:
        is_directory = path == "/dir"
        return 200, {"newNonce": "x", "renewalInfo": f"http://{headers['host']}/ari"} if is_directory else broken

    with api(answer) as url, pytest.raises(Trouble):
        Acme(Account(f"{url}/dir", create_key()), threading.Event()).find_advice(CHAIN)


def test_an_authority_without_advice_gives_none() -> None:
    with api(lambda *_: (200, {"newNonce": "x"})) as url:
        assert Acme(Account(f"{url}/dir", create_key()), threading.Event()).find_advice(CHAIN) is None


def test_advice_moves_a_renewal_into_its_window_and_leaves_one_that_is_there() -> None:
    certificate = read_certificate(CHAIN, KEY, "acme")
    soon = Advice(NOW, NOW + HOUR, 60)
    found = {weigh(soon, certificate)[0] for _ in range(20)}
    assert all(NOW <= at <= NOW + HOUR for at in found)
    assert len(found) > 10, "not all at the same moment"
    chosen = msgspec.structs.replace(certificate, renew_at=NOW + 5 * MINUTE)
    assert weigh(soon, chosen) == (NOW + 5 * MINUTE, MINUTE)
    assert weigh(None, chosen) == (NOW + 5 * MINUTE, ARI_PAUSE)
    assert weigh(Advice(NOW, NOW + HOUR, 10**9), chosen)[1] == DAY
    assert weigh(None, certificate)[0] > NOW + 50 * DAY


def test_an_order_names_what_it_replaces() -> None:
    wanted = [messages.Identifier(typ=messages.IDENTIFIER_FQDN, value="a.example.com")]
    assert json.loads(NewOrder(identifiers=wanted, replaces="a.b").json_dumps())["replaces"] == "a.b"
    assert "replaces" not in json.loads(NewOrder(identifiers=wanted).json_dumps())
