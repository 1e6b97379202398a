"""Things that anybody may open who knows their password: sites, shares, drops."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict

from fazt.core.auth.engine.hashing import Hasher
from fazt.core.auth.engine.throttle import Throttle

REMEMBERED = 1_024


class Gate:
    """Checks the passwords of things. `thing` names one of all apps' things, e.g. `site 7`.

    `hashed` is the hash of its password. The pass that a visitor gets, for a cookie, is void as soon as the
    password changes.
    """

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._throttle = Throttle()
        self._shown: OrderedDict[bytes, bool] = OrderedDict()

    async def hash_password(self, password: str) -> str:
        """What to keep of a password. Raises TooMany when too many wait."""
        return await self._hasher.hash(password)

    def make_pass(self, thing: str, hashed: str) -> str:
        """The cookie's value for somebody who knows the password."""
        return hmac.new(hashed.encode(), thing.encode(), hashlib.sha256).hexdigest()

    def has_pass(self, thing: str, hashed: str, value: str | None) -> bool:
        """Whether a cookie's value lets its bearer in."""
        return value is not None and hmac.compare_digest(value.encode(), self.make_pass(thing, hashed).encode())

    async def check_password(self, thing: str, hashed: str, password: str, address: str, now: int) -> bool:
        """Whether this is the password; the same one is hashed once. Raises TooMany after many wrong ones."""
        key = hashlib.sha256(f"{hashed}\0{password}".encode()).digest()
        if key in self._shown:
            return True
        self._throttle.admit(thing, address, now)
        if not await self._hasher.verify(hashed, password):
            self._throttle.fail(thing, address, now)
            return False
        self._throttle.succeed(thing, address)
        self._shown[key] = True
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        return True
