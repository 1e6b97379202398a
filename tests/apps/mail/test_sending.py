"""What goes out, through the real program and real relays on loopback: SMTP, moto as SES, a recorded Postmark."""

from __future__ import annotations

import base64
import email
import email.message
import json
import smtplib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.apps.mail.servers import Relay, mail_program, ports
from tests.program import Program, wait_until


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud for example.org with a token for webhooks."""
    folder = tmp_path_factory.mktemp("out")
    with mail_program(template_file, folder, domain="example.org", inbound_token="open sesame") as program:
        yield program


@pytest.fixture
def owner(cloud: Program) -> Iterator[httpx.Client]:
    """The owner, with an empty chain of relays and nobody stopped."""
    with cloud.owner() as client:
        for relay in client.get("/api/v1/mail/relays").json():
            client.delete(f"/api/v1/mail/relays/{relay['id']}")
        for one in client.get("/api/v1/mail/suppressions").json():
            client.delete(f"/api/v1/mail/suppressions/{one['address']}")
        yield client


def add(owner: httpx.Client, url: str) -> str:
    answer = owner.post("/api/v1/mail/relays", json={"url": url})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def send(owner: httpx.Client, *to: str, **fields: Any) -> str:
    body = {"to": list(to), "subject": "Hello", "text": "Hi there\n.\n", **fields}
    answer = owner.post("/api/v1/mail/messages", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def states(owner: httpx.Client, out_id: str) -> dict[str, str]:
    found = owner.get(f"/api/v1/mail/queue/{out_id}").json()
    return {one["address"]: one["state"] for one in found["deliveries"]}


def wait_for(owner: httpx.Client, out_id: str, **wanted: str) -> None:
    expected = {address.replace("_at_", "@").replace("_", "."): state for address, state in wanted.items()}
    wait_until(lambda: states(owner, out_id) == expected, 20, f"{expected}, not {states(owner, out_id)}")


def test_a_message_leaves_once_signed_and_is_kept_in_sent(owner: httpx.Client) -> None:
    with Relay() as relay:
        add(owner, relay.url)
        files = [{"name": "ü.txt", "content": base64.b64encode(b"file").decode(), "content_type": "text/plain"}]
        out = send(owner, "Bert <bert@example.net>", bcc=["c@example.net"], subject="Grüße", attachments=files)
        wait_for(owner, out, bert_at_example_net="sent", c_at_example_net="sent")
        ((mail_from, recipients, data),) = relay.taken
    assert mail_from == "admin@example.org" or mail_from.endswith("@example.org")
    assert sorted(recipients) == ["bert@example.net", "c@example.net"]
    assert b"c@example.net" not in data
    parsed = email.message_from_bytes(data)
    assert [part.get_filename() for part in parsed.walk() if part.get_filename()] == ["ü.txt"]
    assert parsed["dkim-signature"].startswith("v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;")
    sent = owner.get("/api/v1/mail/messages", params={"view": "sent"}).json()
    assert sent[0]["subject"] == "Grüße"


def test_refusals_and_failover(owner: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = silent.getsockname()[1]
    with Relay() as first, Relay() as second:
        first.answers = ["451 4.3.0 later"]
        second.refused = {"no@example.net": "550 5.1.1 no such user", "wait@example.net": "450 4.2.1 try later"}
        add(owner, f"smtp://127.0.0.1:{dead}?tls=off")
        add(owner, first.url)
        add(owner, second.url)
        out = send(owner, "yes@example.net", "no@example.net", "wait@example.net")
        wait_for(owner, out, yes_at_example_net="sent", no_at_example_net="failed", wait_at_example_net="queued")
        assert first.taken == []
        assert [recipients for _, recipients, _ in second.taken] == [["yes@example.net"]]
        second.refused = {}
        owner.post(f"/api/v1/mail/queue/{out}/cancel").raise_for_status()
        owner.post(f"/api/v1/mail/queue/{out}/retry").raise_for_status()
        wait_until(lambda: set(states(owner, out).values()) == {"sent"}, 20)
        assert sorted(address for _, people, _ in [*first.taken, *second.taken] for address in people) == [
            "no@example.net",
            "wait@example.net",
            "yes@example.net",
        ]
    relays = owner.get("/api/v1/mail/relays").json()
    assert relays[0]["error"]


def test_a_message_refused_for_good_is_told(owner: httpx.Client) -> None:
    with Relay() as relay:
        relay.answers = ["554 5.7.1 spam"]
        add(owner, relay.url)
        out = send(owner, "x@example.net")
        wait_for(owner, out, x_at_example_net="failed")
    events = owner.get("/api/v1/events", params={"prefix": "mail.bounced"}).json()
    assert events[0]["data"]["id"] == out
    assert "spam" in events[0]["data"]["detail"]


def test_a_report_stops_the_address(cloud: Program, owner: httpx.Client) -> None:
    with Relay() as relay:
        add(owner, relay.url)
        out = send(owner, "gone@example.net")
        wait_for(owner, out, gone_at_example_net="sent")
        data = relay.taken[0][2]
        message_id = email.message_from_bytes(data)["message-id"]
        report = (
            "From: MAILER-DAEMON@example.net\r\nTo: admin@example.org\r\nSubject: Undelivered\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\n\r\nSorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; example.net\r\n\r\nFinal-Recipient: rfc822; gone@example.net\r\n"
            "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 gone\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
        )
        with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
            client.sendmail("", ["admin@example.org"], report.replace(message_id, "<forged@example.org>"))
            assert states(owner, out) == {"gone@example.net": "sent"}
            client.sendmail("", ["admin@example.org"], report)
        assert states(owner, out) == {"gone@example.net": "bounced"}
        again = send(owner, "GONE@example.net")
        assert list(states(owner, again).values()) == ["suppressed"]
        assert len(relay.taken) == 1


class Postmark(BaseHTTPRequestHandler):
    """Postmark's side as its documentation records it; keeps what is posted."""

    posted: list[tuple[str, dict[str, Any]]]
    answers: list[tuple[int, dict[str, Any]]]

    def do_POST(self) -> None:
        """One message."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.posted.append((self.headers["X-Postmark-Server-Token"], body))
        ok = {
            "To": body["To"],
            "SubmittedAt": "2014-02-17T07:25:01.4178645-05:00",
            "MessageID": f"0a129aee-e1cd-480d-b08d-{len(self.posted):012d}",
            "ErrorCode": 0,
            "Message": "OK",
        }
        status, answer = self.answers.pop(0) if self.answers else (200, ok)
        packed = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing."""


