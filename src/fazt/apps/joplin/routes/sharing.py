"""Sharing of notebooks and publishing of notes, as apps ask for it."""

from __future__ import annotations

from urllib.parse import unquote

from fazt.apps.joplin import wire
from fazt.apps.joplin.model.names import INFO
from fazt.apps.joplin.model.shares import PUBLISHED, Share
from fazt.apps.joplin.routes.call import Call
from fazt.apps.joplin.store import items, shares
from fazt.core.auth import store as people
from fazt.core.errors import Invalid, NotFound

MAX_MASTER_KEY = 200_000


async def list_shares(call: Call) -> None:
    """What this person shares, and what they take part in."""
    found = await call.core.db.read(shares.list_shares, call.caller.user_id)
    await call.answer(wire.list_json([wire.listed_share_json(one) for one, _ in found]))


async def create_share(call: Call) -> None:
    """Share a notebook, or publish a note."""
    given: wire.NewShare = await call.body(wire.NewShare)
    user_id, now = call.caller.user_id, call.core.clock()
    made: Share
    if given.folder_id:
        made = await call.core.db.write(
            shares.share_notebook, user_id, given.folder_id[:64], given.master_key_id[:64], now
        )
    elif given.note_id:
        made = await call.core.db.write(
            shares.publish, user_id, given.note_id[:64], now, is_recursive=bool(given.recursive)
        )
    else:
        raise Invalid("A notebook or a note is shared: folder_id or note_id.")
    await call.answer(wire.share_json(made))


async def show_share(call: Call, id: str) -> None:
    """What everybody may know of a published note."""
    found = await call.core.db.read(shares.get_public, id, call.core.clock())
    await call.answer({"id": found.id, "type": PUBLISHED, "note_id": found.item_id, "user": {"id": found.owner_id}})


async def end_share(call: Call, id: str) -> None:
    """Stop sharing, or unpublish."""
    await call.core.db.write(shares.end_share, call.caller.user_id, id, call.core.clock())
    await call.answer()


async def invite(call: Call, id: str) -> None:
    """Offer a notebook to somebody of this cloud."""
    given: wire.NewMember = await call.body(wire.NewMember)
    key = given.master_key or ""
    if len(key) > MAX_MASTER_KEY or "\0" in key:
        raise Invalid("This is not a key.")
    made = await call.core.db.write(
        shares.invite,
        call.caller.user_id,
        id,
        given.email,
        key,
        call.core.clock(),
        can_write=bool(given.can_write),
    )
    await call.answer(wire.member_json(made))


async def list_members(call: Call, id: str) -> None:
    """Whom a notebook was offered to."""
    found = await call.core.db.read(shares.list_members, call.caller.user_id, id)
    await call.answer(
        wire.list_json(
            [
                {
                    "id": one.id,
                    "status": one.status,
                    "can_read": int(one.can_read),
                    "can_write": int(one.can_write),
                    "user": {"id": user.id, "email": user.email},
                }
                for one, user in found
            ]
        )
    )


async def list_invitations(call: Call) -> None:
    """What was offered to this person."""
    found = await call.core.db.read(shares.list_invitations, call.caller.user_id)
    await call.answer(
        wire.list_json(
            [
                {
                    "id": one.id,
                    "status": one.status,
                    "master_key": one.master_key,
                    "can_read": int(one.can_read),
                    "can_write": int(one.can_write),
                    "share": {
                        "id": of.id,
                        "folder_id": of.item_id,
                        "user": {"full_name": user.name, "email": user.email},
                    },
                }
                for one, of, user in found
            ]
        )
    )


async def change_member(call: Call, id: str) -> None:
    """Answer an invitation, or change what a member may do."""
    given: wire.MemberChange = await call.body(wire.MemberChange)
    may = None if given.can_write is None else bool(given.can_write)
    changed = await call.core.db.write(
        shares.change_member, call.caller.user_id, id, call.core.clock(), status=given.status, can_write=may
    )
    await call.answer(wire.member_json(changed))


async def remove_member(call: Call, id: str) -> None:
    """End a membership."""
    await call.core.db.write(shares.remove_member, call.caller.user_id, id, call.core.clock())
    await call.answer()


async def get_public_key(call: Call, email: str) -> None:
    """The key to share encrypted notebooks with somebody; an empty answer where there is none or nobody."""
    found = await call.core.db.read(people.find_user, unquote(email))
    if found is not None:
        try:
            row, data = await call.core.db.read(items.get_content, found.id, INFO)
        except NotFound:
            row, data = None, None
        if row is not None and data is not None:
            await call.answer(wire.find_public_key(data))
            return
    await call.answer()
