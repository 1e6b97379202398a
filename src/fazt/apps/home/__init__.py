"""The dashboard: first set-up, login, accounts and people, settings, jobs, events and search."""

from fazt.core.app import App, ScopeKind

APP = App(
    name="home",
    title="Home",
    does="Your cloud at a glance, its people and its settings.",
    parts=("routes", "pages", "cli"),
    path="/",
    scopes=(ScopeKind("me:read", "Know whose token it is."),),
    commands={
        "user": "People: the owner and the members.",
        "token": "Tokens and app passwords.",
        "settings": "What this cloud can be told to do otherwise.",
        "service": "Run fazt as a service of systemd.",
        "tls": "Certificates: their state, what is wrong, and what to do.",
        "jobs": "Background work: what waits, runs or was given up.",
        "search": "Find files, notes, mail, documents and all else by their words.",
        "events": "What happened on this cloud.",
    },
)
