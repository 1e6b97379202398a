"""TLS contexts for servers, with the certificate of the host that a client asks for."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption, nothing else. TLS 1.3 has no others."""


def create_context(chain: str, key: str) -> ssl.SSLContext:
    """A server's context from PEM texts. Raises ssl.SSLError or ValueError when they are no certificate and its key.

    OpenSSL's loader wants files; anonymous memory keeps the key off every disk.
    """
    context = create_empty_context()
    memory = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(memory, (chain.rstrip() + "\n" + key).encode())
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
    return context


def create_empty_context(alpn: Sequence[str] = ()) -> ssl.SSLContext:
    """A server's context without a certificate: TLS 1.2 and later."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def create_server_context(pick: Callable[[str], ssl.SSLContext | None], alpn: Sequence[str] = ()) -> ssl.SSLContext:
    """A context that lasts as long as its server: at each handshake `pick(name)` says whose certificate is shown.

    `name` is "" where the client names no host, as when it connects to an address. Without any, the handshake fails.
    """
    base = create_empty_context(alpn)

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _base: ssl.SSLContext) -> int | None:
        found = pick(name or "")
        if found is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = found
        return None

    base.sni_callback = choose
    return base
