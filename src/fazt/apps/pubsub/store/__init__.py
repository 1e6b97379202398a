"""The log and all that belongs to it, in SQL: functions of a Connection."""

from fazt.apps.pubsub.store.hearing import on_event

__all__ = ["on_event"]
