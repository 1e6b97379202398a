"""Certificates, for the owner: how each host stands, what is wrong, and the root of the cloud's own authority."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.access import owner, public
from fazt.core.http.errors import STATUS
from fazt.core.tls import actions, store
from fazt.core.tls.engine import describe, examine
from fazt.core.tls.model import check_name
from fazt.ui import page, read_form, redirect

PATH = "/certificates"


@get(PATH, guards=[owner])
async def show_certificates(core: Core, request: Asked, part: str = "") -> Response[Any]:
    """All hosts and certificates; `part=rows` is what the page asks for again and again."""
    name = "home/certificates_rows.html" if part == "rows" else "home/certificates.html"
    return page(request, name, status_now=await describe(core), error=None)


@get(f"{PATH}/doctor", guards=[owner])
async def show_doctor(core: Core, request: Asked, host: str = "") -> Response[Any]:
    """A look at all that HTTPS needs, of all names or of one."""
    found = await examine(core, check_name(host) if host else "")
    subjects: dict[str, list[Any]] = {}
    for one in found:
        subjects.setdefault(one.subject, []).append(one)
    faults = sum(not one.is_well for one in found)
    return page(request, "home/certificates_doctor.html", subjects=subjects, faults=faults, host=host)


@post(f"{PATH}/renew", guards=[owner])
async def renew(core: Core, request: Asked) -> Response[Any]:
    """Ask again for what waits."""
    try:
        await actions.renew(core, (await read_form(request)).text("host"))
    except FaztError as error:
        return redirect(request, PATH, f"{error.message} {error.hint}".strip(), "warn")
    return redirect(request, PATH, "The authority is asked again. It may take a minute.")


@post(f"{PATH}/import", guards=[owner])
async def bring(core: Core, request: Asked) -> Response[Any]:
    """Use a certificate from elsewhere."""
    form = await read_form(request)
    try:
        kept = await actions.bring(core, form.text("chain_pem"), form.text("key_pem"))
    except FaztError as error:
        status = STATUS[error.kind]
        return page(request, "home/certificates.html", status=status, status_now=await describe(core), error=error)
    return redirect(request, PATH, f"The certificate for {', '.join(kept.names)} is used from now on.")


@post(f"{PATH}/remove", guards=[owner])
async def remove(core: Core, request: Asked) -> Response[Any]:
    """Forget a certificate."""
    await core.db.write(store.delete_certificate, (await read_form(request)).number("id"))
    await core.tls.load()
    return redirect(request, PATH, "The certificate is forgotten.")


@get(f"{PATH}/root.crt", guards=[public])
async def download_root(core: Core) -> Response[bytes]:
    """The root of the cloud's own authority, as devices open it to trust it."""
    if not core.tls.root_pem:
        raise NotFound("This cloud has no authority of its own.")
    headers = {"content-disposition": 'attachment; filename="fazt-root.crt"'}
    return Response(core.tls.root_pem.encode(), media_type="application/x-x509-ca-cert", headers=headers)


PAGES = [show_certificates, show_doctor, renew, bring, remove, download_root]
