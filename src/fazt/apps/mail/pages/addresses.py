"""Addresses and rules, for everybody who has a mailbox."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.mail.actions.send import own_addresses
from fazt.apps.mail.model.rules import FIELDS, KINDS, NEEDS_VALUE, TESTS, Action, Condition
from fazt.apps.mail.store import addresses, rules
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import HOUR
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.ui import page, read_form, redirect
from fazt.ui.forms import Form

Asked = Request[Any, Any, Any]
LASTING = (("0", "For ever"), ("1", "An hour"), ("24", "A day"), ("168", "A week"), ("720", "30 days"))
ROWS = 3


@get("/mail/addresses", guards=[member])
async def show_addresses(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """One's addresses, and a form for another."""
    return await addresses_page(core, caller, request)


async def addresses_page(core: Core, caller: Caller, request: Asked, **context: Any) -> Response[Any]:
    """The page, with what went wrong."""
    now = core.clock()
    made = await core.db.read(addresses.list_aliases, caller.user_id)
    names = {alias.address for alias in made}
    own = [text for text in await own_addresses(core, caller) if text.partition("@")[0] not in names]
    return page(
        request,
        "mail/addresses.html",
        own=own,
        made=[(alias, alias.is_over(now)) for alias in made],
        lasting=LASTING,
        catch_all=core.settings.get("mail.catch_all"),
        **{"error": None, "name": "", "new": "", **context},
    )


@post("/mail/addresses", guards=[member])
async def add_address(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Make an alias, or a one-time address."""
    form = await read_form(request)
    hours, uses, now = form.number("hours"), form.number("max_uses"), core.clock()
    try:
        made = await core.db.write(
            addresses.create_alias,
            caller.user_id,
            form.text("name"),
            note=form.text("note"),
            now=now,
            expires_at=now + hours * HOUR if hours > 0 else None,
            max_uses=uses if uses > 0 else None,
        )
    except FaztError as error:
        return await addresses_page(core, caller, request, error=error, name=form.text("name"))
    return redirect(request, "/mail/addresses", f"{made.address}@{core.config.domain} is yours.")


@post("/mail/addresses/delete", guards=[member])
async def delete_address(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Take an address away."""
    name = (await read_form(request)).text("name")
    await core.db.write(addresses.delete_alias, caller.user_id, name)
    return redirect(request, "/mail/addresses", f"Mail for {name} is refused from now on.")


@get("/mail/rules", guards=[member])
async def show_rules(core: Core, caller: Caller, request: Asked, edit: str = "") -> Response[Any]:
    """The rules in their order, and a form."""
    return await rules_page(core, caller, request, edit)


async def rules_page(core: Core, caller: Caller, request: Asked, edit: str, error: Any = None) -> Response[Any]:
    """The page, with a rule in the form where one is to be changed."""
    rule = await core.db.read(rules.get_rule, caller.user_id, edit) if edit else None
    conditions = list(rule.conditions) if rule else []
    actions = list(rule.actions) if rule else []
    conditions += [Condition("", "contains")] * max(1, ROWS - len(conditions))
    actions += [Action("")] * max(1, ROWS - 1 - len(actions))
    return page(
        request,
        "mail/rules.html",
        rules=await core.db.read(rules.list_rules, caller.user_id),
        rule=rule,
        conditions=conditions,
        actions=actions,
        fields=[("", "–"), *FIELDS.items()],
        tests=list(TESTS.items()),
        kinds=[("", "–"), *KINDS.items()],
        names={**FIELDS, **TESTS, **KINDS},
        needs_value=NEEDS_VALUE,
        error=error,
        domain=core.config.domain,
    )


@post("/mail/rules", guards=[member])
async def save_rule(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Make or change a rule."""
    form = await read_form(request)
    rule_id = form.text("rule")
    try:
        conditions, actions = read_rule(form)
        await core.db.write(
            rules.put_rule,
            caller.user_id,
            form.text("name"),
            conditions,
            actions,
            stop=form.is_on("stop"),
            is_on=True,
            rule_id=rule_id,
            now=core.clock(),
        )
    except FaztError as error:
        return await rules_page(core, caller, request, rule_id, error)
    return redirect(request, "/mail/rules", "The rule holds from now on.")


def read_rule(form: Form) -> tuple[tuple[Condition, ...], tuple[Action, ...]]:
    """Conditions and actions from the rows of the form; empty rows are left out."""
    rows = zip(form.texts("field"), form.texts("header"), form.texts("test"), form.texts("value"), strict=True)
    conditions = tuple(
        Condition(field, test, value.strip(), header.strip()) for field, header, test, value in rows if field
    )
    pairs = zip(form.texts("kind"), form.texts("with"), strict=True)
    return conditions, tuple(Action(kind, value.strip()) for kind, value in pairs if kind)


@post("/mail/rules/change", guards=[member])
async def change_rule(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Move, switch or delete a rule."""
    form = await read_form(request)
    rule_id, what = form.text("rule"), form.text("do")
    match what:
        case "up" | "down":
            await core.db.write(rules.move_rule, caller.user_id, rule_id, -1 if what == "up" else 1)
        case "on" | "off":
            await core.db.write(rules.switch_rule, caller.user_id, rule_id, is_on=what == "on")
        case "delete":
            await core.db.write(rules.delete_rule, caller.user_id, rule_id)
        case _:
            raise Invalid("It is not clear what is to be done.")
    return redirect(request, "/mail/rules")


HANDLERS = [show_addresses, add_address, delete_address, show_rules, save_rule, change_rule]
