"""HTTP of topics: the hub, ntfy's side, and the API."""

from fazt.apps.pubsub.routes.api import HANDLERS
from fazt.apps.pubsub.routes.hub import MOUNT as HUB
from fazt.apps.pubsub.routes.ntfy import MOUNT as NTFY
from fazt.apps.pubsub.routes.ntfy import find_host, list_hosts

ROUTES = [HUB, NTFY, *HANDLERS]

__all__ = ["ROUTES", "find_host", "list_hosts"]
