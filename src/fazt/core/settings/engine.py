"""The settings in memory, always as the file has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection

from fazt.core.db import Database, after_commit
from fazt.core.errors import Invalid, NotFound
from fazt.core.log import get_logger
from fazt.core.settings import store
from fazt.core.settings.model import SettingView, check_value, parse_value, view

if TYPE_CHECKING:
    from fazt.core.app import Setting, SettingValue

Watcher = Callable[["SettingValue"], None]

log = get_logger(__name__)


class Settings:
    """What the owner chose, and the defaults of what they did not. `declared` are all settings there are."""

    def __init__(self, declared: Iterable[Setting]) -> None:
        self._declared: dict[str, Setting] = {}
        for setting in declared:
            if setting.name in self._declared:
                raise ValueError(f"the setting {setting.name!r} is declared twice")
            check_value(setting, setting.default)
            self._declared[setting.name] = setting
        self._chosen: dict[str, SettingValue] = {}
        self._watchers: dict[str, list[Watcher]] = {}
        self._db: Database | None = None

    async def load(self, db: Database) -> None:
        """Read what was chosen; to be awaited before anything else is asked."""
        self._db = db
        for name, text in (await db.read(store.list_settings)).items():
            if name not in self._declared:
                log.info("the setting %s is not known to this version; it is kept", name)
                continue
            try:
                self._chosen[name] = check_value(self._declared[name], msgspec.json.decode(text))
            except Invalid as error:
                log.warning("%s; the default is used", error)

    def get(self, name: str) -> Any:
        """The value, of the type of the default. Raises NotFound for a name that nobody declared."""
        value = self._chosen.get(name)
        if value is None:
            value = self.find(name).default
        return list(value) if isinstance(value, list) else value

    def find(self, name: str) -> Setting:
        """What was declared. Raises NotFound, naming what is spelled alike."""
        setting = self._declared.get(name)
        if setting is None:
            alike = get_close_matches(name, self._declared, n=3)
            raise NotFound(
                f"There is no setting {name!r}.", hint=f"Did you mean {' or '.join(alike)}?" if alike else ""
            )
        return setting

    def show(self, name: str) -> SettingView:
        """One setting as it may be shown to the owner. Raises NotFound."""
        return view(self.find(name), self.get(name), is_set=name in self._chosen)

    def list_settings(self) -> list[SettingView]:
        """All of them as they may be shown, in the order in which they were declared."""
        return [self.show(name) for name in self._declared]

    async def put(self, name: str, value: object, now: int) -> SettingValue:
        """Choose a value; what was kept. Raises NotFound, and Invalid where it does not suit."""
        kept = check_value(self.find(name), value)
        await self._write(put, name, kept, now)
        return kept

    async def put_text(self, name: str, text: str, now: int) -> SettingValue:
        """Choose what was typed, e.g. `yes`, `10 MB` or `a, b`. Raises as `put`."""
        return await self.put(name, parse_value(self.find(name), text), now)

    async def reset(self, name: str, now: int) -> None:
        """Choose the default again. Raises NotFound."""
        self.find(name)
        await self._write(reset, name, None, now)

    def watch(self, name: str, callback: Watcher) -> Callable[[], None]:
        """Have `callback(value)` run on the loop when the setting has changed; answers how to stop."""
        self.find(name)
        watchers = self._watchers.setdefault(name, [])
        watchers.append(callback)

        def stop() -> None:
            with suppress(ValueError):
                watchers.remove(callback)

        return stop

    async def _write(self, how: Callable[..., None], name: str, value: SettingValue | None, now: int) -> None:
        assert self._db is not None, "load comes first"
        await self._db.write(how, name, value, lambda: self._take(name, value), now=now)

    def _take(self, name: str, value: SettingValue | None) -> None:
        before = self.get(name)
        if value is None:
            self._chosen.pop(name, None)
        else:
            self._chosen[name] = value
        if before == self.get(name):
            return
        for watcher in tuple(self._watchers.get(name, ())):
            try:
                watcher(self.get(name))
            except Exception:  # a rim: the setting is changed, and others want to know it too
                log.exception("%s changed, and %r failed", name, watcher)


def put(conn: Connection, name: str, value: SettingValue, take: Callable[[], None], *, now: int) -> None:
    """Keep a value, and have memory take it over after the commit."""
    store.put_setting(conn, name, msgspec.json.encode(value).decode(), now=now)
    after_commit(conn, take)


def reset(conn: Connection, name: str, _none: None, take: Callable[[], None], *, now: int) -> None:
    """Forget a value, and have memory do so after the commit."""
    store.delete_setting(conn, name, now=now)
    after_commit(conn, take)
