"""Two-factor codes (RFC 6238): six digits, 30 seconds, SHA-1, as every authenticator app makes them."""

from hmac import compare_digest

import pyotp

STEP_MS = 30_000
DRIFT = (-1, 0, 1)
ISSUER = "fazt"


def new_totp_secret() -> str:
    """160 bits in base 32."""
    return pyotp.random_base32()


def totp_uri(secret: str, email: str, issuer: str = ISSUER) -> str:
    """What the QR code says: `otpauth://totp/…`."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def find_step(secret: str, code: str, now: int, *, after: int) -> int | None:
    """The 30-second step whose code this is, of the present one and its neighbours; only ones later than `after`."""
    totp = pyotp.TOTP(secret)
    found = None
    for drift in DRIFT:
        step = now // STEP_MS + drift
        if compare_digest(totp.generate_otp(step), code) and step > after:
            found = step
    return found
