"""HTTP for Joplin's apps: the sync API below `/joplin/api`, published notes below `/joplin/shares`."""

from fazt.apps.joplin.routes.api import MOUNT as API

ROUTES = [API]
