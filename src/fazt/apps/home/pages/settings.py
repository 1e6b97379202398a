"""Settings, for the owner: one form for each app, made from what the manifests declare."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.model import group_of
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import owner
from fazt.core.settings import SettingView, parse_value
from fazt.ui import Form, page, read_form, redirect


def list_groups(core: Core) -> list[tuple[str, str, list[SettingView]]]:
    """(name, title, settings) of each app or part that has any."""
    titles = {"tls": "HTTPS", **{app.name: app.title for app in core.apps}}
    groups: dict[str, list[SettingView]] = {}
    for view in core.settings.list_settings():
        groups.setdefault(group_of(view.name), []).append(view)
    return [(name, titles.get(name, name.capitalize()), views) for name, views in groups.items()]


def read_value(form: Form, view: SettingView) -> str | None:
    """What was typed for a setting; None where it is to stay as it is."""
    if view.kind == "switch":
        return "yes" if form.is_on(view.name) else "no"
    text = form.raw(view.name)
    return None if view.is_secret and not text else text


@get("/settings", guards=[owner])
async def show_settings(core: Core, request: Asked) -> Response[Any]:
    """All settings."""
    return page(request, "home/settings.html", groups=list_groups(core), typed={}, wrong={})


@post("/settings/reset/{name:str}", guards=[owner])
async def reset_setting(core: Core, request: Asked, name: str) -> Response[Any]:
    """Choose the default again."""
    await core.settings.reset(name, core.clock())
    return redirect(request, f"/settings#{group_of(name)}", f"{name} has its default again.")


@post("/settings/group/{group:str}", guards=[owner])
async def save_group(core: Core, request: Asked, group: str) -> Response[Any]:
    """Save one group; where a value does not suit, nothing is saved and the form says which."""
    form = await read_form(request)
    views = [view for view in core.settings.list_settings() if group_of(view.name) == group]
    typed = {view.name: text for view in views if (text := read_value(form, view)) is not None}
    wrong = {name: error for name, text in typed.items() if (error := find_fault(core, name, text)) is not None}
    if wrong:
        return page(request, "home/settings.html", status=400, groups=list_groups(core), typed=typed, wrong=wrong)
    for name, text in typed.items():
        if parse_value(core.settings.find(name), text) != core.settings.get(name):
            await core.settings.put_text(name, text, core.clock())
    return redirect(request, f"/settings#{group}", "Saved.")


def find_fault(core: Core, name: str, text: str) -> FaztError | None:
    """Why this text cannot be the setting's value."""
    try:
        parse_value(core.settings.find(name), text)
    except Invalid as error:
        return error
    return None


PAGES = [show_settings, reset_setting, save_group]
