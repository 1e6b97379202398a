"""Flows across apps: each example of `examples/`, deployed by the command and used from outside."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from fazt.core.auth.model import Caller
from tests.apps.runtime.conftest import CALLER, Cloud
from tests.e2e.browser import log_in
from tests.e2e.joplin import Device, Person
from tests.e2e.neighbours import FEED, Neighbour, PushService
from tests.e2e.test_drive import mounted
from tests.program import OWNER_EMAIL, Program, free_port, wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def push(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    with PushService(tmp_path_factory.mktemp("push")) as running:
        yield running


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory, push: PushService) -> Iterator[Cloud]:
    """A cloud that takes mail, knows its port by name, and may reach its neighbours."""
    folder = tmp_path_factory.mktemp("flows")
    shutil.copy(template_file, folder / "data.db")
    program = Program(folder, "--smtp-listen", "127.0.0.1:0", SSL_CERT_FILE=str(push.authority))
    program.port = free_port()
    with program:
        found = Cloud(program)
        found.run("settings", "set", "outbound.allow", "127.0.0.1/32")
        yield found
        found.close()


def deploy(cloud: Cloud, name: str, **env: str) -> None:
    """An example, as its README has it."""
    cloud.run("deploy", str(EXAMPLES / name), "--name", name, "--grant")
    wait_until(lambda: cloud.show(name)["function"]["version"], what="the code")
    for key, value in env.items():
        cloud.run("functions", "env", name, key, typed=f"{value}\n")


def own_address(cloud: Cloud) -> str:
    """Where the owner has mail."""
    return str(cloud.owner.get("/api/v1/mail/addresses").json()["own"][0])


def find_mail(cloud: Cloud, words: str) -> list[dict[str, Any]]:
    """Mail in the owner's inbox whose subject holds these words."""
    found = cloud.owner.get("/api/v1/mail/messages", params={"view": "inbox"}).json()
    return [message for message in found if words in message["subject"]]


def write_mail(cloud: Cloud, to: str, body: str) -> None:
    """A mail by SMTP, from a stranger."""
    port = re.findall(r"fazt takes mail at \S+:(\d+)", cloud.program.log)[0]
    command = ["swaks", "--server", f"127.0.0.1:{port}", "--from", "ann@example.org", "--to", to, "--body", body]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout


def test_an_order_by_mail_is_on_the_dashboard_without_a_reload(cloud: Cloud, browser: Browser) -> None:
    deploy(cloud, "shop")
    cloud.run("mail", "rule", "add", "orders", "--to", "shop@localhost", "--do", "function:shop")
    assert "function:shop" in cloud.run("mail", "rule", "list").output
    token = cloud.run("token", "create", "board", "--scope", "textdb:read:orders").output.strip()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://shop.localhost:{cloud.program.port}/")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Show orders").click()
        write_mail(cloud, "shop@localhost", "Hello,\n2 x Rye bread\n1 x Salt & <b>butter</b>\nThanks")
        wait_until(lambda: cloud.owner.get("/db/orders").status_code == 200, 20, "the order")
        expect(page.locator("#orders li")).to_have_count(1, timeout=20_000)
        assert "2 × Rye bread, 1 × Salt & <b>butter</b>" in page.locator("#orders li").inner_text()
        write_mail(cloud, "shop@localhost", "3 x Rolls")
        expect(page.locator("#orders li")).to_have_count(2, timeout=20_000)
        page.reload()
        expect(page.locator("#orders li")).to_have_count(2)


def test_a_sensor_over_its_bound_is_told_by_push_and_by_mail(cloud: Cloud, push: PushService) -> None:
    assert cloud.owner.post("/account/notices/devices", data=push.subscription()).status_code == 303
    deploy(cloud, "sensors", KEY="a-key-of-your-own", MAIL_TO=own_address(cloud))
    wanted = {"topic": "sensors/kitchen/temp", "kind": "above", "value": 30}

    def measure(value: str, key: str = "a-key-of-your-own") -> int:
        return cloud.ask("sensors", "/kitchen/temp", "POST", content=value, headers={"x-key": key}).status_code

    assert [measure("21.5", "wrong"), measure("warm"), measure("21.5")] == [401, 400, 200]
    assert cloud.owner.post("/api/v1/pubsub/alerts", json=wanted).status_code == 201
    assert measure("31.5") == 200
    wait_until(lambda: [one["title"] for one in push.notices()] == ["sensors/kitchen/temp is above 30."], 20, "a push")
    assert push.notices()[0]["text"] == "The last value was 31.5."
    (mail,) = wait_until(lambda: find_mail(cloud, "sensors/kitchen/temp is above 30"), 20, "the mail")
    assert "was 31.5" in cloud.owner.get(f"/api/v1/mail/messages/{mail['id']}").json()["text"]
    assert measure("22") == 200
    wait_until(lambda: find_mail(cloud, "is well again"), 20, "the mail that it is over")


