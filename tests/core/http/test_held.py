"""An answer's head waits for its body, but not for long."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from fazt.core.http.held import COPIED, HeldHead


class Wire:
    """What is written, in order, with the end as None."""

    def __init__(self) -> None:
        self.written: list[bytes | tuple[bytes, ...] | None] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.written.append(pieces)

    def close(self) -> None:
        self.written.append(None)

    def is_closing(self) -> bool:
        return None in self.written


def held(wire: Wire) -> HeldHead:
    return HeldHead(cast("asyncio.Transport", cast("Any", wire)), asyncio.get_running_loop(), lambda: None)


async def test_head_and_body_are_one_write() -> None:
    wire = Wire()
    transport = held(wire)
    transport.write(b"head")
    assert wire.written == []
    transport.write(b"body")
    transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.written == [b"headbody", b"more"]


async def test_a_large_body_is_not_copied() -> None:
    wire = Wire()
    transport = held(wire)
    transport.write(b"head")
    transport.write(bytes(COPIED + 1))
    assert wire.written == [(b"head", bytes(COPIED + 1))]


async def test_a_head_alone_goes_with_the_end_of_the_turn() -> None:
    wire = Wire()
    held(wire).write(b"head")
    await asyncio.sleep(0)
    assert wire.written == [b"head"]


async def test_closing_loses_nothing() -> None:
    wire = Wire()
    transport = held(wire)
    transport.write(b"head")
    assert not transport.is_closing()
    transport.close()
    assert wire.written == [b"head", None]
    assert transport.is_closing()
