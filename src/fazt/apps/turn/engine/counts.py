"""What the relay counts while it works."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from fazt.apps.turn.model import Note

MAX_NOTES_PER_TICK = 20


class Traffic(Protocol):
    """What has passed through an allocation."""

    bytes_sent: int
    bytes_received: int
    packets_sent: int
    packets_received: int


@dataclass(slots=True)
class Counts:
    """Totals since the start. The four traffic figures are those of allocations that have ended."""

    named: Counter[str] = field(default_factory=Counter)
    bytes_sent: int = 0
    bytes_received: int = 0
    packets_sent: int = 0
    packets_received: int = 0
    notes: list[Note] = field(default_factory=list)
    unsaid: int = 0

    def add(self, name: str) -> None:
        """One more, e.g. of `dropped.no_permission`."""
        self.named[name] += 1

    def close(self, ended: Traffic) -> None:
        """Keep the figures of an allocation that has ended."""
        self.bytes_sent += ended.bytes_sent
        self.bytes_received += ended.bytes_received
        self.packets_sent += ended.packets_sent
        self.packets_received += ended.packets_received

    def note(self, note: Note) -> None:
        """A line for the log; in a flood only the number of lines is kept."""
        if len(self.notes) < MAX_NOTES_PER_TICK:
            self.notes.append(note)
        else:
            self.unsaid += 1

    def take_notes(self) -> list[Note]:
        """The lines since the last time this was asked."""
        taken, self.notes = self.notes, []
        if self.unsaid:
            taken.append(Note("warning", f"{self.unsaid} more lines like these"))
            self.unsaid = 0
        return taken
