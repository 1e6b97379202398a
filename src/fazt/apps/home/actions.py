"""What pages and API both do with people, tokens, two-factor, storage and links."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from fazt.apps.home.model import ChangedShare, Link, NewShare, Secret, ShareView, TokenKind, TotpStart
from fazt.core import Core
from fazt.core.app import KeptLink, Scope, Shareable
from fazt.core.auth import Caller, User, store
from fazt.core.auth.model.totp import totp_uri
from fazt.core.clock import DAY
from fazt.core.errors import Invalid, NotFound
from fazt.core.http.hosts import base_url
from fazt.core.jobs import enqueue
from fazt.core.shares import Share, change_share, create_share, get_share
from fazt.core.usage import FREE_JOB, MEASURE_JOB, list_spares

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

T = TypeVar("T")

PENDING_S = 300
LONGEST_DAYS = 3650
MIN_LINK_PASSWORD = 4


@cache
def _seal() -> Fernet:
    """Of this process alone: a login between password and code ends when the program does."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - 8 MB that only two-factor logins need

    return Fernet(base64.urlsafe_b64encode(os.urandom(32)))


def seal_login(login: str, password: str) -> str:
    """A login that still wants its second factor, as text that only this process can open, for five minutes."""
    return seal((login, password))


def open_login(sealed: str) -> tuple[str, str]:
    """What `seal_login` sealed. Raises Invalid when it is too old or of another process."""
    return unseal(sealed, tuple[str, str], "Log in again.")


def seal(value: Any) -> str:
    """A value as text that goes through a page and that nobody else can make, for five minutes."""
    return _seal().encrypt(msgspec.json.encode(value)).decode()


def unseal(sealed: str, kind: type[T], hint: str = "") -> T:
    """What `seal` sealed. Raises Invalid when it is too old, of another process, or of another kind."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as above

    try:
        return msgspec.json.decode(_seal().decrypt(sealed.encode(), ttl=PENDING_S), type=kind)
    except (InvalidToken, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise Invalid("That took too long.", hint=hint) from error


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


def list_shareable(core: Core) -> dict[str, Shareable]:
    """The apps whose things can be shared by link."""
    found = {app.name: getattr(app.load("pages"), "SHAREABLE", None) for app in core.apps}
    return {name: one for name, one in found.items() if one is not None}


async def list_kept_links(core: Core, caller: Caller) -> list[tuple[str, KeptLink]]:
    """The links that apps keep themselves, each with its app, newest first."""
    found: list[tuple[str, KeptLink]] = []
    for app in core.apps:
        ask = getattr(app.load("store"), "list_kept_links", None)
        if ask is not None:
            found += [(app.name, one) for one in await core.db.read(ask, caller.user_id, core.clock())]
    return sorted(found, key=lambda each: each[1].created_at, reverse=True)


def get_shareable(core: Core, app: str) -> Shareable:
    """How an app shares. Raises NotFound."""
    found = list_shareable(core).get(app)
    if found is None:
        raise NotFound("Nothing of this app can be shared by link.")
    return found


async def make_share(core: Core, caller: Caller, wanted: NewShare) -> Share:
    """A link to something. Raises NotFound, Forbidden, Invalid."""
    how = get_shareable(core, wanted.app)
    label = await how.check(core, caller, wanted.target)
    if wanted.may_write and not how.may_write:
        raise Invalid("Whoever has such a link can only look.")
    now = core.clock()
    return await core.db.write(
        create_share,
        app=wanted.app,
        target=wanted.target,
        user_id=caller.user_id,
        now=now,
        label=wanted.label or label,
        may_write=wanted.may_write,
        password_hash=await hash_link_password(core, wanted.password),
        expires_at=end_of_share(wanted.expires_at, wanted.days, now),
    )


async def hash_link_password(core: Core, password: str) -> str:
    """What to keep of a link's password, "" for none. Raises Invalid."""
    if password and len(password) < MIN_LINK_PASSWORD:
        raise Invalid(f"The password of a link has at least {MIN_LINK_PASSWORD} characters.")
    return await core.auth.gate.hash_password(password) if password else ""


def end_of_share(expires_at: int | None, days: float, now: int) -> int | None:
    """When a link ends: at a time, after some days, or (None) when it is ended. Raises Invalid."""
    if not 0 <= days <= LONGEST_DAYS:
        raise Invalid(f"A link lasts up to {LONGEST_DAYS} days, or with 0 until you end it.")
    return expires_at if expires_at is not None else (now + round(days * DAY) if days else None)


async def edit_share(core: Core, caller: Caller, share_id: str, wanted: ChangedShare) -> Share:
    """Change a link of the caller's. Raises NotFound, Invalid."""
    changes: dict[str, Any] = {}
    if wanted.label is not None:
        changes["label"] = wanted.label
    if wanted.password is not None:
        changes["password_hash"] = await hash_link_password(core, wanted.password)
    now = core.clock()
    if wanted.days is not None:
        changes["expires_at"] = end_of_share(None, wanted.days, now)
    if wanted.may_write is not None:
        found = await core.db.read(get_share, share_id, user_id=caller.user_id)
        if wanted.may_write and not get_shareable(core, found.app).may_write:
            raise Invalid("Whoever has such a link can only look.")
        changes["may_write"] = wanted.may_write
    return await core.db.write(change_share, share_id, user_id=caller.user_id, now=now, **changes)


def to_share_view(core: Core, scope: Scope, share: Share) -> ShareView:
    """A link as its maker sees it."""
    how = list_shareable(core).get(share.app)
    return ShareView(
        id=share.id,
        app=share.app,
        target=share.target,
        label=share.label,
        url=find_base(core, scope) + how.path(share) if how else "",
        may_write=share.may_write,
        has_password=bool(share.password_hash),
        created_at=share.created_at,
        expires_at=share.expires_at,
        is_over=share.is_over(core.clock()),
        visits=share.visits,
    )
