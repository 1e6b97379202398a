"""Sites with a password: who has shown it, and how often somebody may guess."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict

from fazt.apps.sites.model import Site
from fazt.core.auth.engine import Hasher, Throttle
from fazt.core.clock import Clock

COOKIE = "fazt-site"
REMEMBERED = 256


class Gate:
    """Checks passwords of sites. The pass that a visitor gets is void as soon as the password changes."""

    def __init__(self, clock: Clock) -> None:
        self.hasher = Hasher()
        self._clock = clock
        self._throttle = Throttle()
        self._shown: OrderedDict[bytes, bool] = OrderedDict()

    def close(self) -> None:
        """Let the hashing threads end."""
        self.hasher.close()

    def make_pass(self, site: Site) -> str:
        """The cookie's value for somebody who knows the password."""
        return hmac.new(site.password_hash.encode(), f"site {site.id}".encode(), hashlib.sha256).hexdigest()

    def has_pass(self, site: Site, value: str | None) -> bool:
        """Whether a cookie's value lets its bearer in."""
        return value is not None and hmac.compare_digest(value.encode(), self.make_pass(site).encode())

    async def check_password(self, site: Site, password: str, address: str) -> bool:
        """Whether this is the password; the same one is hashed once. Raises TooMany after many wrong ones."""
        key = hashlib.sha256(f"{site.password_hash}\0{password}".encode()).digest()
        if key in self._shown:
            return True
        login = f"site {site.id}"
        self._throttle.admit(login, address, self._clock())
        if not await self.hasher.verify(site.password_hash, password):
            self._throttle.fail(login, address, self._clock())
            return False
        self._throttle.succeed(login, address)
        self._shown[key] = True
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        return True
