"""What the owner may choose about blobs."""

from fazt.core.app import Setting

SETTINGS = (
    Setting(
        "blobs.grace_minutes",
        60,
        help="How long bytes stay that nothing refers to any more.",
        minimum=5,
        maximum=10_080,
        unit="minutes",
    ),
    Setting(
        "blobs.upload_hours",
        24,
        help="How long an interrupted upload may be taken up again.",
        minimum=1,
        maximum=720,
        unit="hours",
    ),
    Setting(
        "blobs.object_store",
        "",
        help="Where the bytes of large files go from the next start, e.g. s3://bucket/folder; empty: into data.db.",
    ),
)
