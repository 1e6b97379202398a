"""One order, from signing in to the certificate. Blocks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec

from fazt.core.tls import wire
from fazt.core.tls.model import Certificate
from fazt.core.tls.model.outcomes import Limited, Refused, Trouble
from fazt.core.tls.model.plan import Order

if TYPE_CHECKING:
    from fazt.core.tls.engine.acme import Acme, Advice, Prover


class Asking(msgspec.Struct, frozen=True):
    """Whom to ask, and who asks."""

    directory: str
    account_key_pem: str
    account_uri: str = ""
    email: str = ""
    eab_key_id: str = ""
    eab_key: str = ""
    roots_file: str = ""
    profile: str = ""

    def __repr__(self) -> str:
        return f"Asking({self.directory})"

    def open(self, stopping: threading.Event) -> Acme:
        """The conversation."""
        from fazt.core.tls.engine.acme import Account, Acme  # noqa: PLC0415 - the library takes 10 MB; few ask an authority

        account = Account(
            self.directory,
            self.account_key_pem,
            self.account_uri,
            self.email,
            self.eab_key_id,
            self.eab_key,
            self.roots_file,
        )
        return Acme(account, stopping)

    def find_advice(self, chain_pem: str, stopping: threading.Event) -> Advice | None:
        """See Acme.find_advice."""
        return self.open(stopping).find_advice(chain_pem)


class Asked(msgspec.Struct, frozen=True):
    """What came of it."""

    certificate: Certificate
    account_uri: str
    advice: Advice | None = None


def ask(asking: Asking, order: Order, prover: Prover, stopping: threading.Event) -> Asked:
    """A certificate. Raises Refused, Limited or Trouble."""
    acme = asking.open(stopping)
    acme.sign_in()
    key_pem = wire.create_key()
    replaces = order.replaces.chain_pem if order.replaces and order.replaces.authority == asking.directory else ""
    more = {"replaces": replaces, "profile": asking.profile}
    try:
        chain = acme.issue(order.names, key_pem, order.method, prover, **more)
    except Trouble as trouble:
        if trouble.details.get("acme") != "accountDoesNotExist":
            raise
        acme.sign_in(anew=True)  # the authority has forgotten us, as test ones do at each start
        chain = acme.issue(order.names, key_pem, order.method, prover, **more)
    certificate = wire.read_certificate(chain, key_pem, "acme", asking.directory)
    try:
        advice = acme.find_advice(chain)
    except (Refused, Limited, Trouble):
        advice = None
    return Asked(certificate, acme.uri, advice)
