"""An open pad and its connections: who is slow, who brings too much at once, and pads that leave memory."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from fazt.apps import APPS
from fazt.apps.pads import store
from fazt.apps.pads.engine import Line, Pads, Who, get_pads
from fazt.apps.pads.engine.line import CUT, MAX_UNREAD_BYTES, MAX_UNSAVED
from fazt.apps.pads.engine.room import Room
from fazt.apps.pads.engine.tending import LINGER_S, SILENT_S, SLOW_S, tend
from fazt.apps.pads.model import Document, Edit
from fazt.apps.pads.wire import messages
from fazt.core import Core, frames
from fazt.core.config import Config
from fazt.core.db.carrier import Database
from fazt.serve import create_core

MASK = b"\x01\x02\x03\x04"
MANY = 1_000


@pytest.fixture
async def core(data_file: Path) -> AsyncIterator[Core]:
    """Core with all apps, where nothing runs."""
    made = await create_core(Config(data=data_file), APPS)
    yield made
    await made.db.close()
    await made.auth.close()


@pytest.fixture
async def pads(core: Core) -> Pads:
    return get_pads(core)


async def open_room(core: Core, name: str) -> Room:
    made = await core.db.write(store.ensure_pad, name, "ann", core.clock(), most=10)
    return await get_pads(core).open(made.id)


class Client:
    """The other end of a connection to a room."""

    def __init__(self, line: Line, end: socket.socket) -> None:
        self.line, self.end = line, end

    def send(self, payload: bytes) -> None:
        """One message, masked as clients do."""
        head = struct.pack("!BB", 0x82, 0x80 | len(payload))
        self.end.sendall(head + MASK + frames.unmask(payload, MASK))

    def send_all(self, updates: list[bytes]) -> None:
        """Changes, one after the other."""
        for update in updates:
            self.send(messages.build_update(update))


async def join(room: Room) -> Client:
    """Connect to a room, through a real socket."""
    ours, theirs = socket.socketpair()
    line = Line(room, Who("Ann", may_write=True), room.limits().max_message)
    line.connections = set()
    transport, _ = await room.loop.connect_accepted_socket(lambda: line, ours)
    line.transport = transport
    line.taken()
    return Client(line, theirs)


class Disk:
    """A disk that keeps all writes waiting until it is released."""

    def __init__(self, db: Database) -> None:
        self._free = threading.Event()
        self._writing = asyncio.ensure_future(db.write(lambda _conn: self._free.wait()))

    def release(self) -> None:
        """Now they are done."""
        self._free.set()


async def until(condition: Callable[[], bool]) -> None:
    """Give the loop its turns until this holds."""
    async with asyncio.timeout(10):
        while not condition():
            turn = asyncio.Event()
            asyncio.get_running_loop().call_soon(turn.set)
            await turn.wait()


async def test_who_does_not_read_is_cut_after_a_while(core: Core, pads: Pads) -> None:
    room = await open_room(core, "slow")
    slow, quick = await join(room), await join(room)
    with closing(slow.end), closing(quick.end):
        slow.line.write(bytes(MAX_UNREAD_BYTES + 1_000_000))
        assert list(room.slow) == [slow.line]
        await tend(pads, room)
        assert slow.line in room.lines, "a moment is no crime"
        room.slow[slow.line] -= SLOW_S + 1
        await tend(pads, room)
        await until(lambda: room.lines == {quick.line})
        assert room.slow == {}


async def test_who_reads_again_stays_and_who_lets_too_much_lie_is_cut_at_once(core: Core) -> None:
    room = await open_room(core, "again")
    client = await join(room)
    with closing(client.end):
        client.line.write(bytes(MAX_UNREAD_BYTES + 1_000_000))
        assert room.slow
        client.end.setblocking(False)
        while room.slow:
            await room.loop.sock_recv(client.end, 1_000_000)
        for _ in range(3):
            client.line.write(bytes(MAX_UNREAD_BYTES))
        await until(lambda: not room.lines)


async def test_who_is_silent_is_cut(core: Core, pads: Pads) -> None:
    room = await open_room(core, "silent")
    client = await join(room)
    with closing(client.end):
        client.line.heard_at -= SILENT_S + 1
        await tend(pads, room)
        await until(lambda: not room.lines)


async def test_no_more_is_read_than_waits_for_the_disk(core: Core) -> None:
    room = await open_room(core, "eager")
    client = await join(room)
    document = Document(client_id=7)
    updates = [document.edit([Edit(0, 0, "x")]) for _ in range(MANY)]
    disk = Disk(core.db)
    with closing(client.end):
        sending = asyncio.create_task(asyncio.to_thread(client.send_all, updates))
        await until(lambda: client.line.is_stopped)
        await until(lambda: client.line.unsaved == MAX_UNSAVED)
        assert room.seq == MAX_UNSAVED
        assert room.kept_seq == 0
        disk.release()
        await sending
        await until(lambda: room.kept_seq == MANY)
        assert room.document.text == "x" * MANY
        assert (client.line.unsaved, client.line.is_stopped) == (0, False)


async def test_a_pad_leaves_memory_when_nobody_uses_it_and_comes_back_whole(core: Core, pads: Pads) -> None:
    room = await open_room(core, "calm")
    async with pads.using(room.pad.id):
        await room.write("kept", "Ann")
        room.idle_since -= LINGER_S + 1
        await tend(pads, room)
        assert pads.rooms, "somebody uses it"
    await tend(pads, room)
    assert pads.rooms, "they may come back"
    room.idle_since -= LINGER_S + 1
    await tend(pads, room)
    assert pads.rooms == {}
    assert await core.db.read(store.list_unsettled) == [], "search knows it before it goes"
    again = await pads.open(room.pad.id)
    assert again is not room
    assert (await again.read()) == (1, "kept")


async def test_two_that_come_at_once_open_one_pad(core: Core, pads: Pads) -> None:
    made = await core.db.write(store.ensure_pad, "both", "ann", core.clock(), most=10)
    one, two = await asyncio.gather(pads.open(made.id), pads.open(made.id))
    assert one is two


async def test_who_cuts_a_character_in_two_is_sent_away_and_the_text_stays(core: Core) -> None:
    room = await open_room(core, "whole")
    client = await join(room)
    with closing(client.end):
        client.send(messages.build_update(bytes.fromhex("01010100040104746578740661f09f98806200")))
        client.send(messages.build_update(bytes.fromhex("000101010201")))
        await until(lambda: not room.lines)
        received = await room.loop.run_in_executor(None, client.end.recv, 100_000)
        assert struct.pack("!H", CUT) in received
        assert await room.read() == (1, "a\U0001f600b")
