"""Blobs: bytes of any size, known by their SHA-256 and kept once, for as long as a row refers to them."""

from fazt.core.blobs.engine import Blobs, open_blobs
from fazt.core.blobs.jobs import JOBS
from fazt.core.blobs.model import CHUNK_BYTES, Blob
from fazt.core.blobs.settings import SETTINGS
from fazt.core.blobs.store import claim, count_elsewhere, drop, keep, keep_many, load, put, put_kept, stat

__all__ = [
    "CHUNK_BYTES",
    "JOBS",
    "SETTINGS",
    "Blob",
    "Blobs",
    "claim",
    "count_elsewhere",
    "drop",
    "keep",
    "keep_many",
    "load",
    "open_blobs",
    "put",
    "put_kept",
    "stat",
]