def test_a_notebook_is_a_site(cloud: Cloud, tmp_path: Path) -> None:
    device = Device(tmp_path, "a")
    picture = tmp_path / "pixel.png"
    picture.write_bytes(__import__("base64").b64decode(PIXEL))
    device.sync(
        *Person(OWNER_EMAIL).settings(cloud.program),
        ["mkbook", "Blog"],
        ["use", "Blog"],
        ["mknote", "First post"],
        ["set", "First post", "body", "Some **bold** words <script>alert(1)</script>"],
        ["attach", "First post", str(picture)],
        ["mknote", "Not yet"],
        ["tag", "add", "draft", "Not yet"],
        ["mkbook", "Private"],
        ["use", "Private"],
        ["mknote", "Secret"],
    )
    deploy(cloud, "notebook")
    index = cloud.ask("notebook").text
    assert "First post" in index
    assert "Secret" not in index
    assert "Not yet" not in index
    post = cloud.ask("notebook", re.findall(r"/notes/[0-9a-f]{32}", index)[0]).text
    assert "Some <strong>bold</strong> words" in post
    assert "<script" not in post
    shown = cloud.ask("notebook", re.findall(r'src="(/files/[0-9a-f]{32})"', post)[0])
    assert (shown.content, shown.headers["content-type"]) == (picture.read_bytes(), "image/png")
    ((secret,),) = device.query("SELECT id FROM notes WHERE title = 'Secret'")
    assert cloud.ask("notebook", f"/notes/{secret}").status_code == 404
    assert cloud.ask("notebook", f"/files/{secret}").status_code == 404


def test_a_mounted_folder_of_photos_is_a_gallery(cloud: Cloud, browser: Browser) -> None:
    deploy(cloud, "gallery")
    assert "Put photos into the folder" in cloud.ask("gallery").text
    work = Path(os.environ.get("TMPDIR", "/tmp")) / f"fazt-gallery-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        with mounted(cloud.program, work) as mount:
            (mount / "Photos").mkdir()
            for number, colour in enumerate(("red", "teal", "gold")):
                Image.new("RGB", (1200, 800), colour).save(mount / "Photos" / f"ü {number}.jpg")
            (mount / "Photos" / "notes.txt").write_text("no picture")
            (mount / "private.jpg").write_bytes(b"private")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://gallery.localhost:{cloud.program.port}/", wait_until="networkidle")
        assert page.evaluate("[...document.images].map((i) => [i.naturalWidth, i.naturalHeight])") == [[360, 240]] * 3
        assert page.evaluate("[...document.images].every((i) => i.loading === 'lazy' && i.width && i.height)")
        page.locator("a").first.click()
        page.wait_for_url("**/photo/**")
    photo = cloud.ask("gallery", "/photo/%C3%BC%200.jpg")
    assert Image.open(io.BytesIO(photo.content)).size == (1200, 800)
    assert "immutable" in photo.headers["cache-control"]
    for path in ("/photo/notes.txt", "/photo/..%2Fprivate.jpg", "/photo/../private.jpg", "/thumb/none.jpg"):
        assert cloud.ask("gallery", path).status_code == 404


def test_a_feed_becomes_documents(cloud: Cloud) -> None:
    with Neighbour() as server:
        server.get = FEED.encode()
        deploy(cloud, "feed", FEED_URL=f"http://127.0.0.1:{server.port}/feed.xml")
        cloud.run("functions", "run", "feed", "fetch")
        cloud.wait_for_log("feed", "2 new")
        server.get = FEED.replace("</channel>", "<item><title>Third</title><guid>3</guid></item></channel>").encode()
        cloud.run("functions", "run", "feed", "fetch")
        cloud.wait_for_log("feed", "1 new")
    titles = {one["title"] for one in cloud.owner.get("/db/news").json()}
    assert titles == {"Bread & salt", "Second <one>", "Third"}
    assert [one["title"] for one in cloud.ask("feed").json()][1:] == ["Second <one>", "Bread & salt"]


def enter(page: Page, name: str) -> None:
    """From the lobby into the room."""
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join the call").click()
    expect(page.locator("#stage")).to_be_visible()


