"""Collections and documents in SQL: functions of a Connection."""

from fazt.apps.textdb.store.sweep import on_event
from fazt.apps.textdb.store.things import THINGS

__all__ = ["THINGS", "on_event"]
