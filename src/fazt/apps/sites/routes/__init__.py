"""HTTP of sites: the API, the sites themselves by their hosts, and counting for pages elsewhere."""

from fazt.apps.sites.routes.api import HANDLERS
from fazt.apps.sites.routes.hosting import find_host, front_host, list_hosts
from fazt.apps.sites.routes.views import pixel, track
from fazt.core.app import Mount

ROUTES = [
    *HANDLERS,
    Mount("/track", track, access="public", help="GET: the script that counts views; POST: what it sends."),
    Mount("/pixel.gif", pixel, access="public", help="A picture of one dot that counts a view."),
]

__all__ = ["ROUTES", "find_host", "front_host", "list_hosts"]
