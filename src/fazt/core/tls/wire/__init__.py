"""Certificates, keys and requests as PEM texts. Loaded at the first use: cryptography takes 8 MB."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fazt.core.tls.wire.local import create_leaf, create_root, permits
    from fazt.core.tls.wire.pem import create_key, create_request, fingerprint_of, read_certificate, renewal_id

LOCAL = ("create_leaf", "create_root", "permits")

__all__ = [
    "create_key",
    "create_leaf",
    "create_request",
    "create_root",
    "fingerprint_of",
    "permits",
    "read_certificate",
    "renewal_id",
]


def __getattr__(name: str) -> Any:
    """One of the functions above."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{'local' if name in LOCAL else 'pem'}"), name)
