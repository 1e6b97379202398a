"""The one list of apps, in the order in which they start. Nothing is found by scanning."""

from fazt.apps.backup import APP as BACKUP
from fazt.apps.drive import APP as DRIVE
from fazt.apps.drops import APP as DROPS
from fazt.apps.home import APP as HOME
from fazt.apps.joplin import APP as JOPLIN
from fazt.apps.links import APP as LINKS
from fazt.apps.mail import APP as MAIL
from fazt.apps.pads import APP as PADS
from fazt.apps.pubsub import APP as PUBSUB
from fazt.apps.runtime import APP as RUNTIME
from fazt.apps.sites import APP as SITES
from fazt.apps.textdb import APP as TEXTDB
from fazt.apps.turn import APP as TURN
from fazt.apps.upgrade import APP as UPGRADE
from fazt.core.app import App

APPS: tuple[App, ...] = (
    HOME,
    SITES,
    RUNTIME,
    DRIVE,
    DROPS,
    PADS,
    LINKS,
    TEXTDB,
    PUBSUB,
    MAIL,
    JOPLIN,
    TURN,
    BACKUP,
    UPGRADE,
)
