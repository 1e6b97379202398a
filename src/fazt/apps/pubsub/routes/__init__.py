"""HTTP of topics: the hub."""

from fazt.apps.pubsub.routes.hub import MOUNT as HUB

ROUTES = [HUB]
