"""One conversation with a certificate authority (RFC 8555). Everything here blocks, so it runs in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

import msgspec
from acme import challenges, client, errors, messages
from josepy.errors import Error as JoseError
from josepy.json_util import field
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

from fazt import __version__
from fazt.core.log import get_logger
from fazt.core.tls.engine.problems import to_outcome, to_refusal
from fazt.core.tls.model.names import is_address
from fazt.core.tls.model.outcomes import Refused, Trouble
from fazt.core.tls.model.plan import Method
from fazt.core.tls.wire import create_request, renewal_id
from fazt.core.tls.wire.pem import load_key, to_ms

USER_AGENT = f"fazt/{__version__}"
TIMEOUT_S = 30
PROOF_S = 120.0
ISSUE_S = 120.0
POLL_S = 1.0
NONCES = 3
SHORT_LIVED = "shortlived"
"""The profile without which Let's Encrypt vouches for no address."""

log = get_logger(__name__)


class Account(msgspec.Struct, frozen=True):
    """Who we are to an authority. `uri` is "" before it has been made there."""

    directory: str
    key_pem: str
    uri: str = ""
    email: str = ""
    eab_key_id: str = ""
    eab_key: str = ""
    roots_file: str = ""

    def __repr__(self) -> str:
        return f"Account({self.directory})"


class Advice(msgspec.Struct, frozen=True):
    """The window in which an authority would have a certificate renewed (ms), and for how long its word holds."""

    start: int
    end: int
    held_s: int | None


class Prover(Protocol):
    """Shows an authority that a name is ours."""

    def show(self, host: str, challenge: messages.ChallengeBody, key: JWK) -> None:
        """Put the proof where the authority looks for it."""
        ...

    def wait(self) -> None:
        """Until all that was shown can be seen."""
        ...

    def clear(self) -> None:
        """Take the proofs away."""
        ...


class NewOrder(messages.NewOrder):
    """With the certificate that it renews, which frees it from limits (RFC 9773, 5)."""

    replaces: str | None = field("replaces", omitempty=True)


class Network(client.ClientNetwork):
    """Remembers what the last answer said about time."""

    retry_after = ""
    date = ""

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        response = super()._send_request(method, url, *args, **kwargs)
        self.retry_after = response.headers.get("Retry-After", "")
        self.date = response.headers.get("Date", "")
        return response

    def post(self, *args: Any, **kwargs: Any) -> Any:
        """As the library's, which tries a nonce that was refused once more only."""
        for _ in range(NONCES):
            try:
                return super().post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return super().post(*args, **kwargs)


