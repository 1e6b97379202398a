"""Who may read and write which topics, for the owner."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.pubsub.actions import managing
from fazt.apps.pubsub.store import rules
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.auth.store import list_users
from fazt.core.errors import FaztError
from fazt.core.http.access import owner
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]


async def rules_page(core: Core, request: Asked, *, error: FaztError | None = None) -> Response[Any]:
    """All rules, with what went wrong above them."""
    people = [user for user in await core.db.read(list_users) if user.role != "owner"]
    names = {user.id: user.name or user.email for user in people} | {"everyone": "everyone", "members": "all members"}
    listed = await core.db.read(rules.list_rules)
    choices = [("everyone", "everyone"), ("members", "all members"), *((one.handle, names[one.id]) for one in people)]
    return page(
        request,
        "pubsub/rules.html",
        status=STATUS[error.kind] if error else 200,
        rules=[(rule, names.get(rule.who, "somebody")) for rule in listed],
        people=choices,
        members=core.settings.get("pubsub.members"),
        error=error,
    )


@get("/topics/rules", guards=[owner])
async def show_rules(core: Core, request: Asked) -> Response[Any]:
    """All rules."""
    return await rules_page(core, request)


@post("/topics/rules", guards=[owner])
async def add_rule(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new rule, or a change of one."""
    form = await read_form(request)
    try:
        await managing.set_rule(core, caller, form.text("pattern"), form.text("who"), form.text("may"))
    except FaztError as error:
        return await rules_page(core, request, error=error)
    return redirect(request, "/topics/rules", "Saved.")


@post("/topics/rules/delete", guards=[owner])
async def delete_rule(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Take a rule back."""
    form = await read_form(request)
    await managing.remove_rule(core, caller, form.text("pattern"), form.text("who"))
    return redirect(request, "/topics/rules", "The rule is gone.")


PAGES = [show_rules, add_rule, delete_rule]
