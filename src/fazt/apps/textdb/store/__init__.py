"""Collections and documents in SQL: functions of a Connection."""

from fazt.apps.textdb.store.sweep import on_event

__all__ = ["on_event"]
