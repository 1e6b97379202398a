"""The pages of mail in a real browser: they look right everywhere, and no message runs anything."""

from __future__ import annotations

import json
import os
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Route

from tests.apps.mail.odd import ATTACKS, made, special
from tests.apps.mail.servers import mail_program, ports
from tests.e2e.browser import find_faults_in, log_in, looks_of
from tests.program import Program

LONG = bool(os.environ.get("FAZT_TEST_LONG"))
NEWS = """<div style="background-color:#eef;padding:20px"><h1>The sea</h1><img src="https://letters.example/a.png">
<p>Ten things.</p><img src="cid:p"></div>"""
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def letter(n: int, sender: str, subject: str, text: str) -> EmailMessage:
    made_ = EmailMessage()
    made_["From"], made_["To"], made_["Subject"], made_["Message-ID"] = sender, "admin@localhost", subject, f"<{n}@x>"
    made_.set_content(text)
    return made_


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud with some of everything in its mailbox."""
    folder = tmp_path_factory.mktemp("mailpages")
    with mail_program(template_file, folder, inbound_token="x") as program:
        with program.owner() as owner:
            label = {"kind": "label", "value": "Money"}
            rule = {"name": "Invoices", "conditions": [{"field": "subject", "test": "contains", "value": "invoice"}]}
            owner.post("/api/v1/mail/rules", json={**rule, "actions": [label, {"kind": "star"}]}).raise_for_status()
            owner.post("/api/v1/mail/addresses", json={"name": "shop", "hours": 24}).raise_for_status()
            owner.post("/api/v1/mail/relays", json={"url": "smtp://user:secret@127.0.0.1:9"}).raise_for_status()
        with smtplib.SMTP("127.0.0.1", ports(program)[0]) as client:
            client.send_message(
                letter(1, "Anna <anna@example.net>", "Lunch on Friday?", "At noon?\n> why\nhttps://x.test/")
            )
            invoice = letter(2, "Shop <shop@example.net>", "Your invoice", "It is attached.")
            invoice.add_attachment(b"%PDF", "application", "pdf", filename="a-long-name-that-goes-on-and-on-2026.pdf")
            client.send_message(invoice)
            news = letter(3, "News <news@example.net>", "Ten things about the sea that go on and on " * 3, "x")
            news.add_alternative(NEWS, subtype="html")
            list(news.iter_parts())[-1].add_related(DOT, "image", "png", cid="<p>")
            client.send_message(news)
        with program.owner() as owner:
            body = {"to": ["bert@example.net"], "subject": "Waiting", "text": "x"}
            owner.post("/api/v1/mail/messages", json=body).raise_for_status()
        yield program


def pages_of(cloud: Program) -> dict[str, str]:
    with cloud.owner() as owner:
        found = {one["subject"][:4]: one for one in owner.get("/api/v1/mail/messages").json()}
    return {
        "list": "/mail",
        "thread": f"/mail/thread/{found['Ten ']['thread_id']}",
        "files": f"/mail/thread/{found['Your']['thread_id']}",
        "source": f"/mail/message/{found['Ten ']['id']}/source",
        "answer": f"/mail/compose?answer={found['Lunc']['id']}",
        "addresses": "/mail/addresses",
        "rules": "/mail/rules",
        "sending": "/mail/sending",
        "doctor": "/mail/doctor",
        "empty": "/mail?view=archive",
        "found": "/mail?q=lunch",
    }


def test_pages_look_right(browser: Browser, cloud: Program) -> None:
    with looks_of(browser, cloud) as looks:
        faults = {name: find_faults_in(looks, cloud.url + path) for name, path in pages_of(cloud).items()}
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.fixture
def context(browser: Browser, cloud: Program) -> Iterator[BrowserContext]:
    made_ = browser.new_context()
    log_in(made_, cloud)
    yield made_
    made_.close()


def test_writing_reading_and_filing(context: BrowserContext, cloud: Program) -> None:
    page = context.new_page()
    page.goto(f"{cloud.url}/mail/compose")
    page.fill("input[name=to]", "abuse@localhost")
    page.fill("input[name=subject]", "From the browser")
    page.fill("textarea[name=text]", "Hello\nyou")
    page.set_input_files("input[name=file]", {"name": "ü.txt", "mimeType": "text/plain", "buffer": b"file"})
    page.click("button:has-text('Send')")
    page.wait_for_url(f"{cloud.url}/mail")
    page.click("text=From the browser")
    last = page.locator(".message[open]").last
    assert last.locator(".text").inner_text().strip() == "Hello\nyou"
    with page.expect_download() as caught:
        last.locator("a:has-text('ü.txt')").click()
    assert Path(caught.value.path()).read_bytes() == b"file"
    page.click("button:has-text('Archive')")
    page.wait_for_url(f"{cloud.url}/mail")
    assert page.locator("text=From the browser").count() == 0
    page.goto(f"{cloud.url}/mail?view=archive")
    assert page.locator("text=From the browser").count() == 1


def test_pictures_and_live_mail(context: BrowserContext, cloud: Program) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    context.route("https://letters.example/**", refuse)
    page = context.new_page()
    page.goto(cloud.url + pages_of(cloud)["thread"])
    frame = page.frame_locator("iframe.body")
    frame.locator("img[src]").wait_for()
    assert frame.locator("img[src]").count() == 1  # the one inside the message
    assert asked == []
    with page.expect_event("requestfailed", timeout=10_000):
        page.click("text=Show them")
    assert len(asked) == 1
    with page.expect_response("**/mail/live"), smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
        page.goto(f"{cloud.url}/mail")
        client.send_message(letter(76, "live@example.net", "Before it listened", "x"))
    page.wait_for_selector("text=Before it listened", timeout=10_000)
    with smtplib.SMTP("127.0.0.1", ports(cloud)[0]) as client:
        client.send_message(letter(77, "live@example.net", "Just arrived", "x"))
    page.wait_for_selector("text=Just arrived", timeout=10_000)


def test_an_empty_list_stays_as_it_is_until_there_is_something(context: BrowserContext, cloud: Program) -> None:
    page = context.new_page()
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    with page.expect_response("**/mail/rows?*"):  # it listens, and looks whether something came meanwhile
        page.goto(f"{cloud.url}/mail?view=trash")
    with cloud.owner() as owner:
        first = owner.get("/api/v1/mail/messages", params={"view": "inbox"}).json()[0]
    assert page.get_by_text("Nothing in").is_visible()
    assert len(loads) == 1
    with cloud.owner() as owner:
        assert owner.get("/mail/rows", params={"view": "trash"}).text.strip() == ""
        assert first["thread_id"] in owner.get("/mail/rows", params={"view": "inbox"}).text


def test_no_message_runs_a_script(context: BrowserContext, cloud: Program) -> None:
    odd = [*special(), *made(430)] if LONG else [data for data in special() if b"Subject: attack" in data]
    threads = []
    where = {"token": "x", "to": "admin@localhost"}
    with cloud.client(params=where) as provider, cloud.owner() as owner:
        for data in odd:
            taken = provider.post("/mail/inbound/raw", content=data).json()["taken"][0]
            threads.append(owner.get(f"/api/v1/mail/messages/{taken['id']}").json()["message"])
    assert len(threads) >= len(ATTACKS)
    page = context.new_page()
    alarms: list[str] = []

    def hear(dialog: Dialog) -> None:
        alarms.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", hear)
    for message in {one["id"]: one for one in threads}.values():
        # what would run if it were opened by itself
        page.goto(f"{cloud.url}/mail/message/{message['id']}/body", wait_until="load")
        assert page.evaluate("globalThis.hit") is None
        page.goto(f"{cloud.url}/mail/thread/{message['thread_id']}", wait_until="load")
        for frame in page.frames[1:]:
            assert frame.evaluate("document.querySelectorAll('script').length") == 0
        assert page.evaluate("globalThis.hit") is None, json.dumps(message)
    assert alarms == []
