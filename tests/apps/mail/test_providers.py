"""What Postmark and Amazon post and take: their documented examples, signatures that are right and wrong."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fazt.apps.mail.model.outgoing import Attachment, Draft
from fazt.apps.mail.wire import aws, mime, postmark
from fazt.apps.mail.wire.compose import compose
from fazt.core.errors import Forbidden

# Postmark, by the examples of its documentation

INBOUND: dict[str, Any] = {
    "FromFull": {"Email": "support@postmarkapp.com", "Name": "Postmarkapp Support", "MailboxHash": ""},
    "ToFull": [{"Email": "anna+shop@localhost", "Name": "Firstname Lastname", "MailboxHash": "shop"}],
    "CcFull": [],
    "OriginalRecipient": "anna+shop@localhost",
    "Subject": "Test subject",
    "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
    "TextBody": "This is a test text body.",
    "HtmlBody": "<html><body><p>This is a test html body.</p></body></html>",
    "Headers": [
        {"Name": "X-Header-Test", "Value": ""},
        {"Name": "Message-ID", "Value": "<CAGXpo2Wm9@mail.gmail.com>"},
        {"Name": "X-Spam-Status", "Value": "No"},
    ],
    "Attachments": [
        {"Name": "test.txt", "Content": "VGhpcyBpcyBhdHRhY2htZW50", "ContentType": "text/plain", "ContentLength": 45}
    ],
}


def test_what_postmark_brings() -> None:
    data, sender, recipient = postmark.from_inbound(INBOUND, 0)
    facts = mime.read(data, 0)
    assert (sender, recipient) == ("support@postmarkapp.com", "anna+shop@localhost")
    assert facts.header_id == "CAGXpo2Wm9@mail.gmail.com"
    assert facts.subject == "Test subject"
    assert facts.text.strip() == "This is a test text body."
    assert mime.find_part(data, 2) is not None
    assert (mime.find_part(data, 2) or (None, b""))[1] == b"This is attachment"
    odd = {**INBOUND, "FromFull": {"Email": "no address", "Name": "x"}, "ToFull": [{"Email": "<<", "Name": ""}]}
    assert mime.read(postmark.from_inbound(odd, 0)[0], 0).from_address == "unknown@sender.invalid"
    raw = {**INBOUND, "RawEmail": "Subject: as it came\r\n\r\nx"}
    assert postmark.from_inbound(raw, 0)[0] == b"Subject: as it came\r\n\r\nx"


def test_what_goes_to_postmark() -> None:
    draft = Draft(
        sender="Anna <anna@example.org>",
        to=("Bert <bert@example.org>", "c@example.org"),
        subject="Grüße",
        text="hi",
        html="<b>hi</b>",
        attachments=(Attachment("a.txt", "text/plain", b"file"),),
        headers=(("X-Mine", "1"),),
        reply_to="r@example.org",
    )
    body = postmark.to_postmark(
        compose(draft, "i@example.org", 0), "anna@example.org", ["bert@example.org", "x@y.z"], ""
    )
    headers = body.pop("Headers")
    assert {"Name": "X-Mine", "Value": "1"} in headers
    assert body.pop("TextBody").strip() == "hi"
    assert body.pop("HtmlBody").strip() == "<b>hi</b>"
    assert body == {
        "From": "Anna <anna@example.org>",
        "To": "Bert <bert@example.org>",
        "Bcc": "x@y.z",
        "Subject": "Grüße",
        "ReplyTo": "r@example.org",
        "MessageStream": "outbound",
        "Attachments": [{"Name": "a.txt", "Content": "ZmlsZQ==", "ContentType": "text/plain"}],
    }


def test_what_postmark_says_came_back() -> None:
    bounce = {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "MessageID": "883953f4",
        "Email": "john@example.com",
        "Description": "The server was unable to deliver your message",
        "Details": "smtp;550 5.1.1",
    }
    assert postmark.from_return(bounce) == (
        "883953f4",
        "john@example.com",
        "bounced",
        "The server was unable to deliver your message smtp;550 5.1.1",
        True,
    )
    assert postmark.from_return({**bounce, "Type": "SoftBounce"}) is None
    complaint = postmark.from_return({**bounce, "RecordType": "SpamComplaint", "Subject": "s"})
    assert complaint is not None
    assert complaint[2] == "complained"
    assert postmark.from_return({"RecordType": "Open"}) is None


# Amazon


def test_requests_are_signed_as_boto_does_it() -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body, url = b'{"a": 1}', "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
    at = dt.datetime(2015, 8, 30, 12, 36, 0, tzinfo=dt.UTC)
    ours = aws.sign_request("POST", url, body, key="AKID", secret="s3cret/+", region="eu-west-1", service="ses", at=at)
    headers = {"x-amz-date": "20150830T123600Z", "x-amz-content-sha256": ours["x-amz-content-sha256"]}
    request = AWSRequest("POST", url, headers=headers, data=body)
    request.context["timestamp"] = "20150830T123600Z"
    judge = SigV4Auth(Credentials("AKID", "s3cret/+"), "ses", "eu-west-1")
    signature = judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)
    assert ours["authorization"].endswith(f"Signature={signature}")
    assert "Credential=AKID/20150830/eu-west-1/ses/aws4_request" in ours["authorization"]


def make_notice(version: str) -> tuple[dict[str, Any], bytes]:
    """A notice signed by a certificate of our own, and the certificate."""
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(days=1))
    certificate = builder.not_valid_after(now + dt.timedelta(days=1)).sign(key, SHA256())
    notice = {
        "Type": "Notification",
        "MessageId": "m",
        "TopicArn": "arn:aws:sns:eu-west-1:1:mail",
        "Message": "{}",
        "Timestamp": "2026-01-01T00:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem",
    }
    text = "Message\n{}\nMessageId\nm\nTimestamp\n2026-01-01T00:00:00.000Z\n"
    text += "TopicArn\narn:aws:sns:eu-west-1:1:mail\nType\nNotification\n"
    kind = SHA256() if version == "2" else SHA1()  # noqa: S303 - version 1 of the signature
    notice["Signature"] = base64.b64encode(key.sign(text.encode(), PKCS1v15(), kind)).decode()
    return notice, certificate.public_bytes(Encoding.PEM)


@pytest.mark.parametrize("version", ["1", "2"])
def test_notices_of_sns_are_checked(version: str) -> None:
    notice, certificate = make_notice(version)
    now = dt.datetime.now(dt.UTC)
    aws.check_notice(notice, certificate, now)
    for change in ({"Message": "{ }"}, {"TopicArn": "other"}, {"Signature": "AAAA"}, {"Signature": "no base64!"}):
        with pytest.raises(Forbidden):
            aws.check_notice({**notice, **change}, certificate, now)
    with pytest.raises(Forbidden):
        aws.check_notice(notice, certificate, now + dt.timedelta(days=2))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
        "https://user@sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://bucket.s3.amazonaws.com/x.pem",
        "",
    ],
)
def test_certificates_come_from_amazon_alone(url: str) -> None:
    with pytest.raises(Forbidden):
        aws.certificate_url({"SigningCertURL": url})