@contextmanager
def postmark() -> Iterator[tuple[str, type[Postmark]]]:
    handler = type("Handler", (Postmark,), {"posted": [], "answers": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


def test_postmark_as_relay_and_its_bounces(cloud: Program, owner: httpx.Client) -> None:
    inactive = {
        "ErrorCode": 406,
        "Message": "You tried to send to a recipient that has been marked as inactive.",
    }
    with postmark() as (url, handler):
        add(owner, f"postmark://server-token@?endpoint={url}")
        out = send(owner, "bert@example.net", bcc=["c@example.net"], html="<b>Hi</b>", subject="By Postmark")
        wait_for(owner, out, bert_at_example_net="sent", c_at_example_net="sent")
        token, body = handler.posted[0]
        assert token == "server-token"
        assert (body["To"], body["Bcc"], body["Subject"]) == ("bert@example.net", "c@example.net", "By Postmark")
        assert set(body) <= {
            "From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo", "Headers", "TrackOpens",
            "TrackLinks", "Attachments", "Metadata", "MessageStream",
        }  # fmt: skip
        handler.answers.append((422, inactive))
        refused = send(owner, "inactive@example.net")
        wait_for(owner, refused, inactive_at_example_net="failed")
    assert [one["address"] for one in owner.get("/api/v1/mail/suppressions").json()] == ["inactive@example.net"]
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "Email": "bert@example.net", "Details": "550 gone"}
    bounce["MessageID"] = owner.get(f"/api/v1/mail/queue/{out}").json()["deliveries"][0]["remote_id"]
    with cloud.client() as stranger:
        assert stranger.post("/mail/inbound/postmark", json=bounce).status_code == 401
        answer = stranger.post("/mail/inbound/postmark", json=bounce, params={"token": "open sesame"})
        assert answer.status_code == 200
    assert states(owner, out)["bert@example.net"] == "bounced"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Amazon, as moto plays it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                return httpx.get(f"{url}/moto-api/", timeout=5).status_code < 500
            except httpx.HTTPError:
                return False

        try:
            wait_until(answers, 40, "moto")
            yield url
        finally:
            process.terminate()


def test_ses_as_relay(owner: httpx.Client, moto: str) -> None:
    import boto3

    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
    ses = boto3.client("sesv2", "eu-west-1", endpoint_url=moto, **keys)
    ses.create_email_identity(EmailIdentity="example.org")
    add(owner, f"ses://AKIDEXAMPLE:secret@eu-west-1?endpoint={moto}")
    out = send(owner, "bert@example.net", "c@example.net", subject="By SES")
    wait_for(owner, out, bert_at_example_net="sent", c_at_example_net="sent")
    (kept,) = httpx.get(f"{moto}/moto-api/data.json").json()["ses"]["RawMessage"]
    assert set(kept["destinations"]) == {"bert@example.net", "c@example.net"}
    assert "Subject: By SES" in kept["raw_data"]
    assert owner.get(f"/api/v1/mail/queue/{out}").json()["deliveries"][0]["remote_id"] == kept["id"]


def test_programs_send_in_postmarks_form(cloud: Program, owner: httpx.Client) -> None:
    token = cloud.run("token", "create", "app", "--scope", "mail:send").stdout.strip()
    body = {"From": "admin@example.org", "To": "abuse@example.org", "Subject": "By the API", "TextBody": "hi"}
    with cloud.client(headers={"X-Postmark-Server-Token": token}) as app:
        answer = app.post("/api/v1/mail/email", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["ErrorCode"] == 0
        assert set(answer.json()) == {"To", "SubmittedAt", "MessageID", "ErrorCode", "Message"}
        foreign = app.post("/api/v1/mail/email", json={**body, "From": "boss@bank.example"})
        assert (foreign.status_code, foreign.json()["ErrorCode"]) == (422, 400)
        batch = app.post("/api/v1/mail/email/batch", json=[body, {**body, "To": ""}])
        assert [one["ErrorCode"] for one in batch.json()] == [0, 300]
        assert app.post("/api/v1/mail/email", content=b"{").status_code == 422
    with cloud.client(headers={"X-Postmark-Server-Token": "wrong"}) as stranger:
        answer = stranger.post("/api/v1/mail/email", json=body)
        assert (answer.status_code, answer.json()["ErrorCode"]) == (401, 10)
    came = owner.get("/api/v1/mail/messages").json()
    assert "By the API" in [one["subject"] for one in came]


def test_a_raw_message_by_webhook(cloud: Program, owner: httpx.Client) -> None:
    raw = b"From: a@example.net\nTo: Admin <admin@example.org>\nSubject: raw hook\nMessage-ID: <raw@x>\n\nbare lines\n"
    with cloud.client(params={"token": "open sesame"}) as provider:
        assert provider.post("/mail/inbound/raw", content=raw).json()["taken"][0]["state"] == "kept"
        assert provider.post("/mail/inbound/raw", content=raw).json()["taken"][0]["state"] == "double"
        assert provider.post("/mail/inbound/raw", content=raw, params={"to": "nobody@example.org"}).status_code == 403
        assert provider.post("/mail/inbound/raw", content=b"Subject: nobody\n\n").status_code == 400
        assert provider.get("/mail/inbound/raw").status_code == 405
        assert provider.post("/mail/inbound/other", content=raw).status_code == 404
        assert provider.post("/mail/inbound/ses", json={"TopicArn": "arn:aws:sns:x"}).status_code == 403
    found = next(one for one in owner.get("/api/v1/mail/messages").json() if one["subject"] == "raw hook")
    assert owner.get(f"/api/v1/mail/messages/{found['id']}/raw").content == raw


def test_commands(cloud: Program) -> None:
    cloud.run("mail", "send", "abuse@example.org", "--subject", "from the shell", "--text", "hello shell")
    listed = cloud.run("mail", "list").stdout
    assert "from the shell" in listed
    found = json.loads(cloud.run("--json", "mail", "list").stdout)
    one = next(message for message in found if message["subject"] == "from the shell")
    assert "hello shell" in cloud.run("mail", "show", one["id"]).stdout
    assert "Subject: from the shell" in cloud.run("mail", "show", one["id"], "--raw").stdout
    relay = cloud.run("mail", "relay", "add", "smtp://user:secret@127.0.0.1:9").stdout.strip()
    listed = cloud.run("mail", "relay", "list").stdout
    assert "smtp://127.0.0.1:9" in listed
    assert "secret" not in listed
    cloud.run("mail", "relay", "remove", relay)
    doctor = cloud.run("mail", "doctor", check=False)
    assert doctor.returncode != 0
    assert "relay" in doctor.stdout


def test_rules_pass_on_to_documents_and_elsewhere(cloud: Program, owner: httpx.Client) -> None:
    with Relay() as relay:
        add(owner, relay.url)
        rule = {
            "name": "orders",
            "conditions": [{"field": "recipient", "test": "is", "value": "orders@example.org"}],
            "actions": [{"kind": "textdb", "value": "orders"}, {"kind": "forward", "value": "shop@example.net"}],
        }
        owner.post("/api/v1/mail/rules", json=rule).raise_for_status()
        data = (
            b"From: a@example.net\r\nTo: orders@example.org\r\nSubject: 3 apples\r\nMessage-ID: <o@x>\r\n\r\nplease\r\n"
        )
        with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
            client.sendmail("a@example.net", ["orders@example.org"], data)
        wait_until(lambda: relay.taken, 20, "the forward")
        mail_from, recipients, forwarded = relay.taken[0]
        assert (mail_from, recipients) == ("orders@example.org", ["shop@example.net"])
        assert forwarded.endswith(data)
        (found,) = owner.get("/api/v1/mail/messages", params={"view": "routed"}).json()
        wait_until(
            lambda: len(owner.get(f"/api/v1/mail/messages/{found['id']}").json()["message"]["notes"]) == 2, 20, "notes"
        )
        document = owner.get(f"/db/orders/{found['id']}").json()
        assert document["subject"] == "3 apples"
        assert document["text"].strip() == "please"
        # what comes back to where it was forwarded from does not go round
        with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
            again = forwarded.replace(b"<o@x>", b"<o2@x>")
            client.sendmail("shop@example.net", ["orders@example.org"], again)
        wait_until(
            lambda: "circles" in json.dumps(owner.get("/api/v1/mail/messages", params={"view": "routed"}).json()), 20
        )
        assert len(relay.taken) == 1


FUNCTION = """
export default { async email(message, env, ctx) {
  const raw = await new Response(message.raw).text();
  if (raw.includes("break")) throw new Error("broken");
  if (raw.includes("no thanks")) { message.setReject("not wanted"); return; }
  await message.forward("shop@example.net", new Headers({ "X-Seen": message.headers.get("subject") }));
} };
"""


def order(cloud: Program) -> None:
    """A message with an attachment, for the shop."""
    made = email.message.EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@x.net", "shop@example.org", "3 pears"
    made.set_content("please")
    made.add_attachment(b"%PDF-1.4", "application", "pdf", filename="order.pdf")
    with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
        client.send_message(made)


def test_a_function_a_topic_and_the_drive(cloud: Program, owner: httpx.Client) -> None:
    from tests.apps.sites.archives import make_zip

    owner.put("/api/v1/sites/inbox", content=make_zip({"main.js": FUNCTION.encode()})).raise_for_status()
    actions = [{"kind": "function", "value": "inbox"}, {"kind": "topic", "value": "mail/shop"}]
    rule = {
        "name": "shop",
        "conditions": [{"field": "recipient", "test": "is", "value": "shop@example.org"}],
        "actions": [*actions, {"kind": "save", "value": "/From mail"}],
    }
    owner.post("/api/v1/mail/rules", json=rule).raise_for_status()
    with Relay() as relay:
        add(owner, relay.url)
        order(cloud)
        wait_until(lambda: relay.taken, 30, "what the function forwards")
        mail_from, recipients, data = relay.taken[0]
        assert (mail_from, recipients) == ("shop@example.org", ["shop@example.net"])
        assert b"x-seen: 3 pears" in data
    routed = owner.get("/api/v1/mail/messages", params={"view": "routed"}).json()
    found = next(one for one in routed if one["subject"] == "3 pears")
    where = f"/api/v1/mail/messages/{found['id']}"
    wait_until(lambda: len(owner.get(where).json()["message"]["notes"]) == 3, 30, "three notes")
    notes = " | ".join(owner.get(where).json()["message"]["notes"])
    assert "forwarded to shop@example.net" in notes
    assert "published on mail/shop" in notes
    assert "1 attachments saved to /From mail" in notes
    assert "3 pears" in owner.get("/hub/mail/shop/json", params={"since": "all", "poll": "1"}).text
    assert "order" in owner.request("PROPFIND", "/dav/files/From%20mail/", headers={"depth": "1"}).text
