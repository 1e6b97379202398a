"""Ids and secrets in base 32."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fazt.core.ids import ALPHABET, encode_base32, new_id, new_secret


@given(st.integers(0, 2**200), st.integers(1, 40))
def test_numbers_are_written_digit_by_digit(number: int, length: int) -> None:
    digits = [ALPHABET[number // 32**place % 32] for place in range(length)]
    assert encode_base32(number, length) == "".join(reversed(digits))


@given(st.integers(0, 2**45 - 2))
def test_ids_sort_by_time(now: int) -> None:
    first, second = new_id(now), new_id(now + 1)
    assert first < second
    assert first[:9] == encode_base32(now, 9)
    assert {len(first), len(second)} == {20}


def test_secrets_have_their_prefix_and_length() -> None:
    secret = new_secret("fazt_")
    assert secret.startswith("fazt_")
    assert len(secret) == 37
    assert set(secret[5:]) <= set(ALPHABET)
