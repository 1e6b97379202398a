"""The local authority: a root for this cloud alone, and what it vouches for."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fazt.core.tls.model.names import is_address
from fazt.core.tls.wire.pem import alternative_names, dump_key, load_key

ROOT_DAYS = 3_650
LEAF_DAYS = 90
SLACK = timedelta(hours=1)
"""Before now, for clients whose clock is behind."""

NAMES = ("localhost", "local", "lan", "internal", "home.arpa", "test")
NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")
NETWORKS_6 = ("::1/128", "fc00::/7", "fe80::/10")


def create_root(owner: str, names: Collection[str], now: int) -> tuple[str, str]:
    """A root certificate and its key, as PEM. It can vouch for names of a LAN and for `names` only.

    Should its key ever leak, whoever trusts it is still safe on all other sites (RFC 5280, 4.2.1.10).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.fromtimestamp(now / 1_000, UTC)
    title = f"fazt {owner} {start:%Y-%m-%d}"
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "fazt"), x509.NameAttribute(NameOID.COMMON_NAME, title[:64])]
    )
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys((*NAMES, *names))]
    permitted += [x509.IPAddress(ipaddress.ip_network(network)) for network in (*NETWORKS, *NETWORKS_6)]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - SLACK)
        .not_valid_after(start + timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(is_root=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), dump_key(key)


def create_leaf(root_pem: str, root_key_pem: str, names: Collection[str], now: int) -> tuple[str, str]:
    """A certificate for `names` with its key, as PEM, good for LEAF_DAYS."""
    root = x509.load_pem_x509_certificate(root_pem.encode())
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.fromtimestamp(now / 1_000, UTC)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(load_key(root_key_pem).public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - SLACK)
        .not_valid_after(min(start + timedelta(days=LEAF_DAYS), root.not_valid_after_utc))
        .add_extension(alternative_names(names), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(is_root=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(load_key(root_key_pem), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), dump_key(key)


def key_usage(*, is_root: bool) -> x509.KeyUsage:
    """What a key may be used for."""
    return x509.KeyUsage(
        digital_signature=not is_root,
        key_cert_sign=is_root,
        crl_sign=is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def permits(root_pem: str, host: str) -> bool:
    """Whether this root can vouch for `host`."""
    root = x509.load_pem_x509_certificate(root_pem.encode())
    allowed = root.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    if is_address(host):
        address = ipaddress.ip_address(host)
        networks = [ipaddress.ip_network(str(one.value)) for one in allowed if isinstance(one, x509.IPAddress)]
        return any(address in network for network in networks)
    return any(isinstance(one, x509.DNSName) and f".{host}".endswith(f".{one.value}") for one in allowed)
