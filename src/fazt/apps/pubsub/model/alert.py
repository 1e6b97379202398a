"""Alerts: a topic's number is above or below a bound, or nothing has come for some minutes."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from fazt.apps.pubsub.model.topic import check_topic
from fazt.core.errors import Invalid

AlertKind = Literal["above", "below", "silent"]
KINDS = ("above", "below", "silent")
MAX_MINUTES = 60 * 24 * 366


class Alert(msgspec.Struct, frozen=True):
    """`value` is the bound, or the minutes of silence. Whoever made it (`user_id`) is told when it begins and ends."""

    id: int
    user_id: str
    topic: str
    kind: AlertKind
    value: float
    is_firing: bool = False
    changed_at: int = 0

    @property
    def words(self) -> str:
        """The alert in words."""
        if self.kind == "silent":
            return f"silent for {self.value:g} min"
        return f"{self.kind} {self.value:g}"

    def fires_at(self, number: float) -> bool:
        """Whether a value of the topic sets it off; silence is looked for elsewhere."""
        return number > self.value if self.kind == "above" else number < self.value


def check_alert(topic: str, kind: str, value: float, user_id: str = "") -> Alert:
    """A new alert, without id. Raises Invalid."""
    if kind not in KINDS:
        raise Invalid(f"An alert is one of {', '.join(KINDS)}.")
    if not math.isfinite(value) or (kind == "silent" and not 1 <= value <= MAX_MINUTES):
        raise Invalid("An alert has a number as bound; for silence, minutes from 1 on.")
    return Alert(0, user_id, check_topic(topic), kind, value)  # type: ignore[arg-type] # looked at above
