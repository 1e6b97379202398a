"""People for the tests of auth, and what they do."""

import pyotp
import pytest
from sqlalchemy import Connection

from fazt.core.auth import Auth, Issued, User, store
from fazt.core.auth.engine import Hasher
from fazt.core.auth.model import NewSession, digest, new_session_secret
from fazt.core.auth.model.totp import STEP_MS
from fazt.core.db import Database
from fazt.core.errors import TooMany
from fazt.core.metrics import REGISTRY
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


def code_at(secret: str, now: int) -> str:
    """What an authenticator app shows."""
    return pyotp.TOTP(secret).at(now // 1_000)


def wrong_code(secret: str, now: int) -> str:
    """Six digits that are right at no time around `now`."""
    right = {code_at(secret, now + step * STEP_MS) for step in range(-3, 4)}
    return next(code for code in (f"{n:06}" for n in range(10)) if code not in right)


class Waits:
    """Stands for asyncio.sleep: the seconds that were asked for, and nobody waits."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def count_hashes() -> int:
    """How often Argon2 ran in this process."""
    return int(REGISTRY.get_sample_value("fazt_auth_hashes_total") or 0)


async def log_in(auth: Auth, login: str = ANN, password: str = PASSWORD, code: str = "", **values: str | int) -> str:
    address, now = str(values.get("address", HOME)), int(values.get("now", NOW))
    return await auth.log_in(login, password, code, address, FIREFOX, now)


async def issue(database: Database, user: User, kind: str, *scopes: str) -> Issued:
    return await database.write(
        store.create_token,
        user.id,
        name="device",
        scopes=scopes or None,
        now=NOW,
        kind=kind,  # type: ignore[arg-type] # one of the two
    )


async def turn_on_totp(database: Database, user: User) -> tuple[str, list[str]]:
    secret = await database.write(store.start_totp, user.id)
    return secret, await database.write(store.confirm_totp, user.id, code_at(secret, NOW), NOW)


async def refuse(auth: Auth, login: str = "ann", address: str = AWAY) -> None:
    """Guess until this place is refused for this account."""
    for n in range(6):
        assert await auth.identify_basic(login, f"wrong guess {n}", address, NOW) is None
    with pytest.raises(TooMany):
        await auth.identify_basic(login, "one guess more", address, NOW)
