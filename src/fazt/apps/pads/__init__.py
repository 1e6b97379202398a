"""Live scratchpads: one text that many write at once, kept with all its changes."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

APP = App(
    name="pads",
    title="Pads",
    does="Live scratchpads that many write at once, with history.",
    path="/pads",
    parts=("engine", "routes", "pages", "store", "jobs", "script", "cli"),
    hears=("auth.user_deleted",),
    connect=Connect("token", ("pads:rw",)),
    commands={"pad": "Read, write and edit live scratchpads."},
    settings=(
        Setting(
            "pads.strangers",
            "none",
            "What strangers may do with pads that say nothing else; `create` is write, and make new ones.",
            choices=("none", "read", "write", "create"),
        ),
        Setting(
            "pads.members",
            "write",
            "What members may do with each other's pads that say nothing else.",
            choices=("none", "read", "write"),
        ),
        Setting("pads.max_kb", 2_048, "How long the text of a pad may be.", 1, 16_384, unit="KB"),
        Setting("pads.max_clients", 200, "How many may be connected to one pad at once.", 1, 10_000),
        Setting(
            "pads.user_pads", 1_000, "How many pads one person may have; all strangers together, too.", 1, 1_000_000
        ),
        Setting("pads.default_days", 0, "How long a new pad lives; 0: until it is erased.", 0, 36_500, unit="days"),
        Setting("pads.stranger_days", 30, "The same for pads of strangers.", 0, 36_500, unit="days"),
        Setting(
            "pads.history_mb", 16, "Room of one pad's history; the oldest changes become one.", 1, 1_024, unit="MB"
        ),
    ),
    events=(
        EventKind("pads.created", "A pad was made.", {"pad": "its name", "user_id": 'who made it, or ""'}),
        EventKind(
            "pads.changed",
            "A pad was changed, and came to rest for a moment.",
            {"pad": "its name", "seq": "the number of its last update", "bytes": "how long the text is"},
        ),
        EventKind("pads.erased", "A pad is gone with its history.", {"pad": "its name", "why": "erased or expired"}),
    ),
    scopes=(
        ScopeKind("pads:read", "Read pads, their history and their changes; `pads:read:NAME` is for one."),
        ScopeKind("pads:write", "Write, make and erase pads; `pads:write:NAME` is for one."),
        ScopeKind("pads:rw", "Both; `pads:rw:NAME` is for one."),
    ),
)
