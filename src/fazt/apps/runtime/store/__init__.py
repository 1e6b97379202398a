"""Rules and SQL of functions; and what they hear of the other apps."""

from fazt.apps.runtime.store.hearing import SYNC_JOB, on_event

__all__ = ["SYNC_JOB", "on_event"]
