"""The management API below /api/v1: oneself, people, tokens, settings, jobs, events, search; and static files."""

from fazt.apps.home.routes import events, jobs, me, people, search, settings, tokens
from fazt.ui.assets import STATIC

ROUTES = [
    STATIC,
    *me.ROUTES,
    *tokens.ROUTES,
    *people.ROUTES,
    *settings.ROUTES,
    *jobs.ROUTES,
    *events.ROUTES,
    *search.ROUTES,
]
