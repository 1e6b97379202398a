"""Certificates as pages, API and commands show them, asked of the real program."""

from __future__ import annotations

import json
import re
import shutil
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from fazt.core.clock import system_clock
from fazt.core.tls.wire import create_leaf, create_root
from tests.core.tls.authorities import Names
from tests.house.tree import ROOT
from tests.program import Program, running_program, wait_until

ANY = "127.0.0.1:0"
OPTIONS = ("--https-listen", ANY, "--turn-listen", ANY, "--smtp-listen", ANY)


@pytest.fixture(scope="module")
def here(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud on localhost that is its own authority."""
    folder = tmp_path_factory.mktemp("local")
    shutil.copy(template_file, folder / "data.db")
    with Names(default="") as names, running_program(folder, *OPTIONS) as program:
        program.run("settings", "set", "tls.resolvers", names.address)
        yield program


def brought(*names: str) -> tuple[str, str]:
    """A certificate of somebody else's."""
    return create_leaf(*create_root("elsewhere", ["example.com"], system_clock()), names, system_clock())


def test_the_state_is_shown_without_any_key(here: Program) -> None:
    with here.owner() as client:
        status = client.get("/api/v1/tls").json()
        assert (status["mode"], status["is_trusted"]) == ("local", False)
        assert status["https_port"] > 0
        assert status["hosts"][0]["host"] == "localhost"
        page = client.get("/certificates", headers={"accept": "text/html"})
        assert status["root_fingerprint"] in page.text
        assert "PRIVATE KEY" not in page.text


def test_strangers_see_the_root_and_nothing_else(here: Program) -> None:
    with here.client() as client:
        for path in ("/api/v1/tls", "/api/v1/tls/doctor", "/certificates"):
            assert client.get(path).status_code == 401, path
        assert client.post("/api/v1/tls/renew", json={}).status_code == 401
        root = client.get("/certificates/root.crt")
        assert root.headers["content-type"] == "application/x-x509-ca-cert"
        assert root.text == client.get("/api/v1/tls/root").text
        assert "PRIVATE" not in root.text


def test_a_certificate_is_brought_and_forgotten(here: Program) -> None:
    chain, key = brought("shop.example.com")
    with here.owner() as client:
        wrong = client.post("/api/v1/tls/certificates", json={"chain_pem": chain, "key_pem": brought("x.lan")[1]})
        assert (wrong.status_code, wrong.json()["detail"]) == (400, "The key does not belong to this certificate.")
        kept = client.post("/api/v1/tls/certificates", json={"chain_pem": chain, "key_pem": key}).json()
        assert kept["names"] == ["shop.example.com"]
        assert "key_pem" not in kept
        assert client.delete(f"/api/v1/tls/certificates/{kept['id']}").status_code == 204
        assert client.delete(f"/api/v1/tls/certificates/{kept['id']}").status_code == 404
        form = {"chain_pem": chain, "key_pem": "nonsense"}
        page = client.post("/certificates/import", data=form, headers={"accept": "text/html"})
        assert page.status_code == 400
        assert "not a certificate with its key" in page.text


def test_the_commands_say_the_same(here: Program, tmp_path: Path) -> None:
    assert here.run("tls", "list").stdout.splitlines()[1].split()[:2] == ["localhost", "good"]
    assert here.run("tls", "root").stdout.startswith("-----BEGIN CERTIFICATE-----")
    chain, key = brought("desk.example.com")
    (tmp_path / "chain").write_text(chain)
    (tmp_path / "key").write_text(key)
    kept = json.loads(here.run("tls", "import", str(tmp_path / "chain"), str(tmp_path / "key"), "--json").stdout)
    assert "desk.example.com" in here.run("tls", "certificates").stdout
    here.run("tls", "remove", str(kept["id"]))
    refused = here.run("tls", "renew", check=False)
    assert refused.returncode == 2
    assert "No authority is asked" in refused.stderr
    doctor = here.run("tls", "doctor")
    assert "This cloud's own authority vouches for it." in doctor.stdout


def test_calls_have_the_same_certificate(here: Program) -> None:
    with here.owner() as client:
        status = client.get("/api/v1/turn/status").json()
        port = next(int(uri.split(":")[2].partition("?")[0]) for uri in status["uris"] if uri.startswith("turns:"))
        trusting = ssl.create_default_context(cadata=client.get("/api/v1/tls/root").text)
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            trusting.wrap_socket(plain, server_hostname="127.0.0.1") as encrypted,
        ):
            assert encrypted.version() == "TLSv1.3"
        client.put("/api/v1/settings/tls.mode", json={"value": "off"}).raise_for_status()
        wait_until(lambda: not client.get("/api/v1/turn/status").json()["has_tls"], what="an end of TLS")
        client.put("/api/v1/settings/tls.mode", json={"value": "auto"}).raise_for_status()
        wait_until(lambda: client.get("/api/v1/turn/status").json()["has_tls"], what="TLS again")


def test_a_site_shows_whether_its_domains_are_on_https(here: Program) -> None:
    here.run("deploy", str(ROOT / "examples/hello"), "--name", "hello")
    with here.owner(headers={"accept": "text/html"}) as client:
        client.post("/api/v1/sites/hello/domains", json={"host": "www.example.com"}).raise_for_status()
        assert "no certificate yet" in client.get("/sites/hello/settings").text
        chain, key = brought("www.example.com")
        client.post("/api/v1/tls/certificates", json={"chain_pem": chain, "key_pem": key}).raise_for_status()
        assert "no certificate yet" not in client.get("/sites/hello/settings").text


def test_mail_has_the_same_certificate(here: Program) -> None:
    found = re.search(r"fazt takes mail at \S+:(\d+)", here.log)
    assert found is not None
    with here.client() as client:
        trusting = ssl.create_default_context(cadata=client.get("/api/v1/tls/root").text)
    with smtplib.SMTP("localhost", int(found[1]), timeout=10) as mail:
        assert mail.starttls(context=trusting)[0] == 220
        assert isinstance(mail.sock, ssl.SSLSocket)
        assert mail.sock.version() == "TLSv1.3"
        assert mail.ehlo()[0] == 250


def test_doctor_finds_what_is_wrong_and_ends_with_1(here: Program) -> None:
    found = here.run("tls", "doctor", "nosuch.invalid", check=False)
    assert found.returncode == 1
    assert "The DNS knows no address for nosuch.invalid." in found.stdout
    assert "It has no certificate." in found.stdout
    with here.owner() as client:
        page = client.get("/certificates/doctor?host=nosuch.invalid", headers={"accept": "text/html"})
        assert "It has no certificate." in page.text
        assert client.get("/api/v1/tls/doctor", params={"host": "<b>"}).status_code == 400
