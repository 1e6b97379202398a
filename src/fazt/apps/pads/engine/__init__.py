"""Open pads: documents in memory, who is connected to them, and what is on its way to the file."""

from fazt.apps.pads.engine.line import Line, Who
from fazt.apps.pads.engine.pads import Pads, get_pads
from fazt.apps.pads.engine.room import Limits, Room
from fazt.apps.pads.engine.tending import check_all, run

__all__ = ["Limits", "Line", "Pads", "Room", "Who", "check_all", "get_pads", "run"]
