"""Certificates and HTTPS, for the owner."""

from __future__ import annotations

from litestar import delete, get, post

from fazt.apps.home.model import Brought, Renewal
from fazt.core import Core
from fazt.core.errors import NotFound
from fazt.core.http.access import owner, public
from fazt.core.tls import actions, store
from fazt.core.tls.engine import CertificateView, Diagnosis, Status, describe, examine
from fazt.core.tls.model import check_name


@get("/api/v1/tls", guards=[owner])
async def show_status(core: Core) -> Status:
    """How HTTPS stands: the authorities, every host name, every certificate."""
    return await describe(core)


@get("/api/v1/tls/doctor", guards=[owner])
async def show_diagnosis(core: Core, host: str = "") -> list[Diagnosis]:
    """Look at the DNS, the way here, the authorities and the certificates, of all names or of one."""
    return await examine(core, check_name(host) if host else "")


@get("/api/v1/tls/root", guards=[public], media_type="text/plain")
async def show_root(core: Core) -> str:
    """The certificate of this cloud's own authority, as PEM, for devices to trust."""
    if not core.tls.root_pem:
        raise NotFound("This cloud has no authority of its own.", hint="`fazt settings set tls.mode local` makes one.")
    return core.tls.root_pem


@post("/api/v1/tls/renew", guards=[owner])
async def renew(core: Core, data: Renewal) -> dict[str, int]:
    """Try again at once what waits, and with `host` renew its certificate before its time; how many names."""
    return {"names": await actions.renew(core, data.host)}


@post("/api/v1/tls/certificates", guards=[owner])
async def bring(core: Core, data: Brought) -> CertificateView:
    """Use a certificate from elsewhere, chain and key as PEM, until it runs out."""
    return await actions.bring(core, data.chain_pem, data.key_pem)


@delete("/api/v1/tls/certificates/{certificate_id:int}", guards=[owner])
async def remove(core: Core, certificate_id: int) -> None:
    """Forget a certificate and its key."""
    await core.db.write(store.delete_certificate, certificate_id)
    await core.tls.load()


ROUTES = [show_status, show_diagnosis, show_root, renew, bring, remove]
