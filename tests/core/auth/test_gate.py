"""Passwords of things: sites, shares, drops."""

from __future__ import annotations

import pytest

from fazt.core.auth.engine import Gate, Hasher
from fazt.core.clock import MINUTE
from fazt.core.errors import TooMany
from tests.conftest import NOW

SITE = "site 7"


async def guess_forever(gate: Gate, hashed: str) -> None:
    for n in range(100):
        assert not await gate.check_password(SITE, hashed, f"guess {n}", "192.0.2.2", NOW)


async def test_the_gate_slows_down_who_guesses() -> None:
    hasher = Hasher(memory_kib=64, passes=1)
    gate = Gate(hasher)
    hashed = await gate.hash_password("open sesame")
    assert await gate.check_password(SITE, hashed, "open sesame", "192.0.2.1", NOW)
    with pytest.raises(TooMany):
        await guess_forever(gate, hashed)
    assert await gate.check_password(SITE, hashed, "open sesame", "192.0.2.3", NOW), "known ones are not held up"
    assert not await gate.check_password(SITE, hashed, "guess", "192.0.2.2", NOW + 600 * MINUTE)
    hasher.close()


def test_a_pass_is_void_when_the_password_changes() -> None:
    gate = Gate(Hasher())
    given = gate.make_pass(SITE, "hash one")
    assert gate.has_pass(SITE, "hash one", given)
    assert not gate.has_pass(SITE, "hash two", given)
    assert not gate.has_pass("site 8", "hash one", given)
    assert not gate.has_pass(SITE, "hash one", None)
    assert not gate.has_pass(SITE, "hash one", "\u00e9")
