"""Backups, restores, and a replica by Litestream."""

from fazt.core.app import App, EventKind, Setting

APP = App(
    name="backup",
    title="Backup",
    does="Backups by the clock, a replica by the second, and the way back from both.",
    parts=("engine", "routes", "pages", "jobs", "cli"),
    path="/backup",
    settings=(
        Setting(
            "backup.place", "", "Where backups go: s3://bucket/folder, or a folder; empty: backups/ beside data.db."
        ),
        Setting("backup.schedule", "23 3 * * *", "When one is made: five fields of cron, UTC; empty: never."),
        Setting("backup.compress", True, "Make backups smaller with zstd; without, each is a plain SQLite file."),
        Setting("backup.recipients", [], "Encrypt backups for these public keys of age (age1…)."),
        Setting("backup.identity", "", "The secret key of age, so that drills can open backups.", secret=True),
        Setting("backup.keep_daily", 7, "Of so many last days the newest backup is kept.", 0, 3_650, unit="days"),
        Setting("backup.keep_weekly", 4, "Of so many last weeks, too.", 0, 520, unit="weeks"),
        Setting("backup.keep_monthly", 12, "Of so many last months, too.", 0, 240, unit="months"),
        Setting("backup.drill_schedule", "41 4 * * 0", "When a restore is rehearsed: cron, UTC; empty: never."),
        Setting(
            "backup.replica", "", "Where Litestream replicates to: s3://bucket/folder, or a folder; empty: nowhere."
        ),
        Setting("backup.replica_seconds", 1, "How often changes are sent there.", 1, 3_600, unit="seconds"),
        Setting("backup.replica_days", 7, "How far back the replica reaches.", 1, 365, unit="days"),
        Setting("backup.replica_lag_seconds", 60, "An alarm, when it lags more.", 5, 86_400, unit="seconds"),
        Setting("backup.s3_endpoint", "", "Address of S3 that is not Amazon's, e.g. https://s3.example.com."),
        Setting("backup.s3_region", "", "Region of S3; empty: AWS_REGION or us-east-1."),
        Setting("backup.s3_key_id", "", "Access key of S3; empty: AWS_ACCESS_KEY_ID."),
        Setting("backup.s3_secret_key", "", "Secret key of S3; empty: AWS_SECRET_ACCESS_KEY.", secret=True),
    ),
    events=(
        EventKind(
            "backup.done",
            "A backup was made, checked, removed or brought back.",
            {
                "kind": "create, verify, restore, drill, prune or bring",
                "name": "of which backup",
                "said": "what came of it",
            },
        ),
        EventKind(
            "backup.failed", "The same, where it failed.", {"kind": "what", "name": "of which backup", "said": "why"}
        ),
        EventKind("backup.restored", "This file was brought back.", {"name": "from what", "epoch": "which begins"}),
        EventKind("backup.alarm", "Something is wrong with backups.", {"kind": "what", "text": "in words"}),
        EventKind("backup.alarm_over", "It is well again.", {"kind": "what"}),
    ),
    commands={"backup": "Make, check and restore backups."},
)
