"""The API of addresses and rules: `/api/v1/mail/addresses…`, `/api/v1/mail/rules…`."""

from __future__ import annotations

import msgspec
from litestar import delete, get, post, put

from fazt.apps.mail.actions.send import own_addresses
from fazt.apps.mail.model.rules import Action, Condition, Rule
from fazt.apps.mail.store import addresses, rules
from fazt.apps.mail.store.addresses import Alias
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import HOUR
from fazt.core.errors import Invalid
from fazt.core.http.access import needs

READ, WRITE = needs("mail:read"), needs("mail:write")
MAX_HOURS = 24 * 3_660


class AddressBody(msgspec.Struct):
    """A new address: its name before the `@` (empty: a random one), and when it ends (0: never)."""

    name: str = ""
    note: str = ""
    hours: int = 0
    max_uses: int = 0


class AddressList(msgspec.Struct):
    """All that one may write from and is reached by, and the addresses that one made."""

    own: list[str]
    made: list[Alias]


class RuleBody(msgspec.Struct):
    """A rule: conditions that must all hold, and what is then done."""

    name: str
    actions: list[Action]
    conditions: list[Condition] = []
    stop: bool = True
    is_on: bool = True


@get("/api/v1/mail/addresses", guards=[READ], summary="List your addresses")
async def list_addresses(core: Core, caller: Caller) -> AddressList:
    """Your addresses."""
    made = await core.db.read(addresses.list_aliases, caller.user_id)
    return AddressList(await own_addresses(core, caller), made)


@post("/api/v1/mail/addresses", guards=[WRITE], summary="Make an address")
async def create_address(core: Core, caller: Caller, data: AddressBody) -> Alias:
    """An alias, or with an end a one-time address."""
    if not 0 <= data.hours <= MAX_HOURS or not 0 <= data.max_uses <= 1_000_000:
        raise Invalid("hours and max_uses are whole numbers; 0 means no end.")
    now = core.clock()
    return await core.db.write(
        addresses.create_alias,
        caller.user_id,
        data.name,
        note=data.note,
        now=now,
        expires_at=now + data.hours * HOUR if data.hours else None,
        max_uses=data.max_uses or None,
    )


@delete("/api/v1/mail/addresses/{name:str}", guards=[WRITE], summary="Take an address away")
async def delete_address(core: Core, caller: Caller, name: str) -> None:
    """Mail for it is refused from now on."""
    await core.db.write(addresses.delete_alias, caller.user_id, name)


@get("/api/v1/mail/rules", guards=[READ], summary="List rules")
async def list_rules(core: Core, caller: Caller) -> list[Rule]:
    """Your rules in their order."""
    return await core.db.read(rules.list_rules, caller.user_id)


@post("/api/v1/mail/rules", guards=[WRITE], summary="Make a rule")
async def create_rule(core: Core, caller: Caller, data: RuleBody) -> Rule:
    """A rule behind the others."""
    return await core.db.write(
        rules.put_rule,
        caller.user_id,
        data.name,
        tuple(data.conditions),
        tuple(data.actions),
        stop=data.stop,
        is_on=data.is_on,
        now=core.clock(),
    )


@put("/api/v1/mail/rules/{rule_id:str}", guards=[WRITE], summary="Change a rule")
async def put_rule(core: Core, caller: Caller, rule_id: str, data: RuleBody) -> Rule:
    """Another shape of the rule, at its place."""
    return await core.db.write(
        rules.put_rule,
        caller.user_id,
        data.name,
        tuple(data.conditions),
        tuple(data.actions),
        stop=data.stop,
        is_on=data.is_on,
        rule_id=rule_id,
        now=core.clock(),
    )


@delete("/api/v1/mail/rules/{rule_id:str}", guards=[WRITE], summary="Delete a rule")
async def delete_rule(core: Core, caller: Caller, rule_id: str) -> None:
    """Take a rule away."""
    await core.db.write(rules.delete_rule, caller.user_id, rule_id)


HANDLERS = [list_addresses, create_address, delete_address, list_rules, create_rule, put_rule, delete_rule]
