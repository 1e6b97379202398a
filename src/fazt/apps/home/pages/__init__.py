"""Pages: set-up and login, the dashboard, one's account, and the house's own matters for its owner."""

from fazt.apps.home.pages import (
    account,
    certificates,
    connect,
    dashboard,
    entry,
    events,
    jobs,
    links,
    notices,
    people,
    search,
    settings,
    tokens,
    tour,
    two_factor,
)

PAGES = [
    *dashboard.PAGES,
    *entry.PAGES,
    *links.PAGES,
    *account.PAGES,
    *tokens.PAGES,
    *connect.PAGES,
    *tour.PAGES,
    *two_factor.PAGES,
    *notices.PAGES,
    *people.PAGES,
    *settings.PAGES,
    *jobs.PAGES,
    *certificates.PAGES,
    *events.PAGES,
    *search.PAGES,
]
