"""People for the tests of auth."""

from sqlalchemy import Connection

from fazt.core.auth import User, store
from fazt.core.auth.engine import Hasher
from fazt.core.auth.model import NewSession, digest, new_session_secret
from tests.conftest import NOW

PASSWORD = "a pail of green frogs"
ANN = "ann@example.com"
HOME = "203.0.113.7"
AWAY = "198.51.100.9"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

CHEAP = {"memory_kib": 64, "passes": 1}
"""Parameters of Argon2 with which a test's hashes take no time; the work is as real as ever."""


def cheap_hasher() -> Hasher:
    return Hasher(**CHEAP)


def add_owner(conn: Connection) -> User:
    return store.create_owner(conn, email=ANN, password_hash="hash of ann", now=NOW)


def add_member(conn: Connection, email: str = "bob@example.com") -> User:
    return store.create_user(conn, email=email, password_hash="hash of bob", now=NOW)


def open_session(conn: Connection, user: User, now: int = NOW, **values: str) -> tuple[str, str]:
    """Secret and id of a new session."""
    secret = new_session_secret()
    new = NewSession(digest(secret), "Firefox on Linux", "203.0.113.x", **values)  # type: ignore[arg-type] # texts
    return secret, store.create_session(conn, user.id, new, now)
