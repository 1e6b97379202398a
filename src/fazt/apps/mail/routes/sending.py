"""The API of what goes out: the queue, relays, addresses that get nothing, and the doctor."""

from __future__ import annotations

import msgspec
from litestar import delete, get, patch, post

from fazt.apps.mail.actions.doctor import Finding, examine
from fazt.apps.mail.model.addresses import parse_address
from fazt.apps.mail.model.outgoing import Outgoing, Relay
from fazt.apps.mail.store import outgoing, relays, suppression
from fazt.apps.mail.store.suppression import Suppressed
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import needs, owner

READ, SEND = needs("mail:read"), needs("mail:send")
ROOT = "/api/v1/mail"


class RelayBody(msgspec.Struct):
    """A relay by its address, e.g. smtp://user:password@mail.example.org:587."""

    url: str
    per_minute: int = 0


class RelayChange(msgspec.Struct):
    """Switch a relay, or move it in the chain (-1: earlier)."""

    is_on: bool | None = None
    move: int = 0


class RelayView(msgspec.Struct):
    """A relay without its password."""

    id: str
    name: str
    user: str
    per_minute: int
    is_on: bool
    signs: bool
    error: str
    error_at: int | None


class AddressBody(msgspec.Struct):
    """An address that gets nothing any more."""

    address: str
    detail: str = ""


class Queue(msgspec.Struct):
    """What waits or failed, and how many recipients are in each state."""

    messages: list[Outgoing]
    counts: dict[str, int]


def to_view(relay: Relay) -> RelayView:
    """As it may be shown."""
    user = relay.url.user if relay.url.scheme in {"smtp", "smtps"} else ""
    return RelayView(
        relay.id, relay.url.name, user, relay.per_minute, relay.is_on, relay.url.signs, relay.error, relay.error_at
    )


@get(ROOT + "/queue", guards=[READ], summary="What goes out")
async def list_queue(core: Core, caller: Caller, all: bool = False, before: str = "") -> Queue:  # noqa: A002 - a query is named by its parameter
    """What waits or failed; with `all` also what is done."""
    found = await core.db.read(outgoing.list_outgoing, caller.user_id, is_open=not all, before=before)
    counts = await core.db.read(outgoing.count_states) if caller.is_owner else {}
    return Queue(found, counts)


@get(ROOT + "/queue/{out_id:str}", guards=[READ], summary="How a message went")
async def get_queued(core: Core, caller: Caller, out_id: str) -> Outgoing:
    """Each recipient of one message."""
    return await core.db.read(outgoing.get_outgoing, out_id, caller.user_id)


@post(ROOT + "/queue/{out_id:str}/retry", guards=[SEND], summary="Try again now", status_code=200)
async def retry(core: Core, caller: Caller, out_id: str) -> Outgoing:
    """Try again what waits or failed."""
    await core.db.write(outgoing.retry, out_id, caller.user_id, now=core.clock())
    return await core.db.read(outgoing.get_outgoing, out_id, caller.user_id)


@post(ROOT + "/queue/{out_id:str}/cancel", guards=[SEND], summary="Stop what waits", status_code=200)
async def cancel(core: Core, caller: Caller, out_id: str) -> Outgoing:
    """What is in a relay's hands goes its way."""
    await core.db.write(outgoing.cancel, out_id, caller.user_id, now=core.clock())
    return await core.db.read(outgoing.get_outgoing, out_id, caller.user_id)


@get(ROOT + "/relays", guards=[owner], summary="List relays")
async def list_relays(core: Core) -> list[RelayView]:
    """The chain of relays."""
    return [to_view(relay) for relay in await core.db.read(relays.list_relays)]


@post(ROOT + "/relays", guards=[owner], summary="Add a relay")
async def add_relay(core: Core, data: RelayBody) -> RelayView:
    """A new last link of the chain."""
    return to_view(await core.db.write(relays.add_relay, data.url, per_minute=data.per_minute, now=core.clock()))


@patch(ROOT + "/relays/{relay_id:str}", guards=[owner], summary="Change a relay")
async def change_relay(core: Core, relay_id: str, data: RelayChange) -> RelayView:
    """Switch it or move it."""
    await core.db.write(relays.change_relay, relay_id, is_on=data.is_on, by=data.move)
    return to_view(await core.db.read(relays.get_relay, relay_id))


@delete(ROOT + "/relays/{relay_id:str}", guards=[owner], summary="Remove a relay")
async def delete_relay(core: Core, relay_id: str) -> None:
    """Take it out of the chain."""
    await core.db.write(relays.delete_relay, relay_id)


@get(ROOT + "/suppressions", guards=[owner], summary="Addresses that get nothing")
async def list_suppressions(core: Core, after: str = "") -> list[Suppressed]:
    """By address; those after `after`."""
    return await core.db.read(suppression.list_suppressed, after=after)


@post(ROOT + "/suppressions", guards=[owner], summary="Send an address nothing more", status_code=204)
async def suppress(core: Core, data: AddressBody) -> None:
    """Put an address on the list."""
    address = str(parse_address(data.address))
    await core.db.write(suppression.suppress, address, "manual", data.detail, now=core.clock())


@delete(ROOT + "/suppressions/{address:str}", guards=[owner], summary="Let an address have mail again")
async def release(core: Core, address: str) -> None:
    """Take an address off the list."""
    await core.db.write(suppression.release, address)


@get(ROOT + "/doctor", guards=[owner], summary="Is the domain set up for mail?")
async def doctor(core: Core) -> list[Finding]:
    """Each record that mail needs, whether it is there, and what to set."""
    return await examine(core)


HANDLERS = [
    list_queue,
    get_queued,
    retry,
    cancel,
    list_relays,
    add_relay,
    change_relay,
    delete_relay,
    list_suppressions,
    suppress,
    release,
    doctor,
]
