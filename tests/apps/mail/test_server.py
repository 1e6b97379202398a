"""Mail from strangers, said line by line to the real program."""

from __future__ import annotations

import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.apps.mail.servers import mail_program, ports
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

TO = "admin@localhost"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, signed by itself, and its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Program]:
    """A cloud that takes mail, with a certificate and a port for submission."""
    settings = {"certificate_file": str(certificate), "submission_listen": "127.0.0.1:0"}
    folder = tmp_path_factory.mktemp("mail")
    with mail_program(template_file, folder, **settings, max_mb=2, max_recipients=3) as program:
        wait_until(lambda: len(ports(program)) == 2, what="both listeners")
        yield program


class Talk:
    """A conversation with the listener, byte for byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")
        self.read()

    def read(self) -> str:
        lines = [self.file.readline().decode()]
        while lines[-1][3:4] == "-":
            lines.append(self.file.readline().decode())
        return "".join(lines).strip()

    def say(self, line: str | bytes) -> str:
        self.socket.sendall((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def talk(cloud: Program) -> Iterator[Talk]:
    with Talk(ports(cloud)[0]) as open_one:
        yield open_one


def find(cloud: Program, subject: str, view: str = "inbox") -> dict[str, Any] | None:
    with cloud.owner() as owner:
        found = owner.get("/api/v1/mail/messages", params={"view": view, "limit": 200}).json()
    return next((one for one in found if one["subject"] == subject), None)


def raw(cloud: Program, message_id: str) -> bytes:
    with cloud.owner() as owner:
        return owner.get(f"/api/v1/mail/messages/{message_id}/raw").content


def test_what_is_offered(talk: Talk) -> None:
    offered = talk.say("EHLO there")
    for name in ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 2097152", "STARTTLS", "ENHANCEDSTATUSCODES"):
        assert name in offered
    assert "AUTH" not in offered


def test_who_is_refused_at_rcpt(talk: Talk) -> None:
    talk.say("EHLO there")
    assert talk.say("RCPT TO:<admin@localhost>").startswith("503")
    assert talk.say("MAIL FROM:<a@example.net> SIZE=99999999").startswith("552 5.3.4")
    assert talk.say("MAIL FROM:<a@example.net> SIZE=100 BODY=8BITMIME SMTPUTF8").startswith("250 2.1.0")
    assert talk.say("RCPT TO:<nobody@localhost>").startswith("550 5.1.1")
    assert talk.say("RCPT TO:<x@example.com>").startswith("550 5.7.1")
    assert talk.say('RCPT TO:<"x@example.com"@localhost>').startswith("550")
    assert talk.say("RCPT TO:<@localhost:x@example.com>").startswith("550 5.7.1")
    assert talk.say("RCPT TO:<x%example.com@localhost>").startswith("550")
    assert talk.say("DATA").startswith("503")
    for name in ("admin", "postmaster", "abuse"):
        assert talk.say(f"RCPT TO:<{name}@localhost>").startswith("250 2.1.5")
    assert talk.say("RCPT TO:<admin+more@localhost>").startswith("452 4.5.3")
    assert talk.say("RSET").startswith("250 2.0.0")


def test_250_means_that_it_is_there_byte_for_byte(cloud: Program, talk: Talk) -> None:
    body = (
        b"Subject: bytes\r\nMessage-ID: <bytes@x>\r\n\r\n.dot\r\n..two\r\n\xff\xfe 8 bit\r\n" + b"x" * 5_000 + b"\r\n"
    )
    talk.say("EHLO there")
    talk.say("MAIL FROM:<>")
    talk.say(f"RCPT TO:<{TO}>")
    talk.say("DATA")
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    assert talk.say(stuffed + b".").startswith("250 2.0.0")
    found = find(cloud, "bytes")
    assert found is not None
    assert raw(cloud, found["id"]) == body
    assert found["mail_from"] == ""


@pytest.mark.parametrize("end", [b"\n.\r\n", b"\n.\n", b"\r\n.\n", b"\r.\r\n"])
def test_a_second_message_cannot_be_smuggled(cloud: Program, end: bytes) -> None:
    name = f"smuggled {end.hex()}"
    inner = f"MAIL FROM:<boss@localhost>\r\nRCPT TO:<{TO}>\r\nDATA\r\nSubject: {name}\r\n\r\nevil\r\n".encode()
    with Talk(ports(cloud)[0]) as talk:
        talk.say("EHLO there")
        talk.say("MAIL FROM:<a@example.net>")
        talk.say(f"RCPT TO:<{TO}>")
        talk.say("DATA")
        reply = talk.say(b"Subject: outer\r\n\r\nx" + end + inner + b".")
        assert reply.startswith("554 5.6.0")
        assert talk.file.readline() == b""  # the connection is closed
    assert find(cloud, name) is None
    assert find(cloud, "outer") is None


def test_commands_may_be_sent_ahead(cloud: Program, talk: Talk) -> None:
    talk.say("EHLO there")
    ahead = f"MAIL FROM:<a@example.net>\r\nRCPT TO:<{TO}>\r\nRCPT TO:<no@localhost>\r\nDATA\r\n"
    talk.socket.sendall(ahead.encode())
    assert [talk.read()[:3] for _ in range(4)] == ["250", "250", "550", "354"]
    talk.socket.sendall(b"Subject: ahead\r\n\r\nx\r\n.\r\nNOOP\r\nMAIL FROM:<b@example.net>\r\nQUIT\r\n")
    assert [talk.read()[:3] for _ in range(4)] == ["250", "250", "250", "221"]
    assert find(cloud, "ahead") is not None


def test_too_large_is_refused_to_the_end(cloud: Program, talk: Talk) -> None:
    talk.say("EHLO there")
    talk.say("MAIL FROM:<a@example.net>")
    talk.say(f"RCPT TO:<{TO}>")
    talk.say("DATA")
    line = b"x" * 998 + b"\r\n"
    assert talk.say(b"Subject: too large\r\n\r\n" + line * 2_500 + b".").startswith("552 5.3.4")
    assert talk.say("NOOP").startswith("250")
    assert find(cloud, "too large") is None


def test_a_large_message_goes_to_its_blob(cloud: Program) -> None:
    body = b"Subject: large\r\nMessage-ID: <large@x>\r\n\r\n" + b"y" * 990 + b"\r\n"
    body += b"".join(b"%06d " % n + b"z" * 900 + b"\r\n" for n in range(1_500))
    with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
        client.sendmail("a@example.net", [TO], body)
    found = find(cloud, "large")
    assert found is not None
    assert raw(cloud, found["id"]) == body


def test_starttls_forgets_what_came_before(cloud: Program) -> None:
    with Talk(ports(cloud)[0]) as talk:
        talk.say("EHLO there")
        talk.say("MAIL FROM:<a@example.net>")
        talk.socket.sendall(b"STARTTLS\r\nNOOP\r\n")  # what follows in plain text is to be thrown away
        assert talk.read().startswith("220")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(talk.socket) as secure:
            file = secure.makefile("rb")
            secure.sendall(b"RCPT TO:<admin@localhost>\r\n")
            assert file.readline().startswith(b"503")
            secure.sendall(b"EHLO there\r\n")
            lines = [file.readline()]
            while lines[-1][3:4] == b"-":
                lines.append(file.readline())
            assert not any(b"STARTTLS" in line for line in lines)
            file.close()


def test_many_errors_end_the_connection(talk: Talk) -> None:
    talk.say("EHLO there")
    replies = []
    for _ in range(30):
        try:
            replies.append(talk.say("NONSENSE"))
        except OSError:
            break
        if not replies[-1]:
            break
    assert len(replies) < 25


def test_a_cut_message_is_not_kept(cloud: Program) -> None:
    with Talk(ports(cloud)[0]) as talk:
        talk.say("EHLO there")
        talk.say("MAIL FROM:<a@example.net>")
        talk.say(f"RCPT TO:<{TO}>")
        talk.say("DATA")
        talk.socket.sendall(b"Subject: cut\r\n\r\n" + b"x\r\n" * 100_000)
    assert find(cloud, "cut") is None


def test_submission_needs_a_login_and_an_own_address(cloud: Program) -> None:
    port = ports(cloud)[1]
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        assert "LOGIN PLAIN" in client.esmtp_features["auth"]
        assert client.mail("owner2@localhost")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(OWNER_EMAIL, "wrong")
        client.login(OWNER_EMAIL, OWNER_PASSWORD)
        text = b"From: Me <admin@localhost>\nTo: abuse@localhost\nBcc: hidden@localhost\nSubject: submitted\n\nhello\n"
        client.sendmail("admin@localhost", ["abuse@localhost"], text)
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("admin@localhost", ["abuse@localhost"], b"From: boss@bank.example\nSubject: x\n\nx")
        assert caught.value.smtp_code == 550
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("boss@bank.example", ["abuse@localhost"], b"From: admin@localhost\nSubject: x\n\nx")
    sent, came = find(cloud, "submitted", "sent"), find(cloud, "submitted")
    assert sent is not None
    assert came is not None
    assert b"hidden" not in raw(cloud, came["id"])
    assert b"Message-ID:" in raw(cloud, came["id"])


def test_auth_login_and_tokens(cloud: Program) -> None:
    token = cloud.run("token", "create", "mailer", "--scope", "mail:send").stdout.strip()
    weak = cloud.run("token", "create", "reader", "--scope", "mail:read").stdout.strip()
    with smtplib.SMTP("127.0.0.1", ports(cloud)[1]) as client:
        client.ehlo()
        client.user, client.password = OWNER_EMAIL, weak
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth("LOGIN", client.auth_login)
        client.user, client.password = OWNER_EMAIL, token
        assert client.auth("LOGIN", client.auth_login)[0] == 235


def test_a_restart_says_good_bye(template_file: Path, tmp_path: Path) -> None:
    with mail_program(template_file, tmp_path) as program, Talk(ports(program)[0]) as talk:
        talk.say("EHLO there")
        assert program.stop() == 0
        assert talk.read().startswith("421")
