"""Store functions of blobs."""

from fazt.core.blobs.store.blobs import (
    begin,
    claim,
    discard,
    drop,
    get_ref,
    grow,
    keep,
    load,
    note_growth,
    open_ref,
    put,
    read_chunk,
    seal,
    stat,
)
from fazt.core.blobs.store.sweep import CALM_MS, Graces, forget_blob, free_pages, list_condemned_elsewhere, remove, sweep
from fazt.core.blobs.store.uploads import abandon_upload, begin_upload, find_finished, finish_upload, get_filling

__all__ = [
    "CALM_MS",
    "Graces",
    "abandon_upload",
    "begin",
    "begin_upload",
    "claim",
    "discard",
    "drop",
    "find_finished",
    "finish_upload",
    "forget_blob",
    "free_pages",
    "get_filling",
    "get_ref",
    "grow",
    "keep",
    "list_condemned_elsewhere",
    "load",
    "note_growth",
    "open_ref",
    "put",
    "read_chunk",
    "remove",
    "seal",
    "stat",
    "sweep",
]
