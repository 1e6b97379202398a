"""Visits: one log of who came to sites, links, drops and pads, without anybody's address, and its sums."""

from fazt.core.visits.engine import Visits
from fazt.core.visits.jobs import JOBS
from fazt.core.visits.model import DIMENSIONS, Point, Record, Report, Top, Visit
from fazt.core.visits.settings import SETTINGS
from fazt.core.visits.store import add, report

__all__ = ["DIMENSIONS", "JOBS", "SETTINGS", "Point", "Record", "Report", "Top", "Visit", "Visits", "add", "report"]
