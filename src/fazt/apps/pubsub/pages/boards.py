"""Boards of tiles: looking at one, and changing it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post

from fazt.apps.pubsub.actions import managing, showing
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.board import Board, Tile
from fazt.apps.pubsub.pages.topics import to_float
from fazt.apps.pubsub.store import boards
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import Form, page, read_form, redirect

Asked = Request[Any, Any, Any]
NAMES = 200


def live_of(core: Core, topics: list[str], share: str = "") -> str:
    """The stream that a board follows, from what its page shows."""
    more = f"&share={share}" if share else ""
    return f"/hub/sse?topics={quote(','.join(topics))}&since={hub_of(core).last}{more}" if topics else ""


@post("/topics/boards", guards=[member])
async def create_board(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new board."""
    title = (await read_form(request)).text("title")
    made = await core.db.write(boards.create_board, caller.user_id, title, now=core.clock())
    return redirect(request, f"/topics/boards/{made.id}/edit", "Now add the first tile.")


@get("/topics/boards/{board_id:str}", guards=[member])
async def show_board(core: Core, caller: Caller, request: Asked, board_id: str) -> Response[Any]:
    """A board, live."""
    board = await core.db.read(boards.get_board, board_id, caller.user_id)
    live = live_of(core, board.topics)
    tiles = await showing.shown_tiles(core, board)
    return page(request, "pubsub/board.html", board=board, tiles=tiles, source=live, iso=to_iso, shown=showing.to_shown)


async def edit_page(
    core: Core, caller: Caller, request: Asked, board: Board, *, error: FaztError | None = None
) -> Response[Any]:
    """The tiles of a board, to change them."""
    known = await managing.list_topics(core, caller, limit=NAMES, by_time=True)
    scope: Any = request.scope
    return page(
        request,
        "pubsub/edit.html",
        status=STATUS[error.kind] if error else 200,
        board=board,
        names=sorted(one.name for one in known),
        base=base_url(core.config, scope),
        error=error,
    )


@get("/topics/boards/{board_id:str}/edit", guards=[member])
async def show_edit(core: Core, caller: Caller, request: Asked, board_id: str) -> Response[Any]:
    """The tiles of a board, to change them."""
    return await edit_page(core, caller, request, await core.db.read(boards.get_board, board_id, caller.user_id))


@post("/topics/boards/{board_id:str}/edit", guards=[member])
async def change_board(core: Core, caller: Caller, request: Asked, board_id: str) -> Response[Any]:
    """Add, move or remove a tile; the title; or delete the board: each form says in `do` what it is about."""
    form = await read_form(request)
    board = await core.db.read(boards.get_board, board_id, caller.user_id)
    if form.text("do") == "delete":
        await core.db.write(boards.delete_board, board)
        return redirect(request, "/topics", f"{board.title} is gone.")
    try:
        title = form.text("title") if form.text("do") == "title" else board.title
        await managing.change_board(core, caller, board.id, title=title, tiles=tiles_of(board, form))
    except FaztError as error:
        return await edit_page(core, caller, request, board, error=error)
    return redirect(request, f"/topics/boards/{board.id}/edit")


def tiles_of(board: Board, form: Form) -> tuple[Tile, ...]:
    """The tiles as they are to be. Raises Invalid."""
    tiles = list(board.tiles)
    place = form.number("place")
    match form.text("do"):
        case "add":
            tiles.append(to_tile(form))
        case "remove" if 0 <= place < len(tiles):
            del tiles[place]
        case "up" if 0 < place < len(tiles):
            tiles[place - 1], tiles[place] = tiles[place], tiles[place - 1]
        case "title":
            pass
        case _:
            raise Invalid("It is not clear what is to be changed.")
    return tuple(tiles)


def to_tile(form: Form) -> Tile:
    """A tile as it was typed. Raises Invalid."""
    kind: Any = form.text("kind") or "number"
    return Tile(
        form.text("topic"),
        kind,
        form.text("title"),
        form.text("unit"),
        to_float(form.text("low") or "0"),
        to_float(form.text("high") or "100"),
        form.is_on("wide"),
    )


PAGES = [create_board, show_board, show_edit, change_board]
