"""The documents of a collection: a table with filter and order, and one document to read, edit and bring back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlencode

from litestar import Request, Response, get, post

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import OWNER, Figures
from fazt.apps.textdb.model.document import Body, Conditions, Document, Page
from fazt.apps.textdb.model.jsontext import dump, parse, pretty, read
from fazt.apps.textdb.model.naming import check_id, id_in
from fazt.apps.textdb.store.collections import get_figures
from fazt.apps.textdb.store.history import list_versions
from fazt.apps.textdb.wire import query as dialect
from fazt.core import Core
from fazt.core.errors import Conflict, FaztError, NotFound
from fazt.core.http.access import owner
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]

PER_PAGE = 50
MAX_COLUMNS = 4
CELL = 80
NEW = "{\n  \n}\n"


class Row(NamedTuple):
    """A document in the table."""

    id: str
    cells: tuple[str, ...]
    updated_at: int


class Asks(NamedTuple):
    """What the table's form asks for, as it was typed."""

    q: str = ""
    where: str = ""
    sort: str = ""
    cursor: str = ""

    def query_string(self, **changes: str) -> str:
        """As a query string, without what is empty."""
        return urlencode({name: value for name, value in self._replace(**changes)._asdict().items() if value})


@get("/textdb/{name:str}", guards=[owner])
async def show_documents(
    core: Core, request: Asked, name: str, q: str = "", where: str = "", sort: str = "", cursor: str = ""
) -> Response[Any]:
    """The table; a filter that makes no sense is told above it."""
    figures = await core.db.read(get_figures, name)
    asks, error = Asks(q, where, sort, cursor), None
    try:
        found = await find_page(core, name, asks)
    except FaztError as wrong:
        found, error = Page((), None, figures.seq), wrong
    columns = choose_columns(found.documents)
    return page(
        request,
        "textdb/documents.html",
        status=STATUS[error.kind] if error else 200,
        figures=figures,
        asks=asks,
        error=error,
        columns=columns,
        rows=[to_row(document, columns) for document in found.documents],
        total=found.total,
        scanned=found.scanned if found.scanned > core.settings.get("textdb.scan_warning") else 0,
        older=f"/textdb/{name}?{asks.query_string(cursor=found.cursor)}" if found.cursor else "",
        export=urlencode({key: text for key, text in (("where", where), ("q", q)) if text}),
    )


async def find_page(core: Core, name: str, asks: Asks) -> Page:
    """The documents that the form asks for. Raises Invalid."""
    sort = asks.sort or "-updatedAt"
    parts = {"q": asks.q, "where": asks.where, "_sort": sort, "_cursor": asks.cursor}
    text = urlencode({key: value for key, value in parts.items() if value or key == "_cursor"})
    query = dialect.parse(f"{text}&_limit={PER_PAGE}", {}, default_limit=PER_PAGE, max_limit=PER_PAGE)
    return await actions.list_page(core, name, query, OWNER)


def choose_columns(documents: tuple[Document, ...]) -> tuple[str, ...]:
    """The fields that most of these documents have, in the order in which they come."""
    counts: dict[str, int] = {}
    for document in documents:
        value = parse(document.text)
        for name in value if isinstance(value, dict) else ():
            counts[name] = counts.get(name, 0) + 1
    counts.pop("id", None)
    common = sorted(counts, key=lambda name: -counts[name])[:MAX_COLUMNS]
    return tuple(name for name in counts if name in common)


def to_row(document: Document, columns: tuple[str, ...]) -> Row:
    """A document as its cells; one that is no object, or has none of the columns, is shown as it is."""
    value = parse(document.text)
    if not isinstance(value, dict) or not columns:
        return Row(document.id, (cut(document.text),) if columns or document.text else (), document.updated_at)
    return Row(document.id, tuple(to_cell(value.get(name, "")) for name in columns), document.updated_at)


