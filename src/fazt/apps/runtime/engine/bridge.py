"""What code may call: its own store, and the apps' script functions within the scopes it was granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from fazt.apps.runtime.model import Listing, Operation
from fazt.apps.runtime.store import kv
from fazt.apps.runtime.wire.frames import (
    AddArguments,
    CallArguments,
    DeleteArguments,
    Frame,
    GetArguments,
    SetArguments,
    encode_answer,
    encode_error,
)
from fazt.core.auth import covers
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

T = TypeVar("T")

log = get_logger(__name__)


class Atomic(msgspec.Struct):
    """`db.atomic([...])`."""

    operations: list[Operation]


class Bridge:
    """The program's end of one site's calls. Which site that is, no frame can say."""

    def __init__(self, core: Core, site_id: int, owner: str, scopes: frozenset[str], max_bytes: int) -> None:
        self._core = core
        self._site_id = site_id
        self._owner = owner
        self._scopes = scopes
        self._max_bytes = max_bytes

    async def answer(self, frame: Frame) -> bytes:
        """The frame that answers a call."""
        try:
            return encode_answer(frame.i, await self._call(frame))
        except FaztError as error:
            return encode_error(frame.i, error)
        except Exception as error:  # a rim: code hears that a call failed, and the program's log hears why
            log.exception("a call of a function failed: %s", frame.m)
            return encode_error(frame.i, FaztError(f"The call failed: {type(error).__name__}."))

    async def _call(self, frame: Frame) -> Any:
        db, now, site_id = self._core.db, self._core.clock(), self._site_id
        match frame.m:
            case "db.get":
                found = await db.point(kv.find_entry, site_id, read(frame, GetArguments).key, now=now)
                return None if found is None else found.value
            case "db.entry":
                return show(await db.point(kv.find_entry, site_id, read(frame, GetArguments).key, now=now))
            case "db.list":
                found_many = await db.read(kv.list_entries, site_id, read(frame, Listing), now=now)
                return [show(entry) for entry in found_many]
            case "call":
                return await self._reach(read(frame, CallArguments))
            case _:
                return await self._change(frame)

    async def _change(self, frame: Frame) -> Any:
        db, now, site_id, most = self._core.db, self._core.clock(), self._site_id, self._max_bytes
        match frame.m:
            case "db.set":
                to_set = read(frame, SetArguments)
                return await db.write(
                    kv.set_entry,
                    site_id,
                    to_set.key,
                    bytes(to_set.value),
                    now=now,
                    ttl=to_set.ttl,
                    if_version=to_set.if_version,
                    max_bytes=most,
                )
            case "db.delete":
                gone = read(frame, DeleteArguments)
                return await db.write(kv.delete_entry, site_id, gone.key, now=now, if_version=gone.if_version)
            case "db.add":
                more = read(frame, AddArguments)
                return await db.write(kv.add_to_entry, site_id, more.key, more.amount, now=now, max_bytes=most)
            case "db.atomic":
                steps = read(frame, Atomic).operations
                return await db.write(kv.apply_operations, site_id, steps, now=now, max_bytes=most)
            case _:
                raise NotFound(f"There is no call {frame.m[:40]!r}.")

    async def _reach(self, asked: CallArguments) -> Any:
        """A script function of an app, on behalf of the site's owner. Raises as it does."""
        caller = await self._core.auth.act_as(self._owner, self._scopes)
        function = self._core.script.get(asked.name)
        if function is not None and not function.may(caller):
            raise Forbidden(
                f"fazt.{asked.name} needs the scope {function.scope}.",
                hint='Name it in "scopes" of fazt.json, and grant it with `fazt functions grant`.',
            )
        try:
            value = await self._core.call(asked.name, caller, **asked.given)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise Invalid(f"fazt.{asked.name}: {str(error).rpartition('()')[2].strip()}.") from error
        return msgspec.to_builtins(value)


def read(frame: Frame, kind: type[T]) -> T:
    """The arguments of a call. Raises Invalid."""
    try:
        return msgspec.json.decode(frame.a, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"{frame.m}: {error}.") from error


def show(entry: Any) -> dict[str, Any] | None:
    """An entry as code sees it."""
    if entry is None:
        return None
    told: dict[str, Any] = {"key": entry.key, "value": entry.value, "version": entry.version}
    return told | {"expiresAt": entry.expires_at}


def effective_scopes(asked: tuple[str, ...], granted: tuple[str, ...]) -> frozenset[str]:
    """What code may: what it asks for, as far as that was granted."""
    return frozenset(scope for scope in asked if covers(granted, scope))
