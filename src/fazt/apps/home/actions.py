"""What pages and API both do with people, tokens, two-factor and storage."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from fazt.apps.home.model import Link, Secret, TokenKind, TotpStart
from fazt.core import Core
from fazt.core.app import Scope
from fazt.core.auth import Caller, User, store
from fazt.core.auth.model.totp import totp_uri
from fazt.core.clock import DAY
from fazt.core.errors import Invalid
from fazt.core.http.hosts import base_url
from fazt.core.jobs import enqueue
from fazt.core.usage import FREE_JOB, MEASURE_JOB, list_spares

PENDING_S = 300
LONGEST_DAYS = 3650

_seal = Fernet(base64.urlsafe_b64encode(os.urandom(32)))
"""Of this process alone: a login between password and code ends when the program does."""


def seal_login(login: str, password: str) -> str:
    """A login that still wants its second factor, as text that only this process can open, for five minutes."""
    return _seal.encrypt(msgspec.json.encode((login, password))).decode()


def open_login(sealed: str) -> tuple[str, str]:
    """What `seal_login` sealed. Raises Invalid when it is too old or of another process."""
    try:
        found = msgspec.json.decode(_seal.decrypt(sealed.encode(), ttl=PENDING_S), type=tuple[str, str])
    except (InvalidToken, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise Invalid("That took too long.", hint="Log in again.") from error
    return found


async def find_person(core: Core, who: str) -> User:
    """The user with this id, e-mail or handle. Raises NotFound."""
    found = await core.db.point(store.find_user, who)
    if found is None:
        found = await core.db.point(store.get_user, who)
    return found


def find_base(core: Core, scope: Scope) -> str:
    """Where links begin: as the browser that asks sees this cloud; for a command here, as it is configured."""
    if not scope.get("fazt.local"):
        return base_url(core.config, scope)
    if core.config.is_local:
        return f"http://localhost:{core.config.listen.port}"
    return f"https://{core.config.domain}"


async def invite(core: Core, scope: Scope, email: str, name: str) -> Link:
    """An invitation as a link. Raises Invalid, Conflict where the address has an account."""
    if email and await core.db.point(store.find_user, email) is not None:
        raise Invalid("This person has an account here.")
    issued = await core.db.write(store.create_invitation, core.clock(), email=email, name=name)
    return Link(issued.id, f"{find_base(core, scope)}/join?token={issued.secret}", issued.expires_at)


async def offer_reset(core: Core, scope: Scope, user_id: str) -> Link:
    """A link by which this person sets a new password. Raises NotFound, Forbidden."""
    issued = await core.db.write(store.create_reset, user_id, core.clock())
    return Link(issued.id, f"{find_base(core, scope)}/reset?token={issued.secret}", issued.expires_at)


async def make_token(
    core: Core, caller: Caller, name: str, scopes: Collection[str] | None, kind: TokenKind, days: int | None
) -> Secret:
    """A token or app password of the caller's own. Raises Invalid."""
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise Invalid(f"A token lasts from 1 to {LONGEST_DAYS} days.")
    now = core.clock()
    issued = await core.db.write(
        store.create_token,
        caller.user_id,
        name=name,
        scopes=scopes,
        now=now,
        kind=kind,
        expires_at=None if days is None else now + days * DAY,
    )
    return Secret(issued.id, name, issued.secret, issued.expires_at)


async def start_two_factor(core: Core, caller: Caller) -> TotpStart:
    """A secret for the authenticator app. Raises Conflict where two-factor is on."""
    secret = await core.db.write(store.start_totp, caller.user_id)
    return TotpStart(secret, totp_uri(secret, caller.email))


async def ask_measuring(core: Core) -> None:
    """Have it measured, unless it is being done."""
    await core.db.write(enqueue, MEASURE_JOB, {}, now=core.clock(), key="once")


async def ask_freeing(core: Core, name: str) -> None:
    """Have something let go. Raises Invalid."""
    spare = list_spares(core).get(name)
    if spare is None or spare.free is None:
        raise Invalid("There is nothing of this name that could go.")
    await core.db.write(enqueue, FREE_JOB, {"name": name}, now=core.clock(), key=name)
