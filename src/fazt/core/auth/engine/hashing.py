"""Argon2id on two threads of its own, so that neither the loop nor the memory feels a flood of logins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import Counter

from fazt.core.auth.model.rules import PASSWORD_MAX, normalize_password
from fazt.core.errors import TooMany
from fazt.core.metrics import REGISTRY

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

THREADS = 2
MOST_WAITING = 256
"""At some 20 hashes a second and thread, the last of them waits for six seconds."""

HASHES = Counter("fazt_auth_hashes", "Passwords hashed, for whatever reason.", registry=REGISTRY)


class Hasher:
    """Hashes and verifies passwords; `memory_kib` and `passes` are Argon2's m and t (p is 1).

    The defaults are above OWASP's minimum (19 MiB, 2 passes); a flood takes THREADS times memory_kib.
    """

    def __init__(self, memory_kib: int = 32 * 1024, passes: int = 2) -> None:
        self.memory_kib = memory_kib
        self.passes = passes
        self._threads: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The encoded hash of a password. Raises TooMany when too many wait."""
        return await self._run(partial(self._hash, password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether `hashed` is of this password; False after the same work where there is no hash.

        Raises TooMany when too many wait.
        """
        if hashed is None or len(password) > PASSWORD_MAX:
            await self._run(partial(self._hash, password[:PASSWORD_MAX]))
            return False
        return await self._run(partial(self._verify, hashed, password))

    def is_outdated(self, hashed: str) -> bool:
        """Whether `hashed` was made with other parameters than these."""
        return self._argon2.check_needs_rehash(hashed)

    def close(self) -> None:
        """Let the threads end."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooMany("Too many people are logging in at this moment.", hint="Try again.", retry_after=5)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="fazt-argon2")
        self._waiting += 1
        try:
            HASHES.inc()
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    @property
    def _argon2(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # noqa: PLC0415 - a third of the time of `import fazt.core.auth`

        return PasswordHasher(time_cost=self.passes, memory_cost=self.memory_kib, parallelism=1)

    def _hash(self, password: str) -> str:
        return self._argon2.hash(normalize_password(password))

    def _verify(self, hashed: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as above

        try:
            return self._argon2.verify(hashed, normalize_password(password))
        except (VerificationError, InvalidHashError):
            return False
