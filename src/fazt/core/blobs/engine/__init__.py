"""The async engine of blobs."""

from __future__ import annotations

from fazt.core.blobs.engine.blobs import Blobs
from fazt.core.clock import Clock
from fazt.core.db import Database
from fazt.core.errors import Invalid

__all__ = ["Blobs", "open_blobs"]


def open_blobs(db: Database, clock: Clock, object_store: str = "") -> Blobs:
    """Blobs in the database or, for large ones, in the object storage at a URL such as `s3://bucket/folder`.

    Raises Invalid for a URL that makes no sense, or when the extra `objects` is not installed.
    """
    if not object_store:
        return Blobs(db, clock)
    try:
        from fazt.core.blobs.engine.objects import ObjectBlobs, open_objects  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise Invalid("Object storage needs the extra: pip install fazt[objects].") from error
    try:
        return ObjectBlobs(db, clock, open_objects(object_store))
    except Exception as error:  # obstore raises its own kinds for each provider
        raise Invalid(f"blobs.object_store is {object_store!r}: {error}") from error
