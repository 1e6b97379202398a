"""Pages: set-up and login, the dashboard, one's account, and the house's own matters for its owner."""

from fazt.apps.home.pages import (
    account,
    activity,
    analytics,
    certificates,
    dashboard,
    entry,
    jobs,
    links,
    notices,
    people,
    search,
    settings,
    shares,
    storage,
    tokens,
    two_factor,
)

PAGES = [
    *dashboard.PAGES,
    *entry.PAGES,
    *links.PAGES,
    *account.PAGES,
    *tokens.PAGES,
    *two_factor.PAGES,
    *notices.PAGES,
    *people.PAGES,
    *settings.PAGES,
    *jobs.PAGES,
    *certificates.PAGES,
    *activity.PAGES,
    *analytics.PAGES,
    *search.PAGES,
    *storage.PAGES,
    *shares.PAGES,
]
