"""The doors of drops: `/d/…` for everybody, and the API for programs and pages."""

from fazt.apps.drops.routes.api import ROUTES as API
from fazt.apps.drops.routes.door import DOOR
from fazt.apps.drops.routes.requests import ROUTES as REQUESTS

ROUTES = [DOOR, *API, *REQUESTS]

__all__ = ["ROUTES"]
