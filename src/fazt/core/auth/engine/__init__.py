"""Auth: who is behind a cookie, a token or a password; and all that hashes passwords."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Collection

from fazt.core.auth import store
from fazt.core.auth.engine.gate import Gate
from fazt.core.auth.engine.hashing import Hasher
from fazt.core.auth.engine.known import Known
from fazt.core.auth.engine.seen import SeenBook
from fazt.core.auth.engine.standing import Standing
from fazt.core.auth.engine.throttle import Throttle
from fazt.core.auth.engine.verifier import Sleep, Verifier
from fazt.core.auth.model import (
    Account,
    Caller,
    Credential,
    NewSession,
    User,
    check_name,
    check_password,
    coarse_address,
    digest,
    name_device,
    new_session_secret,
    normalize_code,
    normalize_login,
    normalize_secret,
)
from fazt.core.auth.model.credentials import is_session_shaped
from fazt.core.auth.model.people import Kind
from fazt.core.clock import Clock, system_clock
from fazt.core.db import Database
from fazt.core.errors import Conflict, Invalid, NotFound, Unauthorized

__all__ = ["Auth", "Gate", "Hasher", "Throttle"]

WRONG = "The e-mail, name or password is not right."
DIGITS = 6


class Auth:
    """One for each running program; `close` it before the database. Times are ms, addresses IP addresses or ""."""

    def __init__(
        self,
        db: Database,
        *,
        hasher: Hasher | None = None,
        throttle: Throttle | None = None,
        sleep: Sleep = asyncio.sleep,
        clock: Clock = system_clock,
    ) -> None:
        self._db = db
        self._hasher = hasher or Hasher()
        self._throttle = throttle or Throttle()
        self._verifier = Verifier(db, self._hasher, self._throttle, sleep)
        self._seen = SeenBook(db)
        self._known = Known(db)
        self._standing = Standing(db, clock)
        self._setup_secret = ""
        self.gate = Gate(self._hasher)

    async def close(self) -> None:
        """Finish what was begun."""
        await self._verifier.close()
        await self._standing.close()
        self._known.close()
        await self._seen.close()
        self._hasher.close()

    # Who is asking

    async def identify_session(self, secret: str, now: int, address: str = "") -> Caller | None:
        """Whose session cookie this is, or None. `address` keeps the device list's hint fresh."""
        if not is_session_shaped(secret):
            return None
        return self._shown(await self._known.find(store.find_session, digest(secret), now), address, now)

    async def identify_token(self, secret: str, now: int, address: str = "") -> Caller | None:
        """Whose API token or app password this is, or None."""
        bare = normalize_secret(secret)
        if bare is None:
            return None
        return self._shown(await self._known.find(store.find_token, digest(bare), now), address, now)

    def recall_token(self, secret: str, now: int, address: str = "") -> Caller | None:
        """As `identify_token`, for who cannot wait: None also where it has to be looked up."""
        bare = normalize_secret(secret)
        if bare is None:
            return None
        return self._shown(self._known.recall(store.find_token, digest(bare), now), address, now)

    def recall_basic(self, login: str, secret: str, address: str, now: int) -> Caller | None:
        """As `identify_basic`, for who cannot wait, of tokens and app passwords; None also where one has to wait."""
        return named(login, self.recall_token(secret, now, address))

    async def identify_basic(self, login: str, secret: str, address: str, now: int) -> Caller | None:
        """Who says to be `login` (e-mail or handle; may be empty with a token), or None.

        `secret` is an app password, a token, or, where two-factor is off, the account password; a right one is
        remembered for some minutes, so that a thousand requests are one hash. Raises TooMany with
        `retry_after` (s) while this account is refused from this place; tokens and app passwords never are.
        """
        if normalize_secret(secret) is not None:
            return named(login, await self.identify_token(secret, now, address))
        account = await self._find_open_account(login)
        if account is not None and account.user.has_totp:
            account = None
        if await self._verifier.verify(account, login, secret, address, now) is None or account is None:
            return None
        return to_caller(account.user, kind="password", credential_id=str(account.user.password_changed_at))

    async def act_as(self, user_id: str, scopes: frozenset[str] | None, *, credential_id: str = "") -> Caller:
        """A Caller for a function or a job that acts for this person. Raises NotFound; Unauthorized if suspended."""
        user = await self._db.point(store.get_user, user_id)
        if user.is_suspended:
            raise Unauthorized("This person is suspended.")
        return to_caller(user, kind="function", scopes=scopes, credential_id=credential_id)

    async def local_caller(self) -> Caller:
        """Who sits at this machine and may read the file anyway: the owner, also before there is one."""
        owner = await self._db.point(store.find_owner)
        if owner is None:
            return Caller(user_id="", name="", email="", role="owner", scopes=None, kind="local")
        return to_caller(owner, kind="local")

    def follow(self, caller: Caller, ended: Callable[[], None]) -> Callable[[], None]:
        """For answers that stay open: call `ended()` once, on the loop, when this caller's credentials have ended.

        That is soon after their token was revoked, their session signed out, the password they came with changed,
        or the person suspended or deleted. What is given back has nobody told any more.
        """
        return self._standing.follow(caller, ended)

    def _shown(self, credential: Credential | None, address: str, now: int) -> Caller | None:
        if credential is None:
            return None
        self._seen.note(credential, address, now)
        return credential.caller

    async def _find_open_account(self, login: str) -> Account | None:
        account = await self._db.point(store.find_account, login)
        return None if account is None or account.user.is_suspended else account

    # Logging in

    async def log_in(
        self, login: str, password: str, code: str, address: str, user_agent: str, now: int, *, kind: str = "web"
    ) -> str:
        """A new session; its secret, for the cookie. `code` is of the authenticator app, or a recovery code, or "".

        Raises Unauthorized, in the same words and time for a wrong password and for nobody of this name; with
        `details["code_needed"]` when the password is right and a code is missing or wrong. Raises TooMany with
        `retry_after` (s).
        """
        account = await self._find_open_account(login)
        hashed = await self._verifier.verify(account, login, password, address, now)
        if hashed is None or account is None:
            raise Unauthorized(WRONG)
        name = normalize_login(login)
        if account.user.has_totp:
            self._admit_code(account.user, name, code, address, now)
        secret = new_session_secret()
        new = NewSession(digest(secret), name_device(user_agent), coarse_address(address), kind)
        await self._db.write(store.log_in, account.user.id, hashed, code, new, now)
        if account.user.has_totp:
            self._throttle.clear_codes(account.user.id, name, address)
        self._throttle.know(name, address, now)
        return secret

    def _admit_code(self, user: User, login: str, code: str, address: str, now: int) -> None:
        bare = normalize_code(code)
        if bare is None:
            what = "That is not a code." if code.strip() else "Two-factor login is on."
            raise Unauthorized(what, hint="Enter the six digits that your app shows.", code_needed=True)
        if len(bare) == DIGITS:
            self._throttle.try_code(user.id, login, address, now)

    async def open_session(
        self,
        caller: Caller,
        *,
        kind: str,
        name: str,
        address: str,
        now: int,
        scopes: Collection[str] | None = None,
    ) -> str:
        """A session for a caller whom `identify_basic` knew (Joplin's log-in); its secret.

        It may do what `scopes` say, or all that the caller may. It ends with the app password or token that
        opened it. Raises Forbidden where the caller lacks a scope.
        """
        for scope in scopes or ():
            caller.check(scope)
        secret = new_session_secret()
        new = NewSession(
            digest=digest(secret),
            name=check_name(name),
            address=coarse_address(address),
            kind=kind,
            scopes=caller.scopes if scopes is None else frozenset(scopes),
            token_id=caller.credential_id if caller.kind in {"token", "app"} else None,
        )
        await self._db.write(store.create_session, caller.user_id, new, now)
        return secret

    async def check_own_password(self, caller: Caller, password: str, address: str, now: int) -> None:
        """Before something grave, e.g. turning two-factor off. Raises Unauthorized, TooMany."""
        account = await self._db.point(store.get_account, caller.user_id)
        if await self._verifier.verify(account, account.user.email, password, address, now) is None:
            raise Unauthorized("That is not your password.")

    # People

    async def has_owner(self) -> bool:
        """Whether somebody has set this cloud up."""
        return await self._db.point(store.find_owner) is not None

    async def create_owner(
        self, email: str, password: str, now: int, *, name: str = "", handle: str = "", is_checked: bool = True
    ) -> User:
        """The owner, from the variables of the first start or the set-up page. Raises Invalid, Conflict.

        `is_checked` False takes any password, from somebody who holds the machine anyway.
        """
        if await self.has_owner():
            raise Conflict("This cloud has an owner.", hint="Log in, or have the owner invite you.")
        if is_checked:
            check_password(password, email=email, handle=handle)
        hashed = await self._hasher.hash(password)
        owner = await self._db.write(
            store.create_owner, email=email, password_hash=hashed, now=now, name=name, handle=handle
        )
        self._setup_secret = ""
        self.gate = Gate(self._hasher)
        return owner

    def setup_secret(self) -> str:
        """The secret of the one-time set-up link; the same until there is an owner or the program ends."""
        self._setup_secret = self._setup_secret or new_session_secret()
        return self._setup_secret

    def check_setup(self, secret: str) -> None:
        """Raises NotFound unless `secret` is that of the set-up link."""
        given, known = secret.encode("utf-8", "surrogatepass"), self._setup_secret.encode()
        if not known or not hmac.compare_digest(given, known):
            raise NotFound(
                "This set-up link was used or is of an earlier start.", hint="See what `fazt serve` printed."
            )

    async def set_up(self, secret: str, email: str, password: str, now: int, *, name: str = "") -> User:
        """The owner, by the set-up link. Raises NotFound for a dead link, Invalid, Conflict."""
        self.check_setup(secret)
        return await self.create_owner(email, password, now, name=name)

    async def create_member(self, email: str, password: str, now: int, *, name: str = "", handle: str = "") -> User:
        """A member whom the owner adds by hand (`fazt user add`). Raises Invalid, Conflict."""
        check_password(password, email=email, handle=handle)
        hashed = await self._hasher.hash(password)
        return await self._db.write(
            store.create_user, email=email, password_hash=hashed, now=now, name=name, handle=handle
        )

    async def accept_invitation(
        self, secret: str, email: str, password: str, now: int, *, name: str = "", handle: str = ""
    ) -> User:
        """A new member by their link. Raises NotFound for a dead link before any work is done; Invalid, Conflict."""
        if await self._db.point(store.find_invitation, secret, now) is None:
            raise NotFound("This invitation was used or has expired.", hint="Ask for a new one.")
        check_password(password, email=email, handle=handle)
        hashed = await self._hasher.hash(password)
        return await self._db.write(
            store.accept_invitation, secret, email=email, password_hash=hashed, now=now, name=name, handle=handle
        )

    async def change_password(self, caller: Caller, current: str, new: str, address: str, now: int) -> None:
        """Ends every other session. Raises Unauthorized for a wrong `current`, TooMany, Invalid."""
        await self.check_own_password(caller, current, address, now)
        if current == new:
            raise Invalid("That is the password you have.")
        keep = caller.credential_id if caller.kind == "session" else ""
        await self._set_password(caller.user_id, new, now, keep)

    async def set_password(self, user_id: str, new: str, now: int) -> None:
        """By the owner's hand or the command line; ends all sessions. Raises Invalid, NotFound."""
        await self._set_password(user_id, new, now, "")

    async def _set_password(self, user_id: str, new: str, now: int, keep: str) -> None:
        user = await self._db.point(store.get_user, user_id)
        check_password(new, email=user.email, handle=user.handle)
        hashed = await self._hasher.hash(new)
        await self._db.write(store.set_password, user_id, hashed, now, keep_session=keep)

    async def use_reset(self, secret: str, new: str, now: int) -> User:
        """A new password by a reset link; ends all sessions. Raises NotFound for a dead link, Invalid."""
        user = await self._db.point(store.find_reset, secret, now)
        if user is None:
            raise NotFound("This link was used or has expired.", hint="Ask for a new one.")
        check_password(new, email=user.email, handle=user.handle)
        hashed = await self._hasher.hash(new)
        return await self._db.write(store.use_reset, secret, hashed, now)


def named(login: str, caller: Caller | None) -> Caller | None:
    """The bearer of a token, where the login that came with it is theirs or none."""
    return caller if caller is not None and normalize_login(login) in {"", caller.email, caller.handle} else None


def to_caller(user: User, *, kind: Kind, scopes: frozenset[str] | None = None, credential_id: str = "") -> Caller:
    """The Caller that this person is."""
    return Caller(
        user_id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        scopes=scopes,
        kind=kind,
        credential_id=credential_id,
        handle=user.handle,
    )
