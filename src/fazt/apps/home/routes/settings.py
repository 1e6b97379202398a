"""Settings, for the owner."""

from __future__ import annotations

from litestar import delete, get, put

from fazt.apps.home.model import NewValue
from fazt.core import Core
from fazt.core.http.access import owner
from fazt.core.settings import SettingView


@get("/api/v1/settings", guards=[owner])
async def list_settings(core: Core) -> list[SettingView]:
    """All settings with their values; those of secrets are left out."""
    return core.settings.list_settings()


@get("/api/v1/settings/{name:str}", guards=[owner])
async def show_setting(core: Core, name: str) -> SettingView:
    """One setting."""
    return core.settings.show(name)


@put("/api/v1/settings/{name:str}", guards=[owner])
async def put_setting(core: Core, name: str, data: NewValue) -> SettingView:
    """Choose a value: as JSON in `value`, or as a person types it in `text`."""
    if data.text is not None:
        await core.settings.put_text(name, data.text, core.clock())
    else:
        await core.settings.put(name, data.value, core.clock())
    return core.settings.show(name)


@delete("/api/v1/settings/{name:str}", guards=[owner])
async def reset_setting(core: Core, name: str) -> None:
    """Choose the default again."""
    await core.settings.reset(name, core.clock())


ROUTES = [list_settings, show_setting, put_setting, reset_setting]
