"""Live machinery of drops: who downloads now, passwords, and the end of drops on the second."""

from fazt.apps.drops.engine.desk import Desk, Download, GrantKey, get_desk
from fazt.apps.drops.engine.sweeper import run, sweep

__all__ = ["Desk", "Download", "GrantKey", "get_desk", "run", "sweep"]
