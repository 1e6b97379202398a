"""Who may use the relay: long-term credentials, static or time-limited (RFC 8489 section 9.2)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from time import time

from fazt.apps.turn.model import Orders
from fazt.apps.turn.wire.attributes import (
    ERROR_CODE,
    MESSAGE_INTEGRITY,
    MESSAGE_INTEGRITY_SHA256,
    NONCE,
    PASSWORD_ALGORITHM,
    PASSWORD_ALGORITHMS,
    REALM,
    USERNAME,
    Attribute,
    ErrorCode,
)
from fazt.apps.turn.wire.credentials import (
    derive_key,
    make_nonce,
    make_password,
    prepare_text,
    read_nonce,
    read_username,
)
from fazt.apps.turn.wire.message import Message, Pair
from fazt.apps.turn.wire.numbers import (
    BAD_REQUEST,
    PASSWORD_MD5,
    PASSWORD_SHA256,
    REASONS,
    STALE_NONCE,
    UNAUTHENTICATED,
)

OFFERED = (PASSWORD_SHA256, PASSWORD_MD5)


class Refused(Exception):
    """A request is answered with this error code; `pairs` go beside it. `why` is for the log."""

    def __init__(self, code: int, pairs: tuple[Pair, ...] = (), why: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.pairs = ((ERROR_CODE, ErrorCode(code, REASONS[code])), *pairs)
        self.why = why


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and its password as proved by a request, and how its answer is to be signed."""

    username: str
    user: str
    password: str
    key: bytes
    integrity: Attribute[bytes]


class Gate:
    """Knows users and secrets; keeps nothing about who asked."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self._users = {prepare_text(name): prepare_text(password) for name, password in orders.users.items()}
        self._nonce_key = os.urandom(32)

    def learn(self, orders: Orders) -> None:
        """Other users and secrets; nonces that were given out stay good."""
        self.orders = orders
        self._users = {prepare_text(name): prepare_text(password) for name, password in orders.users.items()}

    def challenge(self, code: int, address: str, why: str = "") -> Refused:
        """401 or 438 with all that a client needs to try again."""
        nonce = make_nonce(self._nonce_key, address, int(time()))
        return Refused(code, ((REALM, self.orders.realm), (NONCE, nonce), (PASSWORD_ALGORITHMS, OFFERED)), why)

    def authenticate(self, message: Message, address: str, held: Credential | None) -> Credential:
        """Who signed this request. Raises Refused; an unknown name and a wrong password look alike.

        `held` is what the client's allocation was made with: it stays good there after its own end, so that
        a call outlives the credential it began with.
        """
        integrity = _find_integrity(message)
        if integrity is None:
            raise self.challenge(UNAUTHENTICATED, address)
        username, realm, nonce = message.get(USERNAME), message.get(REALM), message.get(NONCE)
        if username is None or realm is None or nonce is None:
            raise Refused(BAD_REQUEST, why="signed, but without name, realm or nonce")
        made = read_nonce(self._nonce_key, address, nonce)
        if made is None or not -1 <= int(time()) - made <= self.orders.nonce_life_s:
            raise self.challenge(STALE_NONCE, address)
        algorithm = _read_algorithm(message)
        for user, password in self._find_passwords(username, held):
            key = derive_key(username, self.orders.realm, password, algorithm)
            if message.is_signed_by(key, integrity) and user:
                return Credential(username, user, password, key, integrity)
        raise self.challenge(UNAUTHENTICATED, address, f"wrong or ended credentials for {username!r}")

    def _find_passwords(self, username: str, held: Credential | None) -> Iterator[tuple[str, str]]:
        """(user, password) pairs to try; an empty user stands for nobody, whose work is done all the same."""
        if held is not None and held.username == username:
            yield held.user, held.password
            return
        name = prepare_text(username)
        if name in self._users:
            yield name, self._users[name]
            return
        limited = read_username(username)
        is_live = limited is not None and limited[0] >= time()
        user = (limited[1] or "anybody") if limited is not None and is_live else ""
        for secret in self.orders.secrets or ("",):
            yield user if self.orders.secrets else "", make_password(secret, username)


def _find_integrity(message: Message) -> Attribute[bytes] | None:
    for attribute in (MESSAGE_INTEGRITY_SHA256, MESSAGE_INTEGRITY):
        if message.has(attribute):
            return attribute
    return None


def _read_algorithm(message: Message) -> int:
    """Which password algorithm the client chose. Raises Refused where it was made to choose a weaker one."""
    offered, chosen = message.get(PASSWORD_ALGORITHMS), message.get(PASSWORD_ALGORITHM)
    if offered is None and chosen is None:
        return PASSWORD_MD5
    if offered != OFFERED or chosen not in OFFERED:
        raise Refused(BAD_REQUEST, why="password algorithms other than offered")
    return chosen
