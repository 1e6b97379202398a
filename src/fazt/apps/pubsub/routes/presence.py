"""Who listens to a topic, and how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.pubsub.engine import hub_of
from fazt.core.clock import to_iso

if TYPE_CHECKING:
    from fazt.core import Core

SHOWN = 200


def describe_listeners(core: Core, topic: str) -> dict[str, Any]:
    """The number of listeners, and who they are as far as they said. Strangers are only counted."""
    found = hub_of(core).listeners(topic)
    named = [
        {"name": reader.caller.name or reader.caller.email, "door": reader.door, "since": to_iso(reader.opened_at)}
        for reader in found
        if reader.caller is not None
    ]
    return {"topic": topic, "listeners": len(found), "known": named[:SHOWN]}
