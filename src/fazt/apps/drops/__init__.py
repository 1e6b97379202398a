"""Ephemeral file sharing."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

GB = 1_000_000_000

APP = App(
    name="drops",
    title="Drops",
    does="Files shared by a link that ends by itself.",
    parts=("engine", "routes", "pages", "store", "script", "cli"),
    hears=("auth.user_deleted",),
    path="/drops",
    settings=(
        Setting("drops.strangers", False, "Whether people without an account may send files."),
        Setting(
            "drops.default_hours",
            24,
            "How long a drop lives unless its sender says otherwise.",
            1,
            87_600,
            unit="hours",
        ),
        Setting("drops.max_days", 30, "How long a drop may live at the utmost.", 1, 3_650, unit="days"),
        Setting("drops.stranger_days", 7, "The same for drops of strangers.", 1, 3_650, unit="days"),
        Setting(
            "drops.request_days", 90, "How long what came through a request link may be kept.", 1, 3_650, unit="days"
        ),
        Setting("drops.max_bytes", 10 * GB, "How large one drop may be.", 1, 10_000 * GB, unit="bytes"),
        Setting("drops.stranger_bytes", 1 * GB, "The same for drops of strangers.", 1, 10_000 * GB, unit="bytes"),
        Setting("drops.max_files", 1_000, "How many files a drop may have.", 1, 10_000, unit="files"),
        Setting(
            "drops.user_bytes", 50 * GB, "How much one person's drops may hold together.", 0, 10_000 * GB, unit="bytes"
        ),
        Setting("drops.visitor_bytes", 2 * GB, "The same for one stranger.", 0, 10_000 * GB, unit="bytes"),
        Setting("drops.all_bytes", 100 * GB, "How much all drops may hold together.", 0, 10_000 * GB, unit="bytes"),
    ),
    events=(
        EventKind(
            "drops.created",
            "A drop is ready.",
            {
                "drop": "its id",
                "user_id": 'who sent it, or ""',
                "files": "how many",
                "size": "bytes in all",
                "source": "put, form, tus, page, api or script",
            },
        ),
        EventKind("drops.downloaded", "A counted download began.", {"drop": "its id", "files": "ids of the files"}),
        EventKind(
            "drops.deleted",
            "A drop has ended.",
            {"drop": "its id", "why": "deleted, expired or used up"},
        ),
        EventKind(
            "drops.received",
            "A guest sent files through a request link.",
            {
                "drop": "its id",
                "request": "the request's id",
                "user_id": "who asked for it",
                "files": "how many",
                "size": "bytes in all",
            },
        ),
    ),
    scopes=(
        ScopeKind("drops:read", "See your drops and what came through your request links."),
        ScopeKind("drops:write", "Send, change and delete drops."),
    ),
    commands={"drop": "Share files by a link that ends by itself."},
    connect=Connect("app", ("drops:rw",)),
)