def to_cell(value: Any) -> str:
    """A value for one cell."""
    return cut(value if isinstance(value, str) else dump(value))


def cut(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


async def document_page(
    core: Core, request: Asked, figures: Figures, id_: str, *, error: FaztError | None = None, text: str | None = None
) -> Response[Any]:
    """A document to edit, with its history; a new one where the id is "". `text` is what was typed."""
    document = None
    if id_:
        with suppress(NotFound):  # deleted, perhaps: its history may bring it back
            document = await actions.get(core, figures.name, id_, OWNER)
    versions = await versions_of(core, figures.name, id_) if id_ else []
    return page(
        request,
        "textdb/document.html",
        status=STATUS[error.kind] if error else 200,
        figures=figures,
        id=id_,
        document=document,
        text=text if text is not None else pretty(document.text) if document else NEW,
        versions=[(version, ended, pretty(version.text)) for version, ended in versions],
        error=error,
    )


async def versions_of(core: Core, name: str, id_: str) -> list[tuple[Document, int | None]]:
    """The versions of a document that are kept, newest first."""
    return await textdb_of(core).use(
        name, lambda found: core.db.read(list_versions, found, check_id(id_), OWNER, now=core.clock())
    )


@get("/textdb/{name:str}/new", guards=[owner])
async def new_document(core: Core, request: Asked, name: str) -> Response[Any]:
    """An empty one."""
    return await document_page(core, request, await core.db.read(get_figures, name), "")


@get("/textdb/{name:str}/document", guards=[owner])
async def show_document(core: Core, request: Asked, name: str, id: str = "") -> Response[Any]:
    """One document."""
    return await document_page(core, request, await core.db.read(get_figures, name), check_id(id))


@post("/textdb/{name:str}/document", guards=[owner])
async def save_document(core: Core, request: Asked, name: str) -> Response[Any]:
    """Save what was typed, unless somebody else saved in the meantime."""
    form = await read_form(request)
    figures = await core.db.read(get_figures, name)
    id_, text, etag = form.text("id"), form.raw("text"), form.text("etag")
    try:
        kept, value = read(text.encode())
        body = Body(kept, value, id_in(value))
        if id_:
            conditions = Conditions(match=(etag,)) if etag else Conditions(none_match=("*",))
            written = await actions.put(core, name, check_id(id_), body, OWNER, conditions)
        else:
            written = await actions.create(core, name, body, OWNER)
    except FaztError as error:
        told = error
        if error.kind == "precondition_failed":
            told = Conflict("Somebody else changed this document meanwhile.", hint="Copy your text, and open it again.")
        return await document_page(core, request, figures, id_, error=told, text=text)
    return redirect(request, path_of(name, written.id), "Saved." if id_ else "The document is there.")


@post("/textdb/{name:str}/document/delete", guards=[owner])
async def delete_document(core: Core, request: Asked, name: str) -> Response[Any]:
    """Delete it; its history can bring it back."""
    id_ = check_id((await read_form(request)).text("id"))
    await actions.delete(core, name, id_, OWNER, Conditions(match=("*",)))
    target = f"/textdb/{name}"
    with suppress(NotFound):
        await versions_of(core, name, id_)
        target = path_of(name, id_)
    return redirect(request, target, f"{id_} is deleted.", "warn")


@post("/textdb/{name:str}/document/restore", guards=[owner])
async def restore_document(core: Core, request: Asked, name: str) -> Response[Any]:
    """Make an older version the newest."""
    form = await read_form(request)
    id_, seq = check_id(form.text("id")), form.number("seq")
    await actions.restore(core, name, id_, OWNER, Conditions(), seq=seq, at=None)
    return redirect(request, path_of(name, id_), "That version is the newest again.")


def path_of(name: str, id_: str) -> str:
    """The address of a document's page."""
    return f"/textdb/{name}/document?{urlencode({'id': id_})}"


PAGES = [show_documents, new_document, show_document, save_document, delete_document, restore_document]