class Acme:
    """An authority, spoken to with our account. Every call raises Refused, Limited or Trouble."""

    def __init__(self, account: Account, stopping: threading.Event) -> None:
        self.account = account
        self.key = JWKEC(key=load_key(account.key_pem))
        self.network = Network(self.key, alg=ES256, user_agent=USER_AGENT, timeout=TIMEOUT_S)
        if account.roots_file:
            self.network.verify_ssl = account.roots_file  # type: ignore[assignment] # requests takes a path, too
        self.uri = account.uri
        self._stopping = stopping
        self._client: client.ClientV2 | None = None

    @contextmanager
    def talking(self, names: Sequence[str] = ()) -> Iterator[client.ClientV2]:
        """The client, with what it raises turned into outcomes for `names`."""
        try:
            if self._client is None:
                directory = client.ClientV2.get_directory(self.account.directory, self.network)
                self._client = client.ClientV2(directory, self.network)
            yield self._client
        except (errors.Error, JoseError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise to_outcome(error, names, self.network.retry_after) from error

    def find_meta(self) -> messages.Directory.Meta:
        """What the directory says about the authority; also a way to see whether it is there."""
        with self.talking() as spoken:
            meta = spoken.directory["meta"]
            assert isinstance(meta, messages.Directory.Meta)
            return meta

    def sign_in(self, *, anew: bool = False) -> str:
        """Use our account, and make it where there is none; its address."""
        with self.talking() as spoken:
            if not self.uri or anew:
                self.network.account = None
                self.uri = self._register(spoken, self.account.email)
            self.network.account = messages.RegistrationResource(body=messages.Registration(), uri=self.uri)
        return self.uri

    def _register(self, spoken: client.ClientV2, email: str) -> str:
        binding = None
        if self.account.eab_key_id:
            binding = messages.ExternalAccountBinding.from_data(
                self.key.public_key(), self.account.eab_key_id, self.account.eab_key, spoken.directory
            )
        wanted = messages.NewRegistration.from_data(
            email=email or None, external_account_binding=binding, terms_of_service_agreed=True
        )
        try:
            return str(spoken.new_account(wanted).uri)
        except errors.ConflictError as error:
            return error.location
        except messages.Error as error:
            if not email or error.code not in {"invalidContact", "invalidEmail", "unsupportedContact"}:
                raise
            log.warning("%s does not take %s as a contact; the account has none", self.account.directory, email)
            return self._register(spoken, "")

    def issue(
        self,
        names: Sequence[str],
        key_pem: str,
        method: Method,
        prover: Prover,
        *,
        replaces: str = "",
        profile: str = "",
    ) -> str:
        """A certificate for `names` and the key: the chain as PEM. `replaces` is the chain that it renews."""
        with self.talking(names) as spoken:
            order = self._order(spoken, names, replaces, profile)
            waiting = [one for one in self._authorizations(spoken, order) if one.body.status == messages.STATUS_PENDING]
            try:
                shown = [self._show(one, method, prover) for one in waiting]
                prover.wait()
                for challenge, response in shown:
                    spoken.answer_challenge(challenge, response)
                self._wait_for_proof(spoken, waiting)
            finally:
                prover.clear()
            return self._finish(spoken, order, names, key_pem)

    def _order(
        self, spoken: client.ClientV2, names: Sequence[str], replaces: str, profile: str
    ) -> messages.OrderResource:
        identifiers = [
            messages.Identifier(
                typ=messages.IDENTIFIER_IP if is_address(name) else messages.IDENTIFIER_FQDN, value=name
            )
            for name in names
        ]
        profiles = spoken.directory["meta"].profiles or {}
        if not profile and SHORT_LIVED in profiles and any(map(is_address, names)):
            profile = SHORT_LIVED
        extra: dict[str, Any] = {"profile": profile} if profile in profiles else {}
        if replaces and "renewalInfo" in spoken.directory.to_partial_json() and (old := renewal_id(replaces)):
            extra["replaces"] = old
        wanted = NewOrder(identifiers=identifiers, **extra)
        try:
            response = self._post(spoken, spoken.directory["newOrder"], wanted)
        except messages.Error as error:
            if not extra.pop("replaces", "") or error.code in {"rateLimited", "rejectedIdentifier", "serverInternal"}:
                raise
            # The authority does not (any longer) know the old one, or another order has replaced it.
            response = self._post(spoken, spoken.directory["newOrder"], NewOrder(identifiers=identifiers, **extra))
        return messages.OrderResource(body=messages.Order.from_json(response.json()), uri=response.headers["Location"])

    def _post(self, spoken: client.ClientV2, url: str, body: Any) -> Any:
        return self.network.post(url, body, new_nonce_url=spoken.directory["newNonce"])

    def _authorizations(
        self, spoken: client.ClientV2, order: messages.OrderResource
    ) -> list[messages.AuthorizationResource]:
        urls: Sequence[str] = order.body.authorizations
        bodies = [messages.Authorization.from_json(self._post(spoken, url, None).json()) for url in urls]
        return [messages.AuthorizationResource(body=body, uri=url) for body, url in zip(bodies, urls, strict=True)]

    def _show(
        self, authorization: messages.AuthorizationResource, method: Method, prover: Prover
    ) -> tuple[messages.ChallengeBody, challenges.ChallengeResponse]:
        host = str(authorization.body.identifier.value)
        for challenge in authorization.body.challenges:
            if challenge.chall.typ == method:
                prover.show(host, challenge, self.key)
                return challenge, challenge.response(self.key)
        hint = "Wildcards need DNS-01: set tls.dns_provider." if method == "http-01" else ""
        raise Refused({host: (f"The authority does not take {method} as proof for it.", hint)})

    def _wait_for_proof(self, spoken: client.ClientV2, waiting: list[messages.AuthorizationResource]) -> None:
        refused: dict[str, tuple[str, str]] = {}
        for pending in waiting:
            for _ in self._patience(PROOF_S, "The authority takes too long to look at the proofs."):
                authorization, _ = spoken.poll(pending)
                if authorization.body.status != messages.STATUS_PENDING:
                    break
            else:
                continue
            if authorization.body.status != messages.STATUS_VALID:
                host = str(authorization.body.identifier.value)
                found = [one.error for one in authorization.body.challenges if one.error is not None]
                refused[host] = to_refusal(found[0] if found else None)
        if refused:
            raise Refused(refused)

    def _finish(
        self, spoken: client.ClientV2, order: messages.OrderResource, names: Sequence[str], key_pem: str
    ) -> str:
        asked = False
        for _ in self._patience(ISSUE_S, "The authority takes too long to issue the certificate."):
            body = messages.Order.from_json(self._post(spoken, order.uri, None).json())
            if body.status == messages.STATUS_INVALID:
                raise body.error or errors.Error("The order failed, and the authority does not say why.")
            if body.status == messages.STATUS_VALID and body.certificate:
                return str(self._post(spoken, body.certificate, None).text)
            if body.status == messages.STATUS_READY and not asked:
                asked = True
                request = create_request(names, key_pem).encode()
                spoken.begin_finalization(order.update(body=body, csr_pem=request))
        raise Trouble("The authority takes too long.")

    def _patience(self, seconds: float, complaint: str) -> Iterator[None]:
        """Turns of a loop that asks again and again: at once, soon, then each second. Raises Trouble in the end."""
        end = time.monotonic() + seconds
        pause_s = POLL_S / 8
        while time.monotonic() < end:
            yield
            if self._stopping.wait(pause_s):
                raise Trouble("This cloud is stopping.")
            pause_s = min(POLL_S, pause_s * 2)
        raise Trouble(complaint)

    def find_advice(self, chain_pem: str) -> Advice | None:
        """When the authority would have this certificate renewed (RFC 9773); None where it says nothing."""
        with self.talking() as spoken:
            base, name = spoken.directory.to_partial_json().get("renewalInfo"), renewal_id(chain_pem)
            if not base or not name:
                return None
            response = self.network.get(f"{base.rstrip('/')}/{name}")
            window = response.json()["suggestedWindow"]
            start, end = (to_ms(datetime.fromisoformat(window[key])) for key in ("start", "end"))
            held = self.network.retry_after
            if response.json().get("explanationURL"):
                log.info("renewal is asked for: %s", response.json()["explanationURL"])
            return Advice(start, max(start, end), int(held) if held.isdigit() else None)
