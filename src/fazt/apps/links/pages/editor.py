"""One link: what it is, when it ends, its rules, and its QR code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from fazt.apps.links import actions, store
from fazt.apps.links.engine import short_hosts
from fazt.apps.links.model import STATUSES, Condition, Link, Rule, Variant
from fazt.apps.links.model.rules import CONDITIONS
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import Form, page, read_form, redirect

Asked = Request[Any, Any, Any]
EMPTY_ROWS = 2
"""Blank rows of rules and variants, for new ones; saving gives two more."""


async def find(core: Core, caller: Caller, link_id: int) -> Link:
    """One of the caller's links. Raises NotFound."""
    return await core.db.read(store.get_link, link_id, owner=actions.owner_of(caller))


def link_page(core: Core, request: Asked, link: Link, *, error: FaztError | None = None) -> Response[Any]:
    """The form, as it is or as it was typed."""
    scope: Any = request.scope
    rules = [(number, rule) for number, rule in enumerate(link.rules)]
    return page(
        request,
        "links/link.html",
        status=STATUS[error.kind] if error else 200,
        link=link,
        url=actions.short_url(core, link, base_url(core.config, scope)),
        hosts=short_hosts(core),
        statuses=STATUSES,
        default_status=core.settings.get("links.redirect_status"),
        conditions=list(CONDITIONS),
        rules=rules,
        blanks=range(len(rules), len(rules) + EMPTY_ROWS),
        variants=[*link.variants, *[None] * EMPTY_ROWS],
        local=lambda at: to_iso(at)[:16] if at is not None else "",
        error=error,
    )


@get("/links/{link_id:int}", guards=[member])
async def show_link(core: Core, caller: Caller, request: Asked, link_id: int) -> Response[Any]:
    """One link."""
    return link_page(core, request, await find(core, caller, link_id))


@post("/links/{link_id:int}", guards=[member])
async def save_link(core: Core, caller: Caller, request: Asked, link_id: int) -> Response[Any]:
    """Save all of it."""
    form, link = await read_form(request), await find(core, caller, link_id)
    changes: dict[str, Any] = {}
    try:
        changes = read_changes(form)
        await actions.change(core, caller, link_id, changes)
    except FaztError as error:
        return link_page(core, request, msgspec.structs.replace(link, **changes), error=error)
    return redirect(request, f"/links/{link_id}", "Saved.")


def read_changes(form: Form) -> dict[str, Any]:
    """The fields of the form. Raises Invalid."""
    return {
        "target": form.text("target"),
        "slug": form.text("slug"),
        "host": form.text("host"),
        "title": form.text("title"),
        "tags": tuple(form.text("tags").split(",")),
        "status": form.number("status"),
        "forward_query": form.is_on("forward_query"),
        "is_crawlable": form.is_on("is_crawlable"),
        "valid_from": read_moment(form.text("valid_from")),
        "expires_at": read_moment(form.text("expires_at")),
        "max_visits": form.number("max_visits") or None,
        "rules": read_rules(form),
        "variants": read_variants(form),
    }


def read_moment(text: str) -> int | None:
    """What a field of date and time says, in UTC. Raises Invalid."""
    if not text:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no date and time.") from error


def read_rules(form: Form) -> tuple[Rule, ...]:
    """A row each: the condition, and where it leads; more conditions of one rule stand in rows without a target."""
    rows = zip(
        form.texts("rule_type"),
        form.texts("rule_key"),
        form.texts("rule_value"),
        form.texts("rule_target"),
        strict=False,
    )
    rules: list[Rule] = []
    for kind, key, value, target in rows:
        if not kind:
            continue
        condition = Condition(kind, key.strip() or None, value.strip() or None)
        if target.strip():
            rules.append(Rule(target.strip(), (condition,)))
        elif rules:
            rules[-1] = Rule(rules[-1].target, (*rules[-1].conditions, condition))
        else:
            raise Invalid("A rule says where it leads.")
    return tuple(rules)


def read_variants(form: Form) -> tuple[Variant, ...]:
    """A row each: a target and its weight. Raises Invalid."""
    made = []
    for target, weight in zip(form.texts("variant_target"), form.texts("variant_weight"), strict=False):
        if target.strip():
            if not (weight.strip() or "1").isdigit():
                raise Invalid("A weight is a whole number.")
            made.append(Variant(target.strip(), int(weight.strip() or 1)))
    return tuple(made)


@post("/links/{link_id:int}/password", guards=[member])
async def save_password(core: Core, caller: Caller, request: Asked, link_id: int) -> Response[Any]:
    """Ask visitors for a password, or no longer."""
    password = (await read_form(request)).raw("password")
    try:
        hashed = await actions.hash_password(core, password)
        await actions.change(core, caller, link_id, {"password_hash": hashed})
    except FaztError as error:
        return link_page(core, request, await find(core, caller, link_id), error=error)
    return redirect(request, f"/links/{link_id}", "Visitors are asked for it." if password else "The link is open.")


@post("/links/{link_id:int}/delete", guards=[member])
async def delete_link(core: Core, caller: Caller, request: Asked, link_id: int) -> Response[Any]:
    """Take it off; the list offers to bring it back."""
    link = await actions.delete(core, caller, link_id)
    return redirect(request, "/links#deleted", f"{link.slug} is deleted. It can be brought back, below.", "warn")


PAGES = [show_link, save_link, save_password, delete_link]
