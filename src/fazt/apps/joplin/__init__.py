"""Joplin's sync server at `/joplin/`, and the notes in the browser."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

APP = App(
    name="joplin",
    title="Notes",
    does="Notes of Joplin's apps: synchronised, shared, published, and readable in the browser.",
    path="/joplin",
    icon="joplin",
    parts=("store", "engine", "routes", "pages", "jobs", "script"),
    hears=("auth.user_deleted",),
    settings=(
        Setting("joplin.max_item_mb", 4_096, "How large one attachment may be.", 1, 1_000_000, unit="MiB"),
        Setting("joplin.max_note_mb", 32, "How large the text of one note may be.", 1, 256, unit="MiB"),
        Setting(
            "joplin.quota_mb", 0, "Room for the notes of each person; 0 is without limit.", 0, 10_000_000, unit="MiB"
        ),
        Setting("joplin.history_days", 90, "How long older versions of notes are kept.", 0, 3_650, unit="days"),
        Setting("joplin.trash_days", 30, "How long deleted items can be brought back.", 0, 3_650, unit="days"),
        Setting(
            "joplin.tombstone_days",
            730,
            "How long a device may stay away and still learn what was deleted without a full comparison.",
            30,
            36_500,
            unit="days",
        ),
        Setting(
            "joplin.web_origins",
            ["https://app.joplincloud.com"],
            "Web pages from elsewhere that may speak to the sync API: Joplin's web app.",
        ),
    ),
    events=(
        EventKind(
            "joplin.note_changed",
            "A note was written or deleted, by a device or on a page.",
            {
                "id": "the note",
                "user_id": "who wrote it",
                "change": "created, updated or deleted",
                "notebook_id": "the notebook it is in",
            },
        ),
    ),
    scopes=(
        ScopeKind("joplin:read", "Read notes."),
        ScopeKind("joplin:write", "Write notes."),
        ScopeKind("joplin:rw", "Synchronise: read and write notes. What an app password for a device needs."),
    ),
    connect=Connect("app", ("joplin:rw",)),
)
