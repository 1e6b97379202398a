"""Foreign senders and receivers of mail: swaks, nodemailer, and a Postfix that relays both ways."""

from __future__ import annotations

import email
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fazt.apps.mail.actions.send import new_private_key, public_record
from fazt.apps.mail.wire.compose import sign
from tests.apps.mail.servers import Relay, mail_program, name_server, ports, quoted
from tests.e2e.postfix import postfix
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

HERE = Path(__file__).parent
KEY = new_private_key()
ZONE = f"""
s1._domainkey.good.test. 60 IN TXT {quoted(public_record(KEY))}
_dmarc.good.test. 60 IN TXT "v=DMARC1; p=reject"
good.test. 60 IN TXT "v=spf1 -all"
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=example.org"]
    subprocess.run([*command, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Program]:
    """A cloud for example.org that takes mail, with STARTTLS, a port for submission, and our name server."""
    with (
        name_server(ZONE) as server,
        mail_program(
            template_file,
            tmp_path_factory.mktemp("clients"),
            domain="example.org",
            dns_servers=[server],
            certificate_file=str(certificate),
            submission_listen="127.0.0.1:0",
        ) as program,
    ):
        wait_until(lambda: len(ports(program)) == 2, what="both listeners")
        yield program


def find(cloud: Program, subject: str, view: str = "inbox") -> dict[str, Any] | None:
    with cloud.owner() as owner:
        found = owner.get("/api/v1/mail/messages", params={"view": view, "limit": 200}).json()
    return next((one for one in found if one["subject"] == subject), None)


def get(cloud: Program, subject: str, view: str = "inbox") -> dict[str, Any]:
    return dict(wait_until(lambda: find(cloud, subject, view), 20, f"{subject!r} in {view}"))


def raw(cloud: Program, message_id: str) -> bytes:
    with cloud.owner() as owner:
        return owner.get(f"/api/v1/mail/messages/{message_id}/raw").content


def swaks(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["swaks", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_swaks(cloud: Program, tmp_path: Path) -> None:
    to = ["--server", "127.0.0.1", "--port", str(ports(cloud)[0]), "--to", "admin@example.org", "--from", "a@good.test"]
    plain = swaks(*to, "--header", "Subject: by swaks")
    assert plain.returncode == 0, plain.stdout
    file = swaks(*to, "--header", "Subject: with a file", "--attach-name", "x.txt", "--attach", "x")
    assert file.returncode == 0, file.stdout
    assert get(cloud, "with a file")["has_files"]
    many = swaks(*to[:4], "--to", "admin@example.org,nobody@example.org", "--header", "Subject: half", "--pipeline")
    assert "550 5.1.1" in many.stdout
    assert get(cloud, "half")
    relayed = swaks(*to[:4], "--to", "x@elsewhere.test")
    assert relayed.returncode != 0
    assert "550 5.7.1" in relayed.stdout


def test_swaks_with_signed_files(cloud: Program, tmp_path: Path) -> None:
    text = "From: Anna <a@good.test>\r\nTo: admin@example.org\r\nSubject: {0}\r\nMessage-ID: <{0}@x>\r\n\r\nbody\r\n"
    good = sign(text.format("signed").encode(), "good.test", "s1", KEY)
    altered = sign(text.format("altered").encode(), "good.test", "s1", KEY).replace(b"\r\nbody", b"\r\nmore body")
    for name, data in (("good", good), ("altered", altered)):
        (tmp_path / name).write_bytes(data)
        to = ["--server", "127.0.0.1", "--port", str(ports(cloud)[0]), "--to", "admin@example.org"]
        done = swaks(*to, "--from", "a@good.test", "--data", f"@{tmp_path / name}")
        assert done.returncode == 0, done.stdout
    assert get(cloud, "signed")["verdicts"]["dkim"] == "pass"
    assert get(cloud, "signed")["verdicts"]["dmarc"] == "pass"
    assert get(cloud, "altered", "junk")["verdicts"]["dkim"] == "fail"


def test_swaks_submits(cloud: Program) -> None:
    to = ["--server", "127.0.0.1", "--port", str(ports(cloud)[1]), "--to", "abuse@example.org"]
    login = ["--auth-user", OWNER_EMAIL, "--auth-password", OWNER_PASSWORD, "--from", "admin@example.org"]
    for how in ("PLAIN", "LOGIN"):
        subject = f"Subject: submitted by {how}"
        done = swaks(*to, *login, "--auth", how, "--header", subject, "--header", "From: admin@example.org")
        assert done.returncode == 0, done.stdout
        assert get(cloud, f"submitted by {how}", "sent")
    assert swaks(*to, "--from", "admin@example.org").returncode != 0
    wrong = swaks(*to, "--auth", "PLAIN", "--auth-user", OWNER_EMAIL, "--auth-password", "wrong")
    assert "535 5.7.8" in wrong.stdout


def test_nodemailer(cloud: Program) -> None:
    script = """
    const { createTransport } = require("nodemailer");
    const [inbound, submission, user, pass] = process.argv.slice(-4);
    (async () => {
      const one = createTransport({ host: "127.0.0.1", port: +inbound, tls: { rejectUnauthorized: false } });
      await one.sendMail({ from: "Ünal <u@good.test>", to: "admin@example.org", subject: "Grüße von nodemailer",
        text: "héllo\\n.\\n..", html: "<b>héllo</b> <img src='cid:p'>",
        attachments: [{ filename: "ü.txt", content: "file" },
          { filename: "p.png", content: Buffer.from([1, 2]), cid: "p" }] });
      const two = createTransport({ host: "127.0.0.1", port: +submission, auth: { user, pass },
        tls: { rejectUnauthorized: false } });
      const sent = await two.sendMail({ from: "admin@example.org", to: "postmaster@example.org",
        subject: "nodemailer submits", text: "x" });
      console.log(JSON.stringify(sent.accepted));
    })().catch((error) => { console.error(error); process.exit(1); });
    """
    inbound, submission = ports(cloud)
    command = ["node", "-e", script, "--", str(inbound), str(submission), OWNER_EMAIL, OWNER_PASSWORD]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["postmaster@example.org"]
    found = get(cloud, "Grüße von nodemailer")
    assert found["from_name"] == "Ünal"
    with cloud.owner() as owner:
        whole = owner.get(f"/api/v1/mail/messages/{found['id']}").json()
    assert whole["text"].replace("\r\n", "\n").strip() == "héllo\n.\n.."
    assert [part["name"] for part in whole["parts"] if part["name"]] == ["p.png", "ü.txt"]
    assert get(cloud, "nodemailer submits", "sent")


def delivery(owner: httpx.Client, out_id: str) -> dict[str, Any]:
    return dict(owner.get(f"/api/v1/mail/queue/{out_id}").json()["deliveries"][0])


def test_postfix_relays_both_ways(cloud: Program) -> None:
    with (
        Relay() as sink,
        postfix({"example.org": ports(cloud)[0], "example.net": sink.port}) as mta,
        cloud.owner() as owner,
    ):
        # Postfix to fazt, with STARTTLS
        to = ["--server", "127.0.0.1", "--port", str(mta.port), "--from", "a@example.net"]
        done = swaks(*to, "--to", "admin@example.org", "--header", "Subject: through Postfix")
        assert done.returncode == 0, done.stdout
        found = get(cloud, "through Postfix")
        assert b"Received: from" in raw(cloud, found["id"])
        wait_until(lambda: "status=sent (250 2.0.0 OK: kept" in mta.log, 10, "Postfix hearing 250")
        assert "TLS connection established" in mta.log
        # who is not known comes back to the sender as a report
        swaks(*to, "--to", "nobody@example.org", "--header", "Subject: lost")
        wait_until(lambda: any(b"nobody@example.org" in data for _, _, data in sink.taken), 20, "the bounce")
        # fazt to Postfix to the world
        relay = owner.post("/api/v1/mail/relays", json={"url": f"smtp://127.0.0.1:{mta.port}?verify=no"})
        assert relay.status_code == 201
        body = {"to": ["bert@example.net"], "subject": "out through Postfix", "text": "Grüße\n.\n"}
        out = owner.post("/api/v1/mail/messages", json=body).json()["id"]
        wait_until(lambda: any(b"out through Postfix" in data for _, _, data in sink.taken), 20, "the message")
        (data,) = [data for _, _, data in sink.taken if b"out through Postfix" in data]
        assert email.message_from_bytes(data)["dkim-signature"]
        assert wait_until(lambda: delivery(owner, out)["state"] == "sent", 10)
        # what Postfix takes and cannot deliver comes back, and the address is stopped
        sink.refused["gone@example.net"] = "550 5.1.1 gone"
        gone = owner.post("/api/v1/mail/messages", json={**body, "to": ["gone@example.net"]}).json()["id"]
        wait_until(lambda: delivery(owner, gone)["state"] == "bounced", 20, "the report of Postfix")
        assert "gone" in delivery(owner, gone)["error"]
        assert get(cloud, "Undelivered Mail Returned to Sender")
        assert owner.get("/api/v1/mail/suppressions").json()[0]["address"] == "gone@example.net"
        wait_until(mta.is_empty, 20, "an empty queue of Postfix")
