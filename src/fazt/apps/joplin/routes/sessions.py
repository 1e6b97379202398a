"""Logging in, and the small calls around it."""

from __future__ import annotations

from typing import Any

from fazt.apps.joplin import wire
from fazt.apps.joplin.engine import Lock, joplin_of
from fazt.apps.joplin.routes.call import Call
from fazt.apps.joplin.store import devices, items
from fazt.core.auth import Caller
from fazt.core.auth import store as people
from fazt.core.auth.model import coarse_address
from fazt.core.errors import Forbidden, Invalid, Unauthorized

PLATFORMS = {0: "", 1: "Windows", 2: "Linux", 3: "macOS", 4: "Android", 5: "iOS"}
TYPES = {0: "Joplin", 1: "Joplin desktop", 2: "Joplin mobile", 3: "Joplin terminal"}
SCOPE = "joplin:rw"
MEBIBYTE = 1024 * 1024
MAX_CLIENT_ID = 64


async def ping(call: Call) -> None:
    """For monitors."""
    await call.answer({"status": "ok", "message": "fazt is running"})


async def log_in(call: Call) -> None:
    """A session for an app; the one it has, where it has logged in shortly before."""
    given: wire.Login = await call.body(wire.Login)
    core, now = call.core, call.core.clock()
    try:
        caller = await core.auth.identify_basic(given.email, given.password, call.address, now)
    except Unauthorized:
        caller = None
    if caller is None:
        raise Forbidden(
            "Invalid username or password.",
            hint="Where two-factor login is on, an app password is needed here.",
        )
    if not caller.may(SCOPE):
        raise Forbidden("This app password is not for notes.", hint=f"Make one with the scope {SCOPE}.")
    await call.answer({"id": await open_session(call, caller, given), "user_id": caller.user_id})


async def open_session(call: Call, caller: Caller, given: wire.Login) -> str:
    """The secret of a session, and a line in the list of devices."""
    core, now, joplin = call.core, call.core.clock(), await joplin_of(call.core)
    token = caller.credential_id if caller.kind in {"token", "app"} else ""
    platform = given.platform if given.platform in PLATFORMS else 0
    type_ = given.type if given.type in TYPES else 0
    key = (caller.user_id, token, platform, type_, call.address)
    secret = await joplin.find_session(key, now)
    if secret is None:
        name = f"{TYPES[type_]} {given.version[:20]}, {PLATFORMS[platform]}".strip(" ,")
        secret = await core.auth.open_session(
            caller, kind="joplin", name=plain(name), address=call.address, now=now, scopes=[SCOPE]
        )
        joplin.keep_session(key, secret, now)
    await core.db.write(
        devices.note_device,
        caller.user_id,
        platform=platform,
        type=type_,
        token_id=token,
        version=plain(given.version)[:40],
        address=coarse_address(call.address),
        now=now,
    )
    return secret


def plain(text: str) -> str:
    """Printable characters only."""
    return "".join(c for c in text if c.isprintable())


async def get_user(call: Call, id: str) -> None:
    """What an app wants to know of its own user. Raises Forbidden for somebody else."""
    if id != call.caller.user_id:
        raise Forbidden("This is somebody else.", code="notYou")
    user = await call.core.db.read(people.get_user, id)
    get = call.core.settings.get
    await call.answer(
        {
            "id": user.id,
            "email": user.email,
            "full_name": user.name,
            "account_type": 0,
            "is_admin": int(user.role == "owner"),
            "enabled": 1,
            "can_use_share_permissions": 1,
            "can_share_folder": 1,
            "can_share_note": 1,
            "can_receive_folder": 1,
            "can_upload": 1,
            "max_item_size": get("joplin.max_item_mb") * MEBIBYTE,
            "max_total_item_size": get("joplin.quota_mb") * MEBIBYTE,
            "total_item_size": await call.core.db.read(items.used_bytes, id),
        }
    )


async def note_event(call: Call) -> None:
    """Old apps tell that they begin."""
    await call.body(dict[str, Any])
    await call.answer()


def lock_json(lock: Lock) -> dict[str, Any]:
    """A lock in the words of the protocol."""
    return {
        "id": lock.id,
        "type": lock.type,
        "clientType": lock.client_type,
        "clientId": lock.client_id,
        "updatedTime": lock.at,
    }


async def list_locks(call: Call) -> None:
    """The locks that hold."""
    locks = (await joplin_of(call.core)).list_locks(call.caller, call.core.clock())
    await call.answer(wire.list_json([lock_json(lock) for lock in locks]))


async def take_lock(call: Call) -> None:
    """Take or refresh a lock."""
    given: wire.NewLock = await call.body(wire.NewLock)
    id_ = given.client_id
    if given.type not in {1, 2} or given.client_type not in {1, 2, 3} or not 0 < len(id_) <= MAX_CLIENT_ID:
        raise Invalid("This is not a lock.")
    now = call.core.clock()
    lock = Lock(given.type, given.client_type, id_, now)
    await call.answer(lock_json((await joplin_of(call.core)).take_lock(call.caller, lock, now)))


async def release_lock(call: Call, id: str) -> None:
    """Let a lock go."""
    (await joplin_of(call.core)).release_lock(call.caller, id)
    await call.answer()
