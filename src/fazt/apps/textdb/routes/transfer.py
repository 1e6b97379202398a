"""In and out: NDJSON and CSV, streamed both ways."""

from __future__ import annotations

import msgspec

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import MAX_BYTES
from fazt.apps.textdb.model.jsontext import parse
from fazt.apps.textdb.model.moments import moment
from fazt.apps.textdb.model.query import Query
from fazt.apps.textdb.routes.call import Call
from fazt.apps.textdb.store.imports import Entry, Report
from fazt.apps.textdb.store.rules import macros_of
from fazt.apps.textdb.wire import lines
from fazt.apps.textdb.wire.query import filters, flag, last, split
from fazt.core.errors import Invalid
from fazt.core.http.messages import stream_body

CHUNK = 250
MAX_IMPORT_BYTES = 10 * 2**30
EXPORTS = frozenset({"format", "_fields", "where", "q", "at"})


async def import_documents(call: Call, name: str) -> None:
    """POST /db/{collection}/_import: NDJSON or CSV; documents with an id replace, unless `mode=create`."""
    asked = call.parameters("mode", "typed")
    mode = last(asked, "mode") or "put"
    if mode not in {"put", "create"}:
        raise Invalid("mode is put or create.")
    access = await call.access(name, "create")
    await actions.check_may(call.core, name, access, "create", "update")
    await actions.ensure(call.core, name, access)
    collection = await textdb_of(call.core).find(name)
    max_bytes = MAX_BYTES if collection is None else collection.settings.max_bytes
    reader = lines.reader_for(call.media_type(), max_bytes, typed=flag(asked, "typed", default=True))
    report, waiting = Report(), list[Entry]()

    async def take(records: list[lines.Record], *, end: bool = False) -> None:
        for line, text, value, error in records:
            if error is None:
                waiting.append((line, text, value))
            else:
                report.add_problem(line, error)
        while len(waiting) >= CHUNK or (end and waiting):
            piece = waiting[:CHUNK]
            report.add(await actions.import_records(call.core, name, piece, access, replaces=mode == "put"))
            del waiting[:CHUNK]

    async for data in stream_body(call.scope, call.receive, MAX_IMPORT_BYTES):
        await take(reader.feed(data))
    await take(reader.end(), end=True)
    await call.answer_json(200, msgspec.json.encode(report).decode())


async def export_documents(call: Call, name: str) -> None:
    """GET /db/{collection}/_export?format=ndjson or csv, with the filters of a list."""
    access = await call.access(name, "read")
    asked = split(call.query) if call.query else {}
    format_ = last(asked, "format") or "ndjson"
    if format_ not in {"ndjson", "csv"}:
        raise Invalid("format is ndjson or csv.")
    at = last(asked, "at")
    where = filters(asked, macros_of(access, call.core.clock()), EXPORTS)
    columns = [field for value in asked.get("_fields", ()) for field in value.split(",") if field]
    await actions.check_there(call.core, name, access)
    kind = lines.CSV if format_ == "csv" else lines.NDJSON
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-disposition", f'attachment; filename="{name}.{format_}"'.encode()),
        (b"cache-control", b"no-store"),
    ]
    is_first = True
    async for piece in actions.walk(call.core, name, Query(where, at=moment(at) if at else None), access):
        if is_first:
            columns = columns or lines.columns_of(parse(document.text) for document in piece)
            await call.send({"type": "http.response.start", "status": 200, "headers": [*headers, *call.cors]})
        if format_ == "csv":
            text = lines.to_csv(columns, (parse(document.text) for document in piece), header=is_first)
        else:
            text = "".join(f"{document.text}\n" for document in piece)
        await call.send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        is_first = False
    await call.send({"type": "http.response.body", "body": b"", "more_body": False})
