"""`fazt user`, `fazt token`, `fazt settings`, `fazt jobs`, `fazt events`, `fazt search`, `fazt tls`, `fazt service`."""

from fazt.apps.home.cli.events import events
from fazt.apps.home.cli.jobs import jobs
from fazt.apps.home.cli.people import user
from fazt.apps.home.cli.search import search
from fazt.apps.home.cli.settings import settings
from fazt.apps.home.cli.systemd import service
from fazt.apps.home.cli.tls import tls
from fazt.apps.home.cli.tokens import token

COMMANDS = (user, token, settings, jobs, events, search, tls, service)
