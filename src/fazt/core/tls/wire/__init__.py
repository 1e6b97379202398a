"""Certificates, keys and requests as PEM texts."""

from fazt.core.tls.wire.local import create_leaf, create_root, permits
from fazt.core.tls.wire.pem import create_key, create_request, fingerprint_of, read_certificate, renewal_id

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
