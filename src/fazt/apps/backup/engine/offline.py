"""Restoring while no server runs: the file may be damaged or gone, so nothing of it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.exc import DatabaseError

from fazt.apps.backup import APP
from fazt.apps.backup.engine.orders import Get, Tell, foreseen, make_order, replication_of
from fazt.apps.backup.engine.packing import find_identities
from fazt.apps.backup.engine.postgres import RESTORE
from fazt.apps.backup.engine.restoring import prepare
from fazt.apps.backup.model import parse_moment
from fazt.core.config import Config
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.db.swap import held, put_in_place, replaced_path
from fazt.core.errors import Invalid, Unavailable
from fazt.core.settings.store import list_settings


def read_settings(config: Config) -> Get:
    """The settings of backups as the file has them, as far as it can be read; else the defaults."""
    values: dict[str, Any] = {setting.name: setting.default for setting in APP.settings}
    if config.data.exists() and not config.database_url:
        engine = create_sqlite_engine(config.data)
        try:
            with engine.connect() as conn:
                chosen = list_settings(conn)
            values |= {name: msgspec.json.decode(text) for name, text in chosen.items() if name in values}
        except (DatabaseError, msgspec.MsgspecError):
            pass
        finally:
            engine.dispose()
    return values.__getitem__


def restore_offline(config: Config, which: dict[str, Any], tell: Tell, now: int) -> dict[str, Any]:
    """Bring a backup back in the place of data.db. Raises Invalid where it is not sound, Unavailable on PostgreSQL."""
    if config.database_url:
        raise Unavailable("The data is in PostgreSQL, which fazt does not restore by itself.", hint=RESTORE)
    get = read_settings(config)
    more: dict[str, Any] = {"name": which.get("name", "latest"), "file": which.get("file", "")}
    if which["at"]:
        more["at"] = parse_moment(which["at"], now)
    if which["identity"]:
        more["identities"] = find_identities(which["identity"])
    if which["replica"]:
        more["replica"] = replication_of(get, config, which["source"])
        if more["replica"] is None:
            raise Invalid("There is no replica.", hint="Say where it is with --from URL.")
    elif which["source"]:
        more["place"] = which["source"]
    config.data.parent.mkdir(parents=True, exist_ok=True)
    with foreseen(), held(config.data, 0):
        prepared = prepare(make_order(get, config, "restore", now, **more), tell)
        tell("Putting it in place", 0, 0)
        put_in_place(config.data, Path(prepared.path), replaced_path(config.data, now))
    found: dict[str, Any] = msgspec.to_builtins(prepared)
    return found
