"""Facts that one part tells the others: kept in the transaction that makes them true, delivered after it."""

from fazt.core.app import EventKind, Setting
from fazt.core.events.engine import Events, Listener
from fazt.core.events.jobs import JOBS
from fazt.core.events.model import Event
from fazt.core.events.store import DEAD_JOB_EVENT, Many, OnEvent, emit, find_newest, list_events, tell_dead_job

SETTINGS = (Setting("events.keep_days", 30, "How long the log of events looks back.", 1, 3_650, unit="days"),)
EVENTS = (
    EventKind(
        DEAD_JOB_EVENT,
        "A job failed too often and was given up.",
        {"id": "its number", "name": "what it does", "error": "what it said last", "attempts": "how often it ran"},
    ),
)

__all__ = [
    "EVENTS",
    "JOBS",
    "SETTINGS",
    "Event",
    "Events",
    "Listener",
    "Many",
    "OnEvent",
    "emit",
    "find_newest",
    "list_events",
    "tell_dead_job",
]
