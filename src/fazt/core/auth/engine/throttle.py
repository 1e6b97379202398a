"""The brake on guessing: who may try a password now, decided from memory, with the clock passed in.

What is guessed at is only the account password and the six digits of two-factor; sessions, tokens, app
passwords and recovery codes are random enough to be found by their hash and never braked. The design
turns on one question: how to stop a guesser without handing them a way to shut the owner out.

1. *Account and address together* carry the strict limit: six failures, then refusal from half a
   minute up to a quarter of an hour. Who guesses from elsewhere does not touch the owner's count.
2. *Address* (IPv6 by /64, and loosely by /48) has a wide limit, against one guess at many accounts.
3. *Account* over all addresses is only slowed: past 20 recent failures, tries from places where this
   account has not logged in before are admitted four a second, later ones wait their turn, and those whose
   turn is too far away are sent off for two seconds, whoever they are, so everybody has the same chance.
   A refusal here would be the attacker's switch to lock the owner out from everywhere.
4. A place where the account logged in during the last 30 days answers for itself alone: 2 and 3 do not
   hold there, 1 does.
5. Six digits are few, so wrong codes count per account, strictly; only who knows the password already can
   drive that up, and recovery codes and known places stay open.

Failures leak away with time instead of being cleared by a success, except those of 1. All of it is bounded
(CAPACITY entries each, the longest untouched goes), and lost at a restart, which no attacker can cause.
To push their own entry out, a guesser needs thousands of addresses, which are worth more as addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil

from fazt.core.auth.model import networks_of
from fazt.core.clock import DAY, HOUR, MINUTE, SECOND
from fazt.core.errors import TooMany

CAPACITY = 4_096
KNOWN_FOR = 30 * DAY
PACE_FROM = 20
PACE = 250
PACE_LONGEST_WAIT = 8 * SECOND


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures, then refusal for `first` ms, doubling up to `longest`; one is forgotten every `leak` ms."""

    free: int
    first: int
    longest: int
    leak: int


PAIR = Limit(free=5, first=30 * SECOND, longest=15 * MINUTE, leak=10 * MINUTE)
NEAR = Limit(free=30, first=30 * SECOND, longest=HOUR, leak=2 * MINUTE)
FAR = Limit(free=300, first=30 * SECOND, longest=HOUR, leak=20 * SECOND)
CODE = Limit(free=5, first=MINUTE, longest=HOUR, leak=10 * MINUTE)
SLOW = Limit(free=1 << 30, first=0, longest=0, leak=30 * SECOND)


@dataclass(slots=True)
class Count:
    """Failures as they stood at `at`, and until when all is refused."""

    failures: float = 0.0
    at: int = 0
    until: int = 0


