"""A notice as the bytes that push services carry (RFC 8291, RFC 8292)."""

from __future__ import annotations

import hashlib
import os
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from fazt.core.errors import Invalid
from fazt.core.push.model import TOKEN_LASTS_S, TTL_S, Device, Notice, from_base64, to_base64


def check_subscription(endpoint: str, public_key: str, auth_secret: str) -> None:
    """Raises Invalid unless a browser could have made this."""
    parts = urlsplit(endpoint)
    if parts.scheme != "https" or not parts.hostname or len(endpoint) > 2_000:
        raise Invalid("A push service has an https address.")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64(public_key))
    except ValueError as error:
        raise Invalid("This subscription is garbled.") from error
    if len(from_base64(auth_secret)) != 16:
        raise Invalid("This subscription is garbled.")


def new_private_key() -> str:
    """A key by which push services know this cloud (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def load_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """The key in a PEM text."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def to_public_key(pem: str) -> str:
    """What a browser is told as `applicationServerKey`."""
    form = serialization.PublicFormat.UncompressedPoint
    return to_base64(load_key(pem).public_key().public_bytes(serialization.Encoding.X962, form))


def encrypt(device: Device, data: bytes) -> bytes:
    """A body that only this device can read (RFC 8291, content coding aes128gcm)."""
    import http_ece  # noqa: PLC0415 - 2 MB that most clouds need rarely

    body: bytes = http_ece.encrypt(
        data,
        salt=os.urandom(16),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=from_base64(device.public_key),
        auth_secret=from_base64(device.auth_secret),
        version="aes128gcm",
    )
    return body


def sign(pem: str, endpoint: str, subject: str, now_s: int) -> str:
    """The Authorization header that says who sends (RFC 8292): a JWT by ES256, for this push service alone."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now_s + TOKEN_LASTS_S, "sub": subject}
    head = to_base64(msgspec.json.encode({"typ": "JWT", "alg": "ES256"}))
    signed = f"{head}.{to_base64(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(load_key(pem).sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={signed}.{to_base64(r.to_bytes(32) + s.to_bytes(32))}, k={to_public_key(pem)}"


def to_headers(pem: str, device: Device, notice: Notice, subject: str, now_s: int) -> dict[str, str]:
    """The headers of a message; a service replaces one of the same `topic` that waits."""
    headers = {
        "authorization": sign(pem, device.endpoint, subject, now_s),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(TTL_S),
        "urgency": "normal",
    }
    if notice.tag:
        headers["topic"] = to_base64(hashlib.sha256(notice.tag.encode()).digest())[:32]
    return headers
