"""Rules and SQL of notes: items, who sees them, what changed, shares, and what was."""

from fazt.apps.joplin.store.sweep import on_event

__all__ = ["on_event"]
