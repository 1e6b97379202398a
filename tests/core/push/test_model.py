"""Messages of Web Push as a browser takes them apart."""

from __future__ import annotations

import os

import http_ece
import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from fazt.core.errors import Invalid
from fazt.core.push.model import Device, Notice, from_base64, to_base64
from fazt.core.push.wire import check_subscription, encrypt, new_private_key, to_headers, to_public_key
from tests.conftest import NOW

ENDPOINT = "https://push.example.net/send/abc"


def make_device() -> tuple[Device, ec.EllipticCurvePrivateKey]:
    """A device, and the key that its browser keeps."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return Device("d", "ann", "Phone", ENDPOINT, to_base64(point), to_base64(os.urandom(16)), NOW, None), key


def test_only_the_device_can_read_it() -> None:
    device, key = make_device()
    body = encrypt(device, b"hello")
    assert b"hello" not in body
    secret = from_base64(device.auth_secret)
    assert http_ece.decrypt(body, private_key=key, auth_secret=secret, version="aes128gcm") == b"hello"


def test_the_sender_proves_who_it_is_to_this_service_alone() -> None:
    device, _ = make_device()
    pem = new_private_key()
    headers = to_headers(pem, device, Notice("ann", "Hi", tag="a"), "mailto:a@example.org", 1_000)
    token, key = headers["authorization"].removeprefix("vapid t=").split(", k=")
    head, claims, signature = token.split(".")
    assert msgspec.json.decode(from_base64(head))["alg"] == "ES256"
    assert msgspec.json.decode(from_base64(claims)) == {
        "aud": "https://push.example.net",
        "exp": 1_000 + 12 * 3600,
        "sub": "mailto:a@example.org",
    }
    assert key == to_public_key(pem)
    raw = from_base64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64(key))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert len(headers["topic"]) == 32
    assert "topic" not in to_headers(pem, device, Notice("ann", "Hi"), "mailto:a@example.org", 1_000)


def test_garbled_subscriptions() -> None:
    device, _ = make_device()
    check_subscription(ENDPOINT, device.public_key, device.auth_secret)
    for endpoint, public_key, secret in (
        ("http://push.example.net/", device.public_key, device.auth_secret),
        (ENDPOINT, "AAAA", device.auth_secret),
        (ENDPOINT, "\u00e9", device.auth_secret),
        (ENDPOINT, device.public_key, "AAAA"),
    ):
        with pytest.raises(Invalid):
            check_subscription(endpoint, public_key, secret)
