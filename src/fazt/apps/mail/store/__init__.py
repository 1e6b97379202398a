"""Store functions of mail."""

from fazt.apps.mail.store.events import on_event

__all__ = ["on_event"]
