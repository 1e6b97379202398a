"""The proofs that a name is ours, put where authorities look for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

from fazt.core.log import get_logger
from fazt.core.tls.model.outcomes import Limited, Refused, Trouble

if TYPE_CHECKING:
    from acme import messages
    from josepy.jwk import JWK

    from fazt.core.tls.engine.dns import Look, Provider

VISIBLE_S = 180.0
UNKNOWN_S = 20.0
"""How long to wait where no name server can be asked: then the authority has to find out."""

log = get_logger(__name__)


class HttpProver:
    """HTTP-01: `answers` is what the HTTP listener says below /.well-known/acme-challenge/."""

    def __init__(self, answers: MutableMapping[str, str]) -> None:
        self._answers = answers
        self._shown: list[str] = []

    def show(self, _host: str, challenge: messages.ChallengeBody, key: JWK) -> None:
        """See Prover."""
        from acme import challenges  # noqa: PLC0415 - the library takes 10 MB; few ask an authority

        assert isinstance(challenge.chall, challenges.HTTP01)
        token = challenge.chall.encode("token")
        self._answers[token] = challenge.chall.validation(key)
        self._shown.append(token)

    def wait(self) -> None:
        """See Prover."""

    def clear(self) -> None:
        """See Prover."""
        for token in self._shown:
            self._answers.pop(token, None)


class DnsProver:
    """DNS-01: a TXT record, waited for until every name server of the domain shows it."""

    def __init__(self, provider: Provider, look: Look, stopping: threading.Event) -> None:
        self._provider = provider
        self._look = look
        self._stopping = stopping
        self._shown: list[tuple[str, str, str]] = []

    def show(self, host: str, challenge: messages.ChallengeBody, key: JWK) -> None:
        """See Prover."""
        from acme import challenges  # noqa: PLC0415 - the library takes 10 MB; few ask an authority

        assert isinstance(challenge.chall, challenges.DNS01)
        name = self._look.follow(f"_acme-challenge.{host}")
        value = challenge.chall.validation(key)
        self._shown.append((host, name, value))
        self._provider.put(name, value)

    def wait(self) -> None:
        """See Prover. Raises Refused for a name whose record does not appear."""
        end = time.monotonic() + VISIBLE_S
        for host, name, value in self._shown:
            for _ in self._until_visible(name, value, end):
                pass
            if self._look.has_text(name, value) is False:
                hint = "Do the domain's NS records name the server that was changed?"
                raise Refused({host: (f"The TXT record at {name} does not appear in the DNS.", hint)})

    def _until_visible(self, name: str, value: str, end: float) -> Iterator[None]:
        patience = time.monotonic() + UNKNOWN_S
        while time.monotonic() < end:
            found = self._look.has_text(name, value)
            if found or (found is None and time.monotonic() > patience):
                return
            yield
            if self._stopping.wait(1.0):
                raise Trouble("This cloud is stopping.")

    def clear(self) -> None:
        """See Prover. What cannot be removed is left: it proves nothing any more."""
        for _, name, value in self._shown:
            try:
                self._provider.remove(name, value)
            except (Refused, Limited, Trouble) as error:
                log.warning("the TXT record at %s stays: %s", name, error)
