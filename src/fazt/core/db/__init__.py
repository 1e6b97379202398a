"""The carrier: takes store functions, sync functions of a Connection, to where they may run."""

from fazt.core.db.batch import Batch
from fazt.core.db.carrier import (
    Database,
    StoreFunction,
    TooLong,
    acting,
    after_commit,
    attempt,
    insert,
    is_of_database,
    wake,
)
from fazt.core.db.opening import open_database
from fazt.core.db.prepared import Prepared, row_of

__all__ = [
    "Batch",
    "Database",
    "Prepared",
    "StoreFunction",
    "TooLong",
    "acting",
    "after_commit",
    "attempt",
    "insert",
    "is_of_database",
    "open_database",
    "row_of",
    "wake",
]
