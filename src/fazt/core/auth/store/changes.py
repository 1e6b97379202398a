"""Word that people or their credentials have changed, for those who remember them."""

from sqlalchemy import Connection

from fazt.core.db import wake

CHANGED = "auth"


def tell_change(conn: Connection) -> None:
    """After this commit, and before it is answered, nobody remembers what credentials stood for."""
    wake(conn, CHANGED)
