"""The carrier: takes store functions, sync functions of a Connection, to where they may run."""

from fazt.core.db.carrier import Database, StoreFunction, after_commit, attempt, insert
from fazt.core.db.opening import open_database

__all__ = ["Database", "StoreFunction", "after_commit", "attempt", "insert", "open_database"]
