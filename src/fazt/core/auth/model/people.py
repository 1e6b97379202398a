"""People, the credentials they hold, and the Caller that a request is made by."""

from typing import Literal

import msgspec

from fazt.core.auth.model.scopes import covers, covers_some
from fazt.core.errors import Forbidden

Role = Literal["owner", "member"]
Kind = Literal["session", "token", "app", "password", "local", "function"]
TokenKind = Literal["token", "app"]


class Caller(msgspec.Struct, frozen=True):
    """Who makes a request, and with what.

    `scopes` None means all that the person may do. `kind` says what was shown: a session, an API token, an app
    password or the account password; or that they sit at this machine (`local`), or a function acts for them.
    `credential_id` is the id of the session or token; of an account password it says which one, by when it was set.
    """

    user_id: str
    name: str = ""
    email: str = ""
    role: Role = "member"
    scopes: frozenset[str] | None = None
    kind: Kind = "session"
    credential_id: str = ""
    handle: str = ""

    @property
    def is_owner(self) -> bool:
        """Whether this is the owner, whatever the scopes; `is_unlimited` tells those."""
        return self.role == "owner"

    @property
    def is_unlimited(self) -> bool:
        """Whether no scope holds the caller back: required where a route names none (settings, people, …)."""
        return self.scopes is None

    def may(self, scope: str) -> bool:
        """Whether the credential allows all of `scope`."""
        return self.scopes is None or covers(self.scopes, scope)

    def may_some(self, scope: str) -> bool:
        """Whether the credential allows `scope` for some resource; then `check` the one that is used."""
        return self.scopes is None or covers_some(self.scopes, scope)

    def check(self, scope: str) -> None:
        """Raises Forbidden unless `may(scope)`."""
        if not self.may(scope):
            raise Forbidden(f"This needs the scope {scope}.", hint="Make a token that has it.", scope=scope)

    def check_some(self, scope: str) -> None:
        """Raises Forbidden unless `may_some(scope)`."""
        if not self.may_some(scope):
            self.check(scope)

    def check_unlimited(self) -> None:
        """Raises Forbidden unless `is_unlimited`."""
        if not self.is_unlimited:
            raise Forbidden("This needs a login; a token with scopes is not enough.", hint="Log in and try again.")


class User(msgspec.Struct, frozen=True):
    """The owner or a member. `handle` is a short name without `@`; both it and the e-mail log in. Times are ms."""

    id: str
    email: str
    handle: str
    name: str
    role: Role
    created_at: int
    suspended_at: int | None = None
    has_totp: bool = False
    password_changed_at: int = 0

    @property
    def is_suspended(self) -> bool:
        """Whether all doors are closed to them."""
        return self.suspended_at is not None


class Account(msgspec.Struct, frozen=True):
    """A User with what only login may see."""

    user: User
    password_hash: str

    def __repr__(self) -> str:
        """Without the hash, so that no log or traceback shows it."""
        return f"Account({self.user.id})"


class Session(msgspec.Struct, frozen=True):
    """A device that is logged in. `address` is only the neighbourhood it came from; `kind` is web, joplin and so on."""

    id: str
    user_id: str
    kind: str
    name: str
    address: str
    created_at: int
    seen_at: int
    expires_at: int


class Token(msgspec.Struct, frozen=True):
    """An API token or an app password, without its secret. `hint` is its recognisable beginning."""

    id: str
    user_id: str
    kind: TokenKind
    name: str
    hint: str
    scopes: frozenset[str] | None
    created_at: int
    expires_at: int | None
    used_at: int | None
    address: str = ""


class Issued(msgspec.Struct, frozen=True):
    """A new token, invitation or reset with its secret, which is never to be seen again."""

    id: str
    secret: str
    expires_at: int | None = None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Issued({self.id})"


class Invitation(msgspec.Struct, frozen=True):
    """An open invitation to become a member; `email` and `name` are what the form starts with."""

    id: str
    email: str
    name: str
    created_at: int
    expires_at: int


class Credential(msgspec.Struct, frozen=True):
    """What a secret turned out to be: the caller, and when it was last seen and ends."""

    caller: Caller
    seen_at: int
    expires_at: int | None
    address: str


class NewSession(msgspec.Struct, frozen=True):
    """A session to be opened; `token_id` names the app password or token it ends with."""

    digest: bytes
    name: str
    address: str
    kind: str = "web"
    scopes: frozenset[str] | None = None
    token_id: str | None = None
