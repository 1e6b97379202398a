"""Joplin's protocol as text: addresses of items, bodies of requests, the shapes of answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from fazt.apps.joplin.model.shares import PUBLISHED, Member, Share
from fazt.apps.joplin.model.uploads import Refused, Stat
from fazt.core.errors import Invalid

MAX_BATCH = 1_000


class Login(msgspec.Struct, frozen=True):
    """What an app says when it logs in; what is not known is left out of account."""

    email: str
    password: str
    platform: int = 0
    type: int = 0
    version: str = ""


class NewShare(msgspec.Struct, frozen=True):
    """A notebook to share, or a note to publish."""

    folder_id: str = ""
    note_id: str = ""
    master_key_id: str = ""
    recursive: int | bool = 0


class NewMember(msgspec.Struct, frozen=True):
    """Somebody to invite. `master_key` is none of the server's business."""

    email: str
    master_key: str | None = ""
    can_read: int | bool = 1
    can_write: int | bool = 1


class MemberChange(msgspec.Struct, frozen=True):
    """An answer to an invitation, or what a member may do from now on."""

    status: int | None = None
    can_read: int | bool | None = None
    can_write: int | bool | None = None


class NewLock(msgspec.Struct, frozen=True, rename="camel"):
    """A lock that an old client asks for."""

    type: int
    client_type: int
    client_id: str


class BatchItem(msgspec.Struct, frozen=True):
    """One item of a batch."""

    name: str
    body: str


class Batch(msgspec.Struct, frozen=True):
    """Many small items at once."""

    items: list[BatchItem]


class Names(msgspec.Struct, frozen=True):
    """Many items to delete."""

    items: list[str]


def parse_body(data: bytes, kind: Any) -> Any:
    """The body of a request as `kind`; an empty one is an empty object. Raises Invalid."""
    try:
        return msgspec.json.decode(data.strip() or b"{}", type=kind, strict=False)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(f"The request does not fit: {str(error)[:200]}.") from error


def parse_batch(data: bytes) -> list[tuple[str, bytes]]:
    """Names and bytes of a batch. Raises Invalid.

    JavaScript may send half a surrogate pair, which no UTF-8 has: such a one becomes U+FFFD, as on any other way.
    """
    try:
        batch = msgspec.json.decode(data, type=Batch)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        batch = parse_batch_leniently(data)
    if len(batch.items) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH} items.")
    return [(one.name, one.body.encode()) for one in batch.items]


def parse_batch_leniently(data: bytes) -> Batch:
    """As JavaScript would read it. Raises Invalid."""
    try:
        batch: Batch = msgspec.convert(mend(json.loads(data)), type=Batch)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Invalid(f"The batch does not fit: {str(error)[:200]}.") from error
    return batch


def mend(value: Any) -> Any:
    """The value with U+FFFD for half surrogate pairs, as deep as a batch goes."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [mend(one) for one in value]
    if isinstance(value, dict):
        return {key: mend(one) if key in {"items", "name", "body"} else one for key, one in value.items()}
    return value


def parse_item_path(raw: str) -> tuple[str, str]:
    """Name and link of what stands behind `items/`: `root:/NAME:/content`. The root's name is "". Raises Invalid."""
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise Invalid("This address is not UTF-8.") from error
    root, colon, rest = text.partition(":")
    if root.partition("/")[0] == "root" and not colon:
        return "", root.partition("/")[2].strip("/")
    name, second, link = rest.partition(":")
    if root != "root" or not second:
        raise Invalid("An item is addressed as root:/NAME:.")
    return name.removeprefix("/"), link.strip("/")


def stat_json(stat: Stat) -> dict[str, Any]:
    """An item that is stored."""
    return {
        "id": stat.id,
        "name": stat.name,
        "updated_time": stat.updated_time,
        "created_time": stat.created_time,
    }


def batch_json(done: dict[str, Stat | Refused]) -> dict[str, Any]:
    """The answer to a batch: every name, with the item or why it was refused."""
    items: dict[str, Any] = {}
    for name, one in done.items():
        if isinstance(one, Stat):
            items[name] = {"item": stat_json(one), "error": None}
        else:
            items[name] = {"item": None, "error": refused_json(one)}
    return {"items": items, "has_more": False}


def refused_json(one: Refused) -> dict[str, Any]:
    """Why an item was refused."""
    return {"httpCode": one.http_code, "message": one.message} | ({"code": one.code} if one.code else {})


def share_json(one: Share) -> dict[str, Any]:
    """A share, whole."""
    is_note = one.type == PUBLISHED
    return {
        "id": one.id,
        "type": one.type,
        "item_id": one.item_id,
        "owner_id": one.owner_id,
        "folder_id": "" if is_note else one.item_id,
        "note_id": one.item_id if is_note else "",
        "master_key_id": one.master_key_id,
        "recursive": int(one.is_recursive),
        "created_time": one.created_at,
        "updated_time": one.updated_at,
    }


def listed_share_json(one: Share) -> dict[str, Any]:
    """A share in the list that every synchronisation asks for."""
    found = {key: value for key, value in share_json(one).items() if value != ""}
    return found | {"user": {"id": one.owner_id}}


def member_json(one: Member) -> dict[str, Any]:
    """A membership, whole. `can_read` and `can_write` are always there: clients take a missing one for no."""
    return {
        "id": one.id,
        "share_id": one.share_id,
        "user_id": one.user_id,
        "status": one.status,
        "master_key": one.master_key,
        "can_read": int(one.can_read),
        "can_write": int(one.can_write),
        "created_time": one.created_at,
        "updated_time": one.updated_at,
    }


def find_public_key(info: bytes) -> dict[str, str] | None:
    """The public key in an `info.json`, or None."""
    try:
        value = json.loads(info)["ppk"]["value"]
        return {"id": str(value["id"]), "publicKey": str(value["publicKey"])}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def list_json(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that is whole."""
    return {"items": items, "has_more": False}
