"""What the owner does about certificates."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from fazt.core.errors import Conflict, Invalid, NotFound
from fazt.core.tls import store, wire
from fazt.core.tls.contexts import create_context
from fazt.core.tls.engine.status import CertificateView, view_certificate
from fazt.core.tls.engine.wanted import list_wanted
from fazt.core.tls.model import check_name, is_good
from fazt.core.tls.model.times import earliest_renewal

if TYPE_CHECKING:
    from fazt.core import Core

MAX_PEM = 200_000


async def bring(core: Core, chain_pem: str, key_pem: str) -> CertificateView:
    """Use a certificate from elsewhere. Raises Invalid for one that is none, or that has run out."""
    if len(chain_pem) > MAX_PEM or len(key_pem) > MAX_PEM:
        raise Invalid("That is too long for a certificate.")
    brought, now = wire.read_certificate(chain_pem, key_pem, "imported"), core.clock()
    try:
        create_context(chain_pem, key_pem)
    except (ssl.SSLError, ValueError) as error:
        raise Invalid("This certificate cannot be used.", hint=f"OpenSSL says: {error}.") from error
    if not is_good(brought, now):
        raise Invalid("This certificate is not valid now.", hint="Are its dates right, and this machine's clock?")
    certificate_id = await core.db.write(store.add_certificate, brought, now=now)
    await core.tls.load()
    return view_certificate(await core.db.read(store.get_certificate, certificate_id))


async def renew(core: Core, host: str = "") -> int:
    """Try what waits again at once; with `host`, renew its certificate now. How many names that is.

    Raises NotFound for a name that is not of this cloud, Conflict for a certificate that is too new.
    """
    if core.tls.mode != "acme":
        raise Invalid("No authority is asked for certificates here.", hint="`fazt tls doctor` says more.")
    names = [check_name(host)] if host else None
    now = core.clock()
    if names and names[0] not in await list_wanted(core):
        raise NotFound(f"{host} is not a name of this cloud.", hint="tls.extra_names adds one.")
    count = await core.db.write(store.try_again, names)
    found = core.tls.find_certificate(names[0]) if names else None
    if found is not None and found.source == "acme":
        if now < earliest_renewal(found.created_at, found.not_before, found.not_after):
            raise Conflict("This certificate was issued a moment ago.", hint="It can be renewed after half a day.")
        await core.db.write(store.put_renewal, found.id, renew_at=1, next_ari_at=found.next_ari_at)
        count = len(found.names)
    await core.db.write(store.wake_keeper, now=now)
    return count
