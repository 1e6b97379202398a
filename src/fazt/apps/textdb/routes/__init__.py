"""HTTP: documents at /db, settings of collections below /api/v1/textdb."""

from fazt.apps.textdb.routes.db import MOUNT
from fazt.apps.textdb.routes.manage import HANDLERS

ROUTES = [MOUNT, *HANDLERS]
