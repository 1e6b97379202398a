"""The doors of pads: `/pad/…` for everybody, and the API for programs and pages."""

from fazt.apps.pads.routes.api import HANDLERS
from fazt.apps.pads.routes.door import DOOR

ROUTES = [DOOR, *HANDLERS]

__all__ = ["ROUTES"]
