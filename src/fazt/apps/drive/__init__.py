"""Files and folders: a network drive over WebDAV, and the same files in the browser."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

WHERE = {"space": "the number of the drive it is in", "by": "the user's id"}

APP = App(
    name="drive",
    title="Drive",
    does="Your files, as a network drive and in the browser.",
    parts=("engine", "store", "routes", "pages", "jobs", "script", "cli"),
    hears=("auth.user_deleted",),
    path="/drive",
    icon="drive",
    settings=(
        Setting(
            "drive.quota_mb",
            0,
            "How much each person's drive may hold; 0 is no limit but the disk.",
            0,
            1_000_000_000,
            unit="MiB",
        ),
        Setting("drive.versions", 20, "How many earlier versions of a file are kept.", 0, 1_000, unit="versions"),
        Setting("drive.version_days", 90, "How long earlier versions of a file are kept.", 1, 3_650, unit="days"),
        Setting("drive.trash_days", 30, "How long deleted files can be brought back.", 1, 3_650, unit="days"),
        Setting(
            "drive.public_path",
            "/dav",
            "The path under which clients see the drive, where a proxy shows it under another one.",
        ),
    ),
    events=(
        EventKind("drive.file_put", "A file was written.", {"path": "where it is", "size": "its bytes", **WHERE}),
        EventKind(
            "drive.file_deleted",
            "A file or folder went into the trash.",
            {"path": "where it was", "is_folder": "whether it was a folder", **WHERE},
        ),
        EventKind(
            "drive.moved",
            "A file or folder is elsewhere now.",
            {"from": "where it was", "path": "where it is", "is_folder": "whether it is a folder", **WHERE},
        ),
    ),
    scopes=(
        ScopeKind("drive:read", "See and download files."),
        ScopeKind("drive:write", "Put, change and delete files."),
    ),
    commands={"drive": "List, fetch, send, move and delete files."},
    connect=Connect("app", ("drive:rw",)),
)
