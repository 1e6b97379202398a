"""The log and all that belongs to it, in SQL: functions of a Connection."""

from fazt.apps.pubsub.store.hearing import on_event


def list_blob_queries(_dialect: str) -> list[str]:
    """Where hashes of kept blobs stand."""
    return ["SELECT hash FROM pubsub_file"]


__all__ = ["list_blob_queries", "on_event"]
