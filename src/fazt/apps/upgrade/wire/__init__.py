"""What releases are made of, as bytes: signatures, sums, and the list of releases."""

from fazt.apps.upgrade.wire.minisign import KEYS, Comment, PublicKey, parse_keys, parse_signature, verify
from fazt.apps.upgrade.wire.releases import parse_releases, parse_sums

__all__ = [
    "KEYS",
    "Comment",
    "PublicKey",
    "parse_keys",
    "parse_releases",
    "parse_signature",
    "parse_sums",
    "verify",
]
