"""Public code as it is: apps made with Hono and itty-router, and mail parsed by postal-mime, bundled and deployed."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.apps.runtime.conftest import CALLER, Cloud
from tests.program import Program, wait_until

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "tests" / "e2e" / "node_modules"


@pytest.fixture(scope="module")
def cloud(shared_program: Program) -> Iterator[Cloud]:
    """The program with code on it."""
    found = Cloud(shared_program)
    yield found
    found.close()


@pytest.fixture
def deploy(cloud: Cloud, tmp_path: Path) -> Any:
    """`deploy("hono")`: an example, deployed by the command with the packages of the tests; its client."""
    clients: list[httpx.Client] = []

    def make(name: str) -> httpx.Client:
        folder = tmp_path / name
        shutil.copytree(ROOT / "examples" / name, folder)
        (folder / "node_modules").symlink_to(MODULES)
        cloud.program.run("deploy", str(folder), "--name", name)
        clients.append(cloud.program.client(headers={"host": f"{name}.localhost"}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_an_app_made_with_hono(deploy: Any) -> None:
    site = deploy("hono")
    assert site.get("/").text == "Hello Hono!"
    assert site.get("/").headers["x-answered-by"] == "hono"
    answer = site.get("/posts/7?page=2")
    assert (answer.text, answer.headers["x-message"]) == ("You want to see 2 of 7", "Hi!")
    answer = site.get("/api/hello", headers={"origin": "https://example.org"})
    assert answer.json() == {"ok": True, "message": "Hello Hono!"}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert site.options("/api/hello", headers={"origin": "https://example.org"}).status_code == 204
    created = site.post("/posts", json={"title": "é"})
    assert (created.status_code, created.json()) == (201, {"title": "é"})
    assert site.get("/page").headers["content-type"].startswith("text/html")
    moved = site.get("/old")
    assert (moved.status_code, moved.headers["location"]) == (302, "/")
    assert site.get("/visits").headers["set-cookie"] == "seen=1; Path=/"
    assert site.get("/visits", headers={"cookie": "seen=4"}).text == "5"
    assert site.get("/secret").status_code == 401
    assert site.get("/stream").text == "one two three"
    assert site.get("/books/a/b").text == "books: /books/a/b"
    assert site.get("/shelf/list").text == "shelf of hono.localhost"
    missing = site.get("/nowhere")
    assert (missing.status_code, missing.text) == (404, "Custom 404 Message")


def test_an_app_made_with_itty_router(deploy: Any) -> None:
    site = deploy("itty")
    assert site.get("/hello/Kevin").json() == "Hello, Kevin!"
    assert site.post("/todos", json={"text": "milk"}).json() == {"id": 1, "text": "milk"}
    assert site.get("/todos").json() == [{"id": 1, "text": "milk"}]
    assert site.get("/todos/1").json()["text"] == "milk"
    missing = site.get("/todos/9")
    assert (missing.status_code, missing.json()) == (404, {"status": 404, "error": "That todo was not found"})
    assert site.get("/search?a=1&b=2&b=3").json() == {"a": "1", "b": ["2", "3"]}
    assert site.get("/files/a/b/c.txt").json() == {"path": "a/b/c.txt"}
    assert site.get("/broken").status_code == 500
    assert site.get("/nowhere").json()["status"] == 404


def test_mail_parsed_by_postal_mime(deploy: Any, cloud: Cloud) -> None:
    site = deploy("inbox")
    scopes = ["runtime:call"]
    cloud.deploy("caller", {"main.js": CALLER}, scopes=scopes)
    assert cloud.owner.put("/api/v1/functions/caller/scopes", json={"scopes": scopes}).status_code == 200
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann Ö <ann@example.org>", "me@example.com", "Grüße"
    mail.set_content("Hällo\n")
    mail.add_alternative("<p>Hällo</p>", subtype="html")
    mail.add_attachment(bytes(range(256)), maintype="image", subtype="png", filename="böt.png")

    def send(message: EmailMessage) -> Any:
        raw = {"base64": base64.b64encode(message.as_bytes()).decode()}
        return cloud.call("runtime.email", site="inbox", message={"from": "ann@example.org", "to": "me@x", "raw": raw})

    assert send(mail)["value"]["rejected"] is None
    (kept,) = site.get("/").json()
    assert kept["from"] == {"address": "ann@example.org", "name": "Ann Ö"}
    assert (kept["subject"], kept["text"], kept["html"]) == ("Grüße", "Hällo", "<p>Hällo</p>")
    assert kept["files"] == [["böt.png", "image/png", 256]]
    del mail["Subject"]
    mail["Subject"] = "You won the lottery"
    assert send(mail)["value"]["rejected"] == "We do not play."


def test_mail_that_a_rule_hands_to_code(deploy: Any, cloud: Cloud) -> None:
    site = deploy("inbox")
    rule = {"name": "to code", "actions": [{"kind": "function", "value": "inbox"}]}
    assert cloud.owner.post("/api/v1/mail/rules", json=rule).status_code == 201
    address = cloud.owner.get("/api/v1/mail/addresses").json()["own"][0]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bo@example.org", address, "By rule"
    mail.set_content("Taken by mail, kept by code.")
    token = "an-inbound-token-of-the-tests"
    cloud.owner.put("/api/v1/settings/mail.inbound_token", json={"value": token})
    asked = {"from": "bo@example.org", "to": address, "token": token}
    taken = cloud.visitor.post("/mail/inbound/raw", params=asked, content=mail.as_bytes())
    assert taken.status_code == 200, taken.text
    kept = wait_until(lambda: [entry for entry in site.get("/").json() if entry["subject"] == "By rule"], 20)
    assert kept[0]["text"] == "Taken by mail, kept by code."
