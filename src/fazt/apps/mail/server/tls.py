"""The certificate for STARTTLS: a file's, read again when that changes, else this cloud's own."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

log = get_logger(__name__)


class Certificates:
    """The context for new connections; None where there is no certificate (then STARTTLS is not offered)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._seen: tuple[object, ...] = ()
        self._context: ssl.SSLContext | None = None
        self._own: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext | None:
        """As the files are now; what cannot be read leaves the last one in place."""
        certificate = self._core.settings.get("mail.certificate_file")
        key = self._core.settings.get("mail.key_file") or certificate
        if not certificate:
            return self._find_own()
        try:
            seen = (certificate, key, Path(certificate).stat().st_mtime_ns, Path(key).stat().st_mtime_ns)
            if seen != self._seen:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                context.load_cert_chain(certificate, key)
                self._context, self._seen = context, seen
        except (OSError, ssl.SSLError) as error:
            log.warning("the certificate for mail cannot be read: %s", error)
        return self._context

    def _find_own(self) -> ssl.SSLContext | None:
        """A context that shows each client the certificate of the name it came for, once the domain has one."""
        if self._core.tls.find_certificate(self._core.config.domain) is None:
            return None
        if self._own is None:
            self._own = self._core.tls.server_context()
        return self._own