class Ledger:
    """Failures by key under one Limit; flat memory."""

    def __init__(self, limit: Limit, capacity: int = CAPACITY) -> None:
        self.limit = limit
        self.capacity = capacity
        self._counts: OrderedDict[bytes, Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def refused_until(self, key: bytes) -> int:
        """The time (ms) until which nobody may try, 0 where there is no refusal."""
        count = self._counts.get(key)
        return count.until if count else 0

    def failures(self, key: bytes, now: int) -> float:
        """Recent failures, those that leaked away taken off."""
        count = self._counts.get(key)
        return max(0.0, count.failures - max(0, now - count.at) / self.limit.leak) if count else 0.0

    def fail(self, key: bytes, now: int) -> None:
        """One more failure."""
        failures = self.failures(key, now) + 1
        over = ceil(failures) - self.limit.free
        until = now + min(self.limit.first << min(over - 1, 20), self.limit.longest) if over > 0 else 0
        self._counts[key] = Count(failures, now, until)
        self._counts.move_to_end(key)
        if len(self._counts) > self.capacity:
            self._counts.popitem(last=False)

    def clear(self, key: bytes) -> None:
        """Forget this key's failures."""
        self._counts.pop(key, None)


class Throttle:
    """Who may try now. `login` is any text (known or not: they are told nothing), `address` an IP address or ""."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._pairs = Ledger(PAIR, capacity)
        self._near = Ledger(NEAR, capacity)
        self._far = Ledger(FAR, capacity)
        self._accounts = Ledger(SLOW, capacity)
        self._codes = Ledger(CODE, capacity)
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._turns: OrderedDict[bytes, int] = OrderedDict()
        self.capacity = capacity

    def __len__(self) -> int:
        ledgers = (self._pairs, self._near, self._far, self._accounts, self._codes)
        return sum(map(len, ledgers)) + len(self._known) + len(self._turns)

    def admit(self, login: str, address: str, now: int) -> int:
        """How many ms to wait before this try. Raises TooMany with `retry_after` in seconds."""
        pair, near, far = keys_of(login, address)
        refuse(self._pairs.refused_until(pair), now)
        if self.is_known(login, address, now):
            return 0
        refuse(self._near.refused_until(near), now)
        refuse(self._far.refused_until(far), now)
        return self._take_turn(key_of(login), now)

    def _take_turn(self, account: bytes, now: int) -> int:
        if self._accounts.failures(account, now) < PACE_FROM:
            return 0
        turn = max(now, self._turns.get(account, 0))
        if turn - now > PACE_LONGEST_WAIT:
            raise TooMany("Too many attempts on this account.", hint="Try again in a moment.", retry_after=2)
        remember(self._turns, account, turn + PACE, self.capacity)
        return turn - now

    def fail(self, login: str, address: str, now: int) -> int:
        """A wrong password; how many ms to let the answer wait."""
        pair, near, far = keys_of(login, address)
        self._pairs.fail(pair, now)
        self._near.fail(near, now)
        if far:
            self._far.fail(far, now)
        self._accounts.fail(key_of(login), now)
        over = ceil(self._pairs.failures(pair, now)) - 3
        return min(250 << min(over, 3), 2 * SECOND) if over >= 0 else 0

    def succeed(self, login: str, address: str) -> int:
        """A right password; answered at once (0 ms)."""
        self._pairs.clear(keys_of(login, address)[0])
        return 0

    def know(self, login: str, address: str, now: int) -> None:
        """Somebody is wholly logged in, two-factor included: this place is known for the account from now on."""
        remember(self._known, keys_of(login, address)[0], now, self.capacity)

    def is_known(self, login: str, address: str, now: int) -> bool:
        """Whether this account logged in from this place lately."""
        at = self._known.get(keys_of(login, address)[0])
        return at is not None and now - at < KNOWN_FOR

    def try_code(self, user_id: str, login: str, address: str, now: int) -> None:
        """Count a six-digit code before it is looked at. Raises TooMany with `retry_after` in seconds."""
        known = self.is_known(login, address, now)
        ledger, key = (self._pairs, keys_of(login, address)[0]) if known else (self._codes, key_of(user_id))
        refuse(ledger.refused_until(key), now)
        ledger.fail(key, now)

    def clear_codes(self, user_id: str, login: str, address: str) -> None:
        """The code was right."""
        self._codes.clear(key_of(user_id))
        self._pairs.clear(keys_of(login, address)[0])


def refuse(until: int, now: int) -> None:
    """Raises TooMany before `until`; the same words for accounts that exist and ones that do not."""
    if now < until:
        seconds = -((now - until) // SECOND)
        raise TooMany("Too many failed attempts.", hint=f"Try again in {in_words(seconds)}.", retry_after=seconds)


def in_words(seconds: int) -> str:
    """`45 seconds`, `12 minutes`."""
    if seconds < 100:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def remember(table: OrderedDict[bytes, int], key: bytes, value: int, capacity: int) -> None:
    """Put an entry at the end of a bounded table."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > capacity:
        table.popitem(last=False)


def key_of(*parts: str) -> bytes:
    """16 bytes for any text, so that long logins cost no memory."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).digest()


def keys_of(login: str, address: str) -> tuple[bytes, bytes, bytes]:
    """Keys of the pair, of the place, and of the larger network (b"" where there is none)."""
    near, far = networks_of(address)
    return key_of(login, near), key_of(near), key_of(far) if far else b""
