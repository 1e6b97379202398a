"""The certificate that `turns:` clients see."""

from __future__ import annotations

import os
import ssl


def create_context(chain: str, key: str) -> ssl.SSLContext:
    """A server's context from PEM texts. Raises ssl.SSLError or ValueError when they are no certificate and its key.

    OpenSSL's loader wants files; anonymous memory keeps the key off every disk.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    memory = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(memory, (chain.rstrip() + "\n" + key).encode())
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
    return context
