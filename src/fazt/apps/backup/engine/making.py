"""Making a backup: copy, count, pack, store."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fazt import __version__
from fazt.apps.backup.engine.orders import Order, Tell, advance_of, removed, scratch_path
from fazt.apps.backup.engine.packing import hash_file, pack
from fazt.apps.backup.engine.place import Folder, Place, open_place, sweep_partials
from fazt.apps.backup.engine.postgres import dump
from fazt.apps.backup.engine.snapshot import make_contents, sum_tables
from fazt.apps.backup.model import SIDECAR, Contents, Summary, make_name, to_json
from fazt.core.clock import SECOND
from fazt.core.db.copying import check_room, copy_database


def create(order: Order, tell: Tell) -> Summary:
    """Make a backup; what it is. When that fails nothing is left behind."""
    place, data = open_place(order.place, order.keys), Path(order.data)
    scratch = place.path if isinstance(place, Folder) else data.parent
    scratch.mkdir(parents=True, exist_ok=True)
    sweep_partials(scratch)
    at, name = find_free_name(place, order)
    copy, packed = scratch_path(scratch, f"{at}.copy"), scratch_path(scratch, f"{at}.packed")
    with removed(copy, packed):
        contents = copy_postgres(order, copy, at, tell) if order.database_url else copy_file(order, copy, at, tell)
        file_bytes = copy.stat().st_size
        if order.recipients or is_packed(order):
            check_room(scratch, file_bytes // 4)
            advance = advance_of(tell, "Packing")
            stored_hash = pack(
                copy,
                packed,
                compress=is_packed(order),
                recipients=order.recipients,
                advance=advance,
                live=data,
            )
            copy.unlink()
            ready = packed
        else:
            stored_hash, ready = hash_file(copy, advance_of(tell, "Hashing")), copy
        summary = msgspec.structs.replace(
            summarize(contents, name, file_bytes),
            engine="postgresql" if order.database_url else "sqlite",
            stored_bytes=ready.stat().st_size,
            stored_hash=stored_hash,
            is_encrypted=bool(order.recipients),
        )
        place.put(ready, name, advance_of(tell, "Storing"))
        place.put_bytes(name + SIDECAR, to_json(summary))
        return summary


def copy_file(order: Order, copy: Path, at: int, tell: Tell) -> Contents:
    """The SQLite file as it is now, with its manifest inside."""
    copy_database(Path(order.data), copy, advance_of(tell, "Copying"))
    sums = sum_tables(copy, advance_of(tell, "Counting"))
    return make_contents(copy, sums, at=at, version=__version__, domain=order.domain)


def copy_postgres(order: Order, copy: Path, at: int, tell: Tell) -> Contents:
    """What pg_dump writes."""
    tell("Copying", 0, 0)
    step, epoch = dump(order.database_url, copy)
    return Contents(at, __version__, step, epoch, order.domain, {})


def summarize(contents: Contents, name: str, file_bytes: int) -> Summary:
    """What stands beside the backup, as far as the manifest knows it."""
    return Summary(
        name=name,
        created_at=contents.created_at,
        version=contents.version,
        step=contents.step,
        epoch=contents.epoch,
        domain=contents.domain,
        engine="",
        file_bytes=file_bytes,
        stored_bytes=0,
        stored_hash="",
        is_encrypted=False,
        tables=len(contents.tables),
        rows=sum(each.rows for each in contents.tables.values()),
        blobs_elsewhere=contents.blobs_elsewhere,
    )


def is_packed(order: Order) -> bool:
    """Whether zstd is to be used; pg_dump packs by itself."""
    return order.compress and not order.database_url


def find_free_name(place: Place, order: Order) -> tuple[int, str]:
    """The moment, and the name after it; a second later where that is taken."""
    taken, at = place.sizes(), order.now
    engine = "pgdump" if order.database_url else "db"
    while True:
        name = make_name(at, engine=engine, is_packed=is_packed(order), is_encrypted=bool(order.recipients))
        if name not in taken:
            return at // SECOND * SECOND, name
        at += SECOND