def test_files_are_dropped_into_a_call(cloud: Cloud, browser: Browser, tmp_path: Path) -> None:
    deploy(cloud, "call")
    cloud.run("settings", "set", "drops.strangers", "yes")
    (tmp_path / "plan.txt").write_text("the plan")
    with browser.new_context() as theirs, browser.new_context() as ours:
        guest = theirs.new_page()
        guest.goto(f"http://call.localhost:{cloud.program.port}/")
        guest.get_by_role("button", name="Start a call").click()
        guest.wait_for_url("**/call/*?key=*")
        enter(guest, "Guest")
        waiting = cloud.owner.get("/hub/calls").text
        log_in(ours, cloud.program)
        owner = ours.new_page()
        owner.goto(waiting.replace("http://localhost:", "http://127.0.0.1:"))
        enter(owner, "Owner")
        expect(guest.locator(".tile")).to_have_count(2)
        guest.locator("#choose-files").set_input_files(tmp_path / "plan.txt")
        link = owner.locator("#messages a")
        expect(link).to_have_count(1, timeout=20_000)
        address = str(link.get_attribute("href"))
        assert cloud.visitor.get(address[address.index("/d/") :]).text == "the plan"
        expect(guest.locator("#messages a")).to_have_count(1)
        drop_file(owner, "photo.jpg")
        expect(guest.locator("#messages a")).to_have_count(2, timeout=20_000)
        assert "photo.jpg" in guest.locator("#messages").inner_text()
        cloud.run("settings", "set", "drops.strangers", "no")
        guest.locator("#choose-files").set_input_files(tmp_path / "plan.txt")
        expect(guest.locator(".toast")).to_contain_text("Only people with an account")


def drop_file(page: Page, name: str) -> None:
    """Let a file fall onto the page."""
    page.evaluate(
        """(name) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["abc"], name));
          for (const type of ["dragover", "drop"])
            document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        name,
    )


def test_a_contact_form_reaches_the_inbox(cloud: Cloud) -> None:
    deploy(cloud, "contact", TO=own_address(cloud))
    assert "Write to us" in cloud.ask("contact").text

    def send(**fields: str) -> str:
        whole = {"name": "Ann", "email": "ann@example.org", "message": "Hello there", "website": "", **fields}
        answer = cloud.ask("contact", "/send", "POST", data=whole)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    assert send(name="Ann\r\nBcc: x@example.org") == "/thanks"
    assert "Thank you" in cloud.ask("contact", "/thanks").text
    (mail,) = wait_until(lambda: find_mail(cloud, "Message from Ann"), 20, "the mail")
    told = cloud.owner.get(f"/api/v1/mail/messages/{mail['id']}").json()
    assert "Hello there" in told["text"]
    raw = cloud.owner.get(f"/api/v1/mail/messages/{mail['id']}/raw").text
    assert "Reply-To: ann@example.org" in raw
    assert "\nBcc:" not in raw
    assert send(email="nobody") == "/?again"
    assert send(website="https://spam.example") == "/thanks"
    assert len(find_mail(cloud, "Message from")) == 1


def test_code_with_a_scope_for_one_collection_reaches_no_other(cloud: Cloud) -> None:
    scopes = ["textdb:write:orders", "pubsub:write:sensors/*"]
    cloud.deploy("caller", {"main.js": CALLER}, scopes=scopes)
    assert cloud.owner.put("/api/v1/functions/caller/scopes", json={"scopes": scopes}).status_code == 200
    assert cloud.call("textdb.put", collection="orders", id="x", doc={"items": []})["value"]["id"] == "x"
    assert cloud.call("textdb.put", collection="others", id="x", doc={})["kind"] in {"forbidden", "unauthorized"}
    assert cloud.call("textdb.get", collection="orders", id="x")["kind"] == "forbidden"
    batch: list[dict[str, Any]] = [{"op": "create", "collection": name, "body": {}} for name in ("orders", "others")]
    assert cloud.call("textdb.batch", operations=batch)["kind"] in {"forbidden", "not_found"}
    assert cloud.call("pubsub.publish", topic="sensors/a", data=1)["value"]["topic"] == "sensors/a"
    assert cloud.call("pubsub.publish", topic="other", data=1)["kind"] in {"forbidden", "unauthorized"}
    assert cloud.call("turn.invite")["kind"] == "forbidden"
    assert Caller("u", scopes=frozenset(scopes)).may_some("textdb:write")
