"""The rooms of the call page: who is in each, and what they tell each other to find one another."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from litestar.exceptions import WebSocketDisconnect, WebSocketException

from fazt.apps.turn.engine.desk import Desk, get_desk
from fazt.core.errors import Unavailable

if TYPE_CHECKING:
    from fazt.core import Core

MAX_PEOPLE = 4
MAX_NAME = 60
MAX_CHAT = 4_000
MAX_MESSAGE = 256 * 1024
GRACE_S = 20.0
"""For so long after its connection broke, a place is kept for whoever comes back with its secret."""
MAX_PER_SECOND = 60
GONE = (WebSocketException, OSError, RuntimeError)
"""What sending raises when the other end is gone: Litestar's, uvicorn's, and the protocol's own."""

STATES = ("audio", "video", "screen")


class Socket(Protocol):
    """A WebSocket."""

    async def receive_data(self, mode: Any) -> Any:
        """The next message. Raises when the connection is gone."""

    async def send_text(self, data: str) -> None:
        """Send one message."""

    async def close(self, code: int = 1000) -> None:
        """End the connection."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Leave to be in a room. `user` is whose quota of the relay counts."""

    room: str
    user: str
    name: str


@dataclass(slots=True)
class Person:
    """Somebody in a room, with a connection or just without one."""

    id: str
    name: str
    secret: str
    socket: Socket | None
    state: dict[str, bool] = field(default_factory=dict)
    leaving: asyncio.TimerHandle | None = None

    def describe(self) -> dict[str, Any]:
        """As the others see them."""
        return {"id": self.id, "name": self.name, "state": self.state}


class CallHall:
    """All rooms. A room is there for as long as somebody is in it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.rooms: dict[str, dict[str, Person]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def attend(self, seat: Seat, socket: Socket) -> None:
        """Serve one connection until it ends."""
        person = await self._enter(seat, socket)
        if person is None:
            await socket.close(4409)
            return
        try:
            await self._listen(seat, person, socket)
        finally:
            if person.socket is socket:
                person.socket = None
                loop = asyncio.get_running_loop()
                person.leaving = loop.call_later(GRACE_S, self._leave, seat.room, person)

    async def _enter(self, seat: Seat, socket: Socket) -> Person | None:
        hello = await receive(socket)
        if hello is None or hello.get("type") != "join":
            return None
        room = self.rooms.setdefault(seat.room, {})
        name = str(hello.get("name") or seat.name or "Guest").strip()[:MAX_NAME]
        person = self._find_again(room, str(hello.get("secret") or ""))
        if person is None and len(room) >= MAX_PEOPLE:
            await send(socket, {"type": "refused", "why": f"There are {MAX_PEOPLE} people in this call already."})
            return None
        is_back = person is not None
        if person is None:
            person = Person(secrets.token_hex(4), name, secrets.token_hex(16), None)
            room[person.id] = person
        before, person.socket, person.name = person.socket, socket, name
        if before is not None:
            with suppress(*GONE):
                await before.close(4410)
        others = [other.describe() for other in room.values() if other is not person]
        welcome = {"type": "welcome", "you": person.id, "secret": person.secret, "people": others, "back": is_back}
        await send(socket, {**welcome, "ice": self._give_ice(seat)})
        await self._tell_others(room, person, {"type": "back" if is_back else "joined", "person": person.describe()})
        return person

    def _find_again(self, room: dict[str, Person], secret: str) -> Person | None:
        for person in room.values():
            if secret and secrets.compare_digest(person.secret, secret):
                if person.leaving is not None:
                    person.leaving.cancel()
                    person.leaving = None
                return person
        return None

    async def _listen(self, seat: Seat, person: Person, socket: Socket) -> None:
        loop = asyncio.get_running_loop()
        second, count = 0.0, 0
        while (message := await receive(socket)) is not None:
            if loop.time() - second >= 1.0:
                second, count = loop.time(), 0
            count += 1
            if count > MAX_PER_SECOND:
                await socket.close(4429)
                return
            if message.get("type") == "leave":
                self._leave(seat.room, person)
                return
            await self._pass_on(seat, person, message)

    async def _pass_on(self, seat: Seat, person: Person, message: dict[str, Any]) -> None:
        room = self.rooms.get(seat.room, {})
        kind = message.get("type")
        if kind == "signal":
            other = room.get(str(message.get("to")))
            if other is not None:
                await send(other.socket, {"type": "signal", "from": person.id, "data": message.get("data")})
        elif kind == "chat":
            text = str(message.get("text") or "")[:MAX_CHAT]
            if text.strip():
                await self._tell_others(room, person, {"type": "chat", "from": person.id, "text": text})
        elif kind == "state":
            person.state = {name: bool(message.get(name)) for name in STATES}
            await self._tell_others(room, person, {"type": "state", "from": person.id, "state": person.state})
        elif kind == "ice":
            await send(person.socket, {"type": "ice", "ice": self._give_ice(seat)})

    def _leave(self, name: str, person: Person) -> None:
        room = self.rooms.get(name, {})
        if room.pop(person.id, None) is None:
            return
        person.socket = None
        if not room:
            self.rooms.pop(name, None)
        for other in room.values():
            task = asyncio.ensure_future(send(other.socket, {"type": "left", "id": person.id}))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _tell_others(self, room: dict[str, Person], person: Person, message: dict[str, Any]) -> None:
        for other in list(room.values()):
            if other is not person:
                await send(other.socket, message)

    def _give_ice(self, seat: Seat) -> dict[str, Any] | None:
        try:
            issued = self.desk.issue(seat.user)
        except Unavailable:
            return None
        answer: dict[str, Any] = msgspec.to_builtins(issued)
        return answer


def get_hall(core: Core) -> CallHall:
    """The program's rooms."""
    if CallHall not in core.engines:
        core.add(CallHall(get_desk(core)))
    return core.get(CallHall)


async def receive(socket: Socket) -> dict[str, Any] | None:
    """The next message; None when the connection is gone, or says what is no message."""
    try:
        text = await socket.receive_data("text")
        message = msgspec.json.decode(text)
    except (WebSocketDisconnect, msgspec.DecodeError):
        return None
    return message if isinstance(message, dict) and len(text) <= MAX_MESSAGE else None


async def send(socket: Socket | None, message: dict[str, Any]) -> None:
    """Say something to somebody who may be gone."""
    if socket is None:
        return
    with suppress(*GONE):
        await socket.send_text(msgspec.json.encode(message).decode())
