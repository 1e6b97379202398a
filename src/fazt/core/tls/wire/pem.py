"""Reading certificates, and making keys and requests."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fazt.core.errors import Invalid
from fazt.core.tls.model import Certificate, Source
from fazt.core.tls.model.names import is_address


def create_key() -> str:
    """A new private key (P-256), as PEM."""
    return dump_key(ec.generate_private_key(ec.SECP256R1()))


def dump_key(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as PEM."""
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def load_key(key_pem: str) -> ec.EllipticCurvePrivateKey:
    """A private key that `create_key` made."""
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    """Host names and IP addresses as the extension that holds them."""
    return x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name) for name in names]
    )


def create_request(names: Iterable[str], key_pem: str) -> str:
    """A certificate signing request for `names`, as PEM; the subject is empty, as authorities want it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.add_extension(alternative_names(names), critical=True).sign(load_key(key_pem), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def read_certificate(chain_pem: str, key_pem: str, source: Source, authority: str = "") -> Certificate:
    """A chain (leaf first) with its key. Raises Invalid where they are none, or do not belong together."""
    try:
        leaf = x509.load_pem_x509_certificates(chain_pem.encode())[0]
        key = serialization.load_pem_private_key(key_pem.encode(), password=None)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise Invalid("This certificate names no host.", hint="It needs a subjectAltName.") from error
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm) as error:
        raise Invalid(
            "That is not a certificate with its key.",
            hint="Both are PEM: the chain with the host's own certificate first, and a key without a password.",
        ) from error
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    der = serialization.Encoding.DER
    if key.public_key().public_bytes(der, spki) != leaf.public_key().public_bytes(der, spki):
        raise Invalid("The key does not belong to this certificate.")
    dns = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return Certificate(
        names=(*dns, *(str(address) for address in names.get_values_for_type(x509.IPAddress))),
        chain_pem=chain_pem,
        key_pem=key_pem,
        source=source,
        issuer=name_of(leaf.issuer),
        not_before=to_ms(leaf.not_valid_before_utc),
        not_after=to_ms(leaf.not_valid_after_utc),
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
        authority=authority,
    )


def name_of(name: x509.Name) -> str:
    """Whom a certificate names, in a few words."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)
    return name.rfc4514_string()


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp()) * 1_000


def fingerprint_of(certificate_pem: str) -> str:
    """The SHA-256 of a certificate, as browsers show it."""
    return x509.load_pem_x509_certificate(certificate_pem.encode()).fingerprint(hashes.SHA256()).hex(":").upper()


def renewal_id(chain_pem: str) -> str:
    """How RFC 9773, 4.1 names a certificate: key identifier of its issuer and serial number; "" without the former."""
    leaf = x509.load_pem_x509_certificates(chain_pem.encode())[0]
    try:
        issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier or b""
    except x509.ExtensionNotFound:
        return ""
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1, "big")
    return f"{encode(issuer)}.{encode(serial)}" if issuer else ""


def encode(data: bytes) -> str:
    """Base 64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
