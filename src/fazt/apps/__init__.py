"""The one list of apps, in the order in which they start. Nothing is found by scanning."""

from fazt.apps.home import APP as HOME
from fazt.apps.runtime import APP as RUNTIME
from fazt.apps.sites import APP as SITES
from fazt.apps.textdb import APP as TEXTDB
from fazt.apps.turn import APP as TURN
from fazt.core.app import App

APPS: tuple[App, ...] = (HOME, SITES, RUNTIME, TEXTDB, TURN)
