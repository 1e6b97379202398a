"""Short links: `/r/{slug}` and whole hosts of them, with rules, passwords, an end, and every click counted."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

LINK = {"id": "the link", "slug": "its short name", "host": "its short-link host; empty for the common ones"}

APP = App(
    name="links",
    title="Links",
    does="Short links with rules, QR codes and clicks counted without cookies.",
    parts=("store", "engine", "routes", "pages", "jobs", "script", "cli"),
    hears=("auth.user_deleted",),
    commands={"links": "Short links: make, list, change, and see who follows them."},
    path="/links",
    icon="links",
    settings=(
        Setting("links.hosts", [], "Hosts whose root holds short links, e.g. go.example.com; the first one is shown."),
        Setting("links.slug_length", 5, "Characters of a random slug.", 4, 32),
        Setting("links.redirect_status", 302, "How links redirect unless they say otherwise: 301, 302, 307 or 308."),
        Setting("links.cache_seconds", 30, "How long browsers may keep a 301 or 308.", 0, 31_536_000, unit="s"),
        Setting("links.not_found_url", "", "Where a slug that does not exist leads; empty: a page that says so."),
        Setting("links.expired_url", "", "Where a link that has ended leads; empty: a page that says so."),
        Setting("links.base_url", "", "Where the bare short-link host leads; empty: a page that says so."),
        Setting("links.fetch_titles", default=True, help="Ask the target's page for its title when a link is made."),
        Setting("links.track_orphans", default=True, help="Count visits to slugs that do not exist."),
        Setting("links.trash_days", 30, "How long a deleted link can be brought back.", 1, 3_650, unit="days"),
    ),
    events=(
        EventKind("links.created", "A link was made.", LINK | {"target": "where it leads"}),
        EventKind("links.changed", "A link was changed.", LINK | {"target": "where it leads"}),
        EventKind("links.deleted", "A link was deleted.", LINK),
        EventKind(
            "links.clicked",
            "A link was followed: told live on the hub and not kept, so functions do not hear it; at most 50 a second.",
            LINK
            | {
                "owner": "whose it is",
                "at": "when, in ms",
                "country": "two letters, or empty",
                "device, browser, os": "with what",
                "referrer": "from which host",
                "robot": "bot, unfurler, or empty for people",
                "skipped": "how many clicks before it were not told",
            },
            is_kept=False,
        ),
    ),
    scopes=(
        ScopeKind("links:read", "See links and their clicks."),
        ScopeKind("links:write", "Make, change and delete links."),
        ScopeKind("links:rw", "See, make, change and delete links."),
    ),
    connect=Connect("token", ("links:rw",)),
)
