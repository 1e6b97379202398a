"""Cutting a stream into chunks: nothing is lost, nothing is copied twice, nothing grows."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.blobs import model
from fazt.core.blobs.model import Cutter


def cut(cutter: Cutter, pieces: Iterable[bytes]) -> list[bytes]:
    """All full chunks, and what is left."""
    full = [chunk for piece in pieces for chunk in cutter.push(piece)]
    return [*full, cutter.rest()]


@given(begun=st.binary(max_size=9), pieces=st.lists(st.binary(max_size=35)))
def test_chunks_are_the_stream_however_it_came(begun: bytes, pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "SMALL_BYTES", 6)  # so that small and large pieces meet in one chunk
        *full, rest = cut(Cutter(10, begun), pieces)
    assert b"".join([*full, rest]) == begun + b"".join(pieces)
    assert {len(chunk) for chunk in full} <= {10}
    assert len(rest) < 10
    assert all(type(chunk) is bytes for chunk in [*full, rest])


def test_a_cutter_is_empty_after_its_rest() -> None:
    cutter = Cutter(10, b"abc")
    assert list(cutter.push(b"de")) == []
    assert cutter.rest() == b"abcde"
    assert cutter.rest() == b""


def test_a_piece_that_is_a_chunk_is_not_copied() -> None:
    piece = bytes(4096)
    (chunk,) = Cutter(4096).push(piece)
    assert chunk is piece


def test_single_bytes_take_no_more_memory_than_one_piece() -> None:
    size = 128 * 1024
    cutter = Cutter(size)
    tracemalloc.start()
    for number in range(size - 1):
        assert not list(cutter.push(b"%c" % (number & 0xFF)))
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * size
