"""What goes in the background: documents expire, old deletes are forgotten, large indexes of words are built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.store import collections, finding, sweep, words
from fazt.core.app import Job
from fazt.core.clock import DAY

if TYPE_CHECKING:
    from fazt.core import Core


STEPS_WHEN_BUSY, STEPS_WHEN_CALM = 4, 4_000


async def expire(core: Core, _payload: dict[str, Any]) -> None:
    """Delete what has expired; readers have not seen it since then anyway."""
    while await core.db.write(sweep.remove_expired, now=core.clock()):
        pass


async def forget(core: Core, _payload: dict[str, Any]) -> None:
    """Forget old deletes, and what was deleted by them."""
    before = core.clock() - core.settings.get("textdb.tombstone_days") * DAY
    while await core.db.write(sweep.forget_tombstones, before=before):
        pass


async def index_words(core: Core, payload: dict[str, Any]) -> None:
    """Build the index of words of one collection, piece by piece, while it is in use."""
    name = str(payload["collection"])
    textdb_of(core).forget(name)
    collection = await textdb_of(core).find(name)
    if collection is None or not collection.settings.search:
        return
    fields, last = collection.settings.search, collection.first - 1
    while last:
        last = await core.db.write(words.index_next, collection, fields, after=last, limit=words.CHUNK)
    await core.db.write(collections.mark_words_ready, collection)
    textdb_of(core).forget(name)


async def find(core: Core, _payload: dict[str, Any]) -> None:
    """Tell search what has changed: all of it where a collection has come to rest, else some each time."""
    max_documents = core.settings.get("textdb.findable_documents")
    for collection_id in await core.db.read(finding.list_behind, max_documents):
        is_calm = await core.db.read(finding.is_calm, collection_id, core.clock())
        for _ in range(STEPS_WHEN_CALM if is_calm else STEPS_WHEN_BUSY):
            if not await core.db.write(finding.index_some, collection_id, max_documents):
                break


JOBS = (
    Job("textdb.expire", expire, "Deletes documents that have expired.", cron="* * * * *"),
    Job("textdb.forget", forget, "Forgets deletes that feeds no longer tell.", cron="41 3 * * *"),
    Job(words.JOB, index_words, "Builds the index of words of a collection.", timeout_s=3_600),
    Job(
        finding.JOB,
        find,
        "Tells search which documents have changed.",
        cron="* * * * *",
        timeout_s=3_600,
    ),
)
