"""Settings, for the owner: one form for each app, made from what the manifests declare."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post

from fazt.apps.home.actions import seal, unseal
from fazt.apps.home.model import group_of
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.app import SettingValue
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import owner
from fazt.core.settings import SettingView, parse_value
from fazt.ui import Form, page, read_form, redirect


def list_groups(core: Core, query: str = "") -> list[tuple[str, str, list[SettingView]]]:
    """(name, title, settings) of each app or part that has any; with a query only what has its words."""
    titles = {"tls": "HTTPS", **{app.name: app.title for app in core.apps}}
    groups: dict[str, list[SettingView]] = {}
    words = query.casefold().split()
    for view in core.settings.list_settings():
        group = group_of(view.name)
        said = f"{view.name} {view.name.replace('_', ' ')} {view.help} {titles.get(group, '')}".casefold()
        if all(word in said for word in words):
            groups.setdefault(group, []).append(view)
    return [(name, titles.get(name, name.capitalize()), views) for name, views in groups.items()]


def read_value(form: Form, view: SettingView) -> str | None:
    """What was typed for a setting; None where it is to stay as it is."""
    if view.kind == "switch":
        return "yes" if form.is_on(view.name) else "no"
    text = form.raw(view.name)
    return None if view.is_secret and not text else text


def settings_page(
    core: Core,
    request: Asked,
    *,
    query: str = "",
    opened: str = "",
    was: str = "",
    typed: dict[str, str] | None = None,
    wrong: dict[str, FaztError] | None = None,
) -> Response[Any]:
    """All settings, or those with some words; one group is `opened`. `was` is what an undo brings back."""
    return page(
        request,
        "home/settings.html",
        status=400 if wrong else 200,
        groups=list_groups(core, query),
        query=query,
        opened=opened,
        was=was if read_undo(was) else "",
        typed=typed or {},
        wrong=wrong or {},
    )


def read_undo(was: str) -> dict[str, str]:
    """The texts of settings as they were, by name; nothing where that is old or not of our making.

    It goes through an address, and whoever made that address may be somebody else.
    """
    try:
        return unseal(was, dict[str, str]) if was else {}
    except Invalid:
        return {}


@get("/settings", guards=[owner])
async def show_settings(core: Core, request: Asked, q: str = "", group: str = "", was: str = "") -> Response[Any]:
    """All settings."""
    return settings_page(core, request, query=q.strip()[:100], opened=group, was=was)


@post("/settings/undo", guards=[owner])
async def undo(core: Core, request: Asked) -> Response[Any]:
    """Bring back what was before a change."""
    form, group = await read_form(request), ""
    for name, text in read_undo(form.raw("was")).items():
        group = group_of(name)
        await core.settings.put_text(name, text, core.clock())
    return redirect(request, f"/settings?{urlencode({'group': group})}#{group}", "As it was before.")


@post("/settings/reset/{name:str}", guards=[owner])
async def reset_setting(core: Core, request: Asked, name: str) -> Response[Any]:
    """Choose the default again."""
    await core.settings.reset(name, core.clock())
    group = group_of(name)
    return redirect(request, f"/settings?{urlencode({'group': group})}#{group}", f"{name} has its default again.")


@post("/settings/group/{group:str}", guards=[owner])
async def save_group(core: Core, request: Asked, group: str) -> Response[Any]:
    """Save one group; where a value does not suit, nothing is saved and the form says which."""
    form = await read_form(request)
    query = form.text("q")
    views = next((views for name, _, views in list_groups(core, query) if name == group), [])
    typed = {view.name: text for view in views if (text := read_value(form, view)) is not None}
    wrong = {name: error for name, text in typed.items() if (error := find_fault(core, name, text)) is not None}
    if wrong:
        return settings_page(core, request, query=query, opened=group, typed=typed, wrong=wrong)
    was: dict[str, str] = {}
    for name, text in typed.items():
        if parse_value(core.settings.find(name), text) != (before := core.settings.get(name)):
            await core.settings.put_text(name, text, core.clock())
            if not core.settings.find(name).secret:
                was[name] = as_text(before)
    back = {"group": group} | ({"was": seal(was)} if was else {})
    return redirect(request, f"/settings?{urlencode(back)}#{group}", "Saved.")


def as_text(value: SettingValue) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return msgspec.json.encode(value).decode() if isinstance(value, list) else str(value)


def find_fault(core: Core, name: str, text: str) -> FaztError | None:
    """Why this text cannot be the setting's value."""
    try:
        parse_value(core.settings.find(name), text)
    except Invalid as error:
        return error
    return None


PAGES = [show_settings, undo, reset_setting, save_group]
