"""Certificates, keys and requests as PEM texts."""

from fazt.core.tls.wire.local import create_leaf, create_root, permits
from fazt.core.tls.wire.pem import create_key, create_request, read_certificate, renewal_id

__all__ = ["create_key", "create_leaf", "create_request", "create_root", "permits", "read_certificate", "renewal_id"]
