"""Boards of tiles, as rows."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from fazt.apps.pubsub.model.board import MAX_TILES, Board, Tile, check_tile, check_title
from fazt.apps.pubsub.schema import board
from fazt.core.errors import Conflict, NotFound
from fazt.core.ids import new_id
from fazt.core.shares import revoke_shares

MAX_BOARDS = 100


def to_board(row: Row[Any]) -> Board:
    """A row as it is known outside."""
    tiles = msgspec.json.decode(row.tiles, type=tuple[Tile, ...])
    return Board(row.id, row.user_id, row.title, tiles, row.changed_at)


def list_boards(conn: Connection, user_id: str) -> list[Board]:
    """Somebody's boards, by title."""
    return [
        to_board(row) for row in conn.execute(select(board).where(board.c.user_id == user_id).order_by(board.c.title))
    ]


def get_board(conn: Connection, board_id: str, user_id: str = "") -> Board:
    """A board, of this person where one is named. Raises NotFound."""
    wanted = select(board).where(board.c.id == board_id)
    row = conn.execute(wanted.where(board.c.user_id == user_id) if user_id else wanted).one_or_none()
    if row is None:
        raise NotFound("There is no such board.")
    return to_board(row)


def create_board(conn: Connection, user_id: str, title: str, *, now: int) -> Board:
    """A new, empty board. Raises Invalid, Conflict."""
    if len(list_boards(conn, user_id)) >= MAX_BOARDS:
        raise Conflict(f"You have {MAX_BOARDS} boards, and no more are allowed.", hint="Delete one first.")
    made = Board(new_id(now), user_id, check_title(title), changed_at=now)
    row = {"id": made.id, "user_id": user_id, "title": made.title, "tiles": "[]", "created_at": now, "changed_at": now}
    conn.execute(insert(board), row)
    return made


def change_board(conn: Connection, found: Board, *, title: str, tiles: tuple[Tile, ...], now: int) -> Board:
    """Its title and tiles. Raises Invalid, Conflict for too many tiles."""
    if len(tiles) > MAX_TILES:
        raise Conflict(f"A board has up to {MAX_TILES} tiles.", hint="Make another board.")
    checked = tuple(map(check_tile, tiles))
    values = {"title": check_title(title), "tiles": msgspec.json.encode(checked).decode(), "changed_at": now}
    conn.execute(update(board).where(board.c.id == found.id).values(values))
    return get_board(conn, found.id)


def delete_board(conn: Connection, found: Board) -> None:
    """The board and the links to it."""
    conn.execute(delete(board).where(board.c.id == found.id))
    revoke_shares(conn, "pubsub", f"board/{found.id}")


def forget_person(conn: Connection, user_id: str) -> None:
    """Somebody is gone: their boards, too."""
    for found in list_boards(conn, user_id):
        delete_board(conn, found)
