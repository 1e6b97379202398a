"""Amazon's ways: requests signed with Signature Version 4, and notices of SNS signed with RSA."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from fazt.core.errors import Forbidden, Invalid

CERTIFICATE_HOST = re.compile(r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?")
FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
FIELDS["UnsubscribeConfirmation"] = FIELDS["SubscriptionConfirmation"]


def sign_request(
    method: str, url: str, body: bytes, *, key: str, secret: str, region: str, service: str, at: datetime
) -> dict[str, str]:
    """The headers that a request to AWS needs besides its content type."""
    parts = urlsplit(url)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": parts.netloc, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    path = quote(parts.path or "/", safe="/-_.~")
    listed = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join((method, path, canonical_query(parts.query), listed, names, digest))
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signing = b"AWS4" + secret.encode()
    for piece in (day, region, service, "aws4_request"):
        signing = hmac.digest(signing, piece.encode(), "sha256")
    signature = hmac.new(signing, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def canonical_query(query: str) -> str:
    """Parameters sorted by name."""
    return "&".join(sorted(part if "=" in part else f"{part}=" for part in query.split("&") if part))


def text_to_sign(notice: Mapping[str, Any]) -> bytes:
    """What SNS signs: names and values of some fields, a line each. Raises Invalid."""
    names = FIELDS.get(str(notice.get("Type")))
    if names is None:
        raise Invalid("This is no notice of SNS.")
    lines = [f"{name}\n{notice[name]}\n" for name in names if notice.get(name) is not None]
    return "".join(lines).encode()


def certificate_url(notice: Mapping[str, Any]) -> str:
    """Where the certificate is. Raises Forbidden where that is not Amazon's."""
    url = str(notice.get("SigningCertURL") or notice.get("SigningCertUrl") or "")
    parts = urlsplit(url)
    good = parts.scheme == "https" and parts.port in {None, 443} and CERTIFICATE_HOST.fullmatch(parts.hostname or "")
    if not good or not parts.path.endswith(".pem") or parts.username:
        raise Forbidden("The notice is not signed by Amazon.")
    return url


def confirm_url(notice: Mapping[str, Any]) -> str:
    """Where a subscription is confirmed. Raises Forbidden where that is not Amazon's."""
    url = str(notice.get("SubscribeURL") or "")
    parts = urlsplit(url)
    if parts.scheme != "https" or not CERTIFICATE_HOST.fullmatch(parts.hostname or "") or parts.username:
        raise Forbidden("The subscription is not Amazon's.")
    return url


def check_notice(notice: Mapping[str, Any], certificate: bytes, now: datetime) -> None:
    """Raises Forbidden unless the notice was signed with this certificate (PEM), which is valid now."""
    from cryptography import x509  # noqa: PLC0415 - 8 MB, and few clouds hear from Amazon
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256  # noqa: PLC0415 - as above

    try:
        loaded = x509.load_pem_x509_certificate(certificate)
        signature = base64.b64decode(str(notice.get("Signature", "")), validate=True)
    except (ValueError, binascii.Error) as error:
        raise Forbidden("The notice's signature makes no sense.") from error
    public = loaded.public_key()
    in_time = loaded.not_valid_before_utc <= now <= loaded.not_valid_after_utc
    if not isinstance(public, RSAPublicKey) or not in_time:
        raise Forbidden("The notice's certificate is not valid.")
    kind = SHA256() if str(notice.get("SignatureVersion")) == "2" else SHA1()  # noqa: S303 - version 1 is SHA-1
    try:
        public.verify(signature, text_to_sign(notice), PKCS1v15(), kind)
    except InvalidSignature as error:
        raise Forbidden("The notice is not signed by Amazon.") from error


def read_returns(message: Mapping[str, Any]) -> tuple[str, str, list[tuple[str, str, bool]]]:
    """A bounce or complaint of SES: (its id, state, [(address, words, for good)]); state "" for anything else."""
    kind = str(message.get("notificationType") or message.get("eventType") or "")
    mail = message.get("mail")
    remote_id = str(mail.get("messageId", "")) if isinstance(mail, dict) else ""
    if kind == "Bounce":
        bounce = message.get("bounce") or {}
        is_hard = bounce.get("bounceType") == "Permanent"
        people = bounce.get("bouncedRecipients") or []
        found = [(str(one.get("emailAddress", "")), str(one.get("diagnosticCode", kind)), is_hard) for one in people]
        return remote_id, ("bounced" if is_hard else ""), found
    if kind == "Complaint":
        people = (message.get("complaint") or {}).get("complainedRecipients") or []
        return remote_id, "complained", [(str(one.get("emailAddress", "")), "complaint", True) for one in people]
    return remote_id, "", []
