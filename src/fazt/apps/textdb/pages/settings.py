"""What a collection is like: who may do what, what documents must be, what is kept and found; import and export."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from fazt.apps.textdb import actions
from fazt.apps.textdb.model.collection import Figures, Rules, Settings
from fazt.apps.textdb.model.jsontext import parse
from fazt.apps.textdb.store.collections import get_figures
from fazt.core import Core
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import owner
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import Form, page, read_form, redirect

Asked = Request[Any, Any, Any]
ACTIONS = (("read", "Read"), ("create", "Add"), ("update", "Change"), ("delete", "Delete"))


async def settings_page(
    core: Core,
    request: Asked,
    figures: Figures,
    settings: Settings,
    *,
    error: FaztError | None = None,
    schema: str = "",
) -> Response[Any]:
    """The form, as it is or as it was typed."""
    scope: Any = request.scope
    return page(
        request,
        "textdb/settings.html",
        status=STATUS[error.kind] if error else 200,
        figures=figures,
        settings=settings,
        rules=[(key, label, getattr(settings.rules, key)) for key, label in ACTIONS],
        schema=schema or (json.dumps(settings.schema, indent=2, ensure_ascii=False) if settings.schema else ""),
        base=base_url(core.config, scope),
        error=error,
    )


@get("/textdb/{name:str}/settings", guards=[owner])
async def show_settings(core: Core, request: Asked, name: str) -> Response[Any]:
    """The settings of a collection."""
    figures = await core.db.read(get_figures, name)
    return await settings_page(core, request, figures, figures.settings)


@post("/textdb/{name:str}/settings", guards=[owner])
async def save_settings(core: Core, request: Asked, name: str) -> Response[Any]:
    """Save all of them."""
    form = await read_form(request)
    figures = await core.db.read(get_figures, name)
    wanted, schema = read_settings(form, figures.settings), form.raw("schema")
    try:
        wanted = msgspec.structs.replace(wanted, schema=read_schema(schema))
        await actions.configure(core, name, wanted)
    except FaztError as error:
        return await settings_page(core, request, figures, wanted, error=error, schema=schema)
    return redirect(request, f"/textdb/{name}/settings", "Saved.")


def read_settings(form: Form, before: Settings) -> Settings:
    """The form's fields, but for the schema."""
    return msgspec.structs.replace(
        before,
        rules=Rules(*(form.text(f"rule-{key}") or "owner" for key, _ in ACTIONS)),
        owner_field=form.text("owner_field"),
        ttl_seconds=form.number("ttl_seconds"),
        history=form.number("history") if form.text("history") else None,
        require_match=form.is_on("require_match"),
        max_bytes=form.number("max_bytes", before.max_bytes),
        max_documents=form.number("max_documents"),
        indexes=tuple(line.strip() for line in form.text("indexes").splitlines() if line.strip()),
        search=tuple(word for word in form.text("search").replace(",", " ").split() if word),
    )


def read_schema(text: str) -> dict[str, Any] | None:
    """A JSON Schema, or None for no text. Raises Invalid."""
    if not text.strip():
        return None
    value = parse(text)
    if not isinstance(value, dict):
        raise Invalid("A JSON Schema is an object.", hint='For example {"type": "object", "required": ["title"]}.')
    return value


PAGES = [show_settings, save_settings]
