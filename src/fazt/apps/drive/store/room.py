"""What the drive takes, and what of it could go."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fazt.apps.drive.schema import thumb, trash, version
from fazt.apps.drive.store.files import sweep_versions
from fazt.apps.drive.store.thumbs import sweep_thumbs
from fazt.apps.drive.store.trash import FORGOTTEN, expire_trash, purge_some
from fazt.core.app import Spare


def list_blob_queries(_dialect: str) -> list[str]:
    """Where hashes of kept blobs stand."""
    columns = (("hash", "node"), ("hash", "version"), ("hash", "piece"), ("blob", "thumb"))
    return [f"SELECT {column} FROM drive_{table}" for column, table in columns]  # noqa: S608 - own words


def measure_trash(conn: Connection) -> tuple[int, int]:
    """Things in all trashes, and their bytes."""
    row = conn.execute(select(func.count(), func.sum(trash.c.size)).where(trash.c.deleted_at > FORGOTTEN)).one()
    return int(row[0]), int(row[1] or 0)


def free_trash(conn: Connection, now: int) -> bool:
    """Give up all trash, some at a time."""
    expire_trash(conn, now + 1)
    return purge_some(conn)


def measure_versions(conn: Connection) -> tuple[int, int]:
    """Earlier versions, and their bytes."""
    row = conn.execute(select(func.count(), func.sum(version.c.size))).one()
    return int(row[0]), int(row[1] or 0)


def free_versions(conn: Connection, now: int) -> bool:
    """Forget all earlier versions, some at a time."""
    return bool(sweep_versions(conn, now + 1))


def measure_thumbs(conn: Connection) -> tuple[int, int]:
    """Small pictures, and about their bytes."""
    sizes = "(SELECT coalesce(sum(size), 0) FROM core_blob WHERE hash IN (SELECT blob FROM drive_thumb))"
    count = conn.scalar(select(func.count()).select_from(thumb).where(thumb.c.blob != ""))
    return int(count or 0), int(conn.exec_driver_sql(f"SELECT {sizes}").scalar_one())


def free_thumbs(conn: Connection, now: int) -> bool:
    """Forget all small pictures, some at a time."""
    return bool(sweep_thumbs(conn, now + 1))


SPARES = (
    Spare(
        "trash",
        "Deleted files",
        "The trash of everybody on this cloud. What is in it cannot be brought back afterwards.",
        measure_trash,
        free_trash,
        "/drive/trash",
    ),
    Spare(
        "versions",
        "Earlier versions of files",
        "What files held before they were last changed. The files themselves stay.",
        measure_versions,
        free_versions,
    ),
    Spare(
        "thumbs",
        "Small pictures of pictures",
        "They are made again when somebody looks.",
        measure_thumbs,
        free_thumbs,
    ),
)
