"""The management API below /api/v1: people, tokens, settings, jobs, events, search, storage; and static files."""

from fazt.apps.home.routes import certificates, events, jobs, me, people, search, settings, shares, storage, tokens
from fazt.ui.assets import STATIC

ROUTES = [
    STATIC,
    *me.ROUTES,
    *tokens.ROUTES,
    *people.ROUTES,
    *settings.ROUTES,
    *jobs.ROUTES,
    *certificates.ROUTES,
    *events.ROUTES,
    *search.ROUTES,
    *storage.ROUTES,
    *shares.ROUTES,
]
