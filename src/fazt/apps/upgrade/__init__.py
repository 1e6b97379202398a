"""Newer versions of the program: looked for by the clock, and put in place by `fazt upgrade`."""

from fazt.core.app import App, EventKind, Setting

FIELDS = {"from": "the version before", "to": "the version that was to come", "said": "what was said of it"}

APP = App(
    name="upgrade",
    title="Upgrade",
    does="Newer versions of fazt, proved before they take over, and the way back.",
    parts=("engine", "routes", "pages", "jobs", "cli"),
    path="/upgrade",
    settings=(
        Setting(
            "upgrade.releases_url",
            "",
            "Where releases are listed, as GitHub does it: https://api.github.com/repos/OWNER/REPOSITORY/releases.",
        ),
        Setting("upgrade.check", True, "Look once a day whether there is a newer version, and say so."),
    ),
    events=(
        EventKind(
            "upgrade.available",
            "There is a newer version; told once for each.",
            {"version": "which", "running": "the one that runs", "url": "its page"},
        ),
        EventKind("upgrade.done", "A newer version has taken over.", FIELDS),
        EventKind("upgrade.failed", "A newer version did not take over; the one before runs.", FIELDS),
        EventKind("upgrade.rolled_back", "The owner went back to the version before.", FIELDS),
    ),
    commands={"upgrade": "Put a newer version in place, or go back to the one before."},
)
