"""The doors of links: following them, and the API."""

from fazt.apps.links.routes import api, exchange, shlink
from fazt.apps.links.routes.follow import MOUNT, find_host, front_host, list_hosts

__all__ = ["ROUTES", "find_host", "front_host", "list_hosts"]

ROUTES = [MOUNT, shlink.MOUNT, *api.HANDLERS, *exchange.HANDLERS]
