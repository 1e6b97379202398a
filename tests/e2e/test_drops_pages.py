"""Drops in real browsers: one sends, another receives; encrypted end to end; hostile files; every page everywhere."""

from __future__ import annotations

import io
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Dialog, FilePayload, Page, Route, expect

from tests.apps.drops.flaky import FlakyProxy
from tests.e2e.browser import Watched, find_faults_in, log_in, looks_with
from tests.program import Program, wait_until

LARGE = random.Random(9).randbytes(20_000_000)
CODE = "def answer() -> int:\n    return 42  # " + "a long line " * 30


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud where strangers may send."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        with program.owner() as owner:
            owner.put("/api/v1/settings/drops.strangers", json={"value": True}).raise_for_status()
        yield program


@pytest.fixture(scope="module")
def sender(browser: Browser, cloud: Program) -> Iterator[BrowserContext]:
    """The owner's browser."""
    context = browser.new_context()
    log_in(context, cloud)
    yield context
    context.close()


@pytest.fixture
def receiver(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody else's."""
    context = browser.new_context(accept_downloads=True)
    yield context
    context.close()


def picture() -> bytes:
    """A PNG."""
    kept = io.BytesIO()
    Image.linear_gradient("L").resize((600, 300)).save(kept, "PNG")
    return kept.getvalue()


def make_folder(folder: Path) -> Path:
    """Something of each kind."""
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "large \u00fc.bin").write_bytes(LARGE)
    (folder / "note.txt").write_text("h\u00e9llo\n")
    (folder / "picture.png").write_bytes(picture())
    (folder / "empty").write_bytes(b"")
    return folder


def link_of(page: Page) -> str:
    """The link that the page shows when all is sent."""
    page.get_by_role("heading", name="Here is your link").wait_for()
    link = page.locator("[data-link]").text_content()
    assert link is not None
    assert page.locator("[data-qr] svg path").count() > 0
    return link


def save(page: Page, label: str, target: Path) -> bytes:
    """Press a download button; the bytes that were saved."""
    with page.expect_download() as waiting:
        page.get_by_label(f"Download {label}").click()
    waiting.value.save_as(target)
    assert waiting.value.suggested_filename == label.rpartition("/")[2]
    return target.read_bytes()


def test_a_folder_goes_from_one_browser_to_another(
    sender: BrowserContext, receiver: BrowserContext, cloud: Program, tmp_path: Path
) -> None:
    sent = Watched(sender)
    sent.open(f"{cloud.url}/drops")
    sent.page.set_input_files("[data-input-folder]", make_folder(tmp_path / "papers"))
    sent.page.get_by_text("More choices").click()
    sent.page.get_by_label("Title").fill("My papers")
    sent.page.get_by_role("button", name="Make a link").click()
    link = link_of(sent.page)
    expect(sent.page.get_by_role("row", name="My papers")).to_be_visible()
    assert sent.faults == []
    got = Watched(receiver)
    got.open(link)
    expect(got.page.get_by_role("heading", name="My papers")).to_be_visible()
    assert save(got.page, "large \u00fc.bin", tmp_path / "got") == LARGE
    with got.page.expect_download() as waiting:
        got.page.get_by_text("Download all as a zip").click()
    assert waiting.value.suggested_filename == "My papers.zip"
    got.page.get_by_role("link", name="papers/note.txt").click()
    expect(got.page.get_by_text("h\u00e9llo")).to_be_visible()
    assert got.faults == []


def test_an_encrypted_folder_goes_from_one_browser_to_another(
    sender: BrowserContext, receiver: BrowserContext, cloud: Program, tmp_path: Path
) -> None:
    sent = Watched(sender)
    seen: list[str] = []
    sent.page.on("request", lambda request: seen.append(f"{request.url} {request.post_data_buffer or b''!r}"))
    sent.open(f"{cloud.url}/drops")
    sent.page.set_input_files("[data-input-folder]", make_folder(tmp_path / "papers"))
    sent.page.get_by_label("Encrypt in this browser").check()
    sent.page.get_by_text("More choices").click()
    sent.page.get_by_label("Title").fill("Secret papers")
    sent.page.get_by_role("button", name="Make a link").click()
    link = link_of(sent.page)
    key = urlsplit(link).fragment
    assert len(key) == 22
    assert not any(key in one or "Secret" in one or "papers/" in one for one in seen)
    got = Watched(receiver)
    got.open(link)
    expect(got.page.get_by_role("heading", name="Secret papers")).to_be_visible()
    assert save(got.page, "papers/deep/large \u00fc.bin", tmp_path / "got") == LARGE
    assert save(got.page, "papers/empty", tmp_path / "none") == b""
    got.page.get_by_label("Show papers/note.txt").click()
    expect(got.page.get_by_text("h\u00e9llo")).to_be_visible()
    got.page.get_by_label("Show papers/picture.png").click()
    width = "() => Math.max(0, ...[...document.querySelectorAll('[data-preview] img')].map((one) => one.naturalWidth))"
    wait_until(lambda: got.page.evaluate(width) == 600, 30)
    assert got.faults == []
    got.page.goto("about:blank")
    got.open(link.replace(key, "A" * 22))
    expect(got.page.get_by_role("alert")).to_contain_text("does not fit")
    command = cloud.run("drop", "get", link, "-o", str(tmp_path / "fetched"))
    assert command.returncode == 0
    assert (tmp_path / "fetched" / "papers" / "deep" / "large \u00fc.bin").read_bytes() == LARGE


def test_what_the_command_encrypts_the_browser_opens(receiver: BrowserContext, cloud: Program, tmp_path: Path) -> None:
    (tmp_path / "for you.bin").write_bytes(LARGE[:200_000])
    made = urlsplit(
        cloud.run("drop", str(tmp_path / "for you.bin"), "--encrypt", "--password", "sesame").stdout.strip()
    )
    page = receiver.new_page()
    page.goto(f"{cloud.url}{made.path}#{made.fragment}")
    page.get_by_label("Password").fill("sesame")
    page.get_by_role("button", name="Open").click()
    page.wait_for_url(f"**{made.path}#{made.fragment}")
    assert save(page, "for you.bin", tmp_path / "got") == LARGE[:200_000]


def test_an_encrypted_download_goes_on_after_cuts(receiver: BrowserContext, cloud: Program, tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(LARGE)
    made = urlsplit(cloud.run("drop", str(tmp_path / "large.bin"), "--encrypt", "--downloads", "1").stdout.strip())
    with FlakyProxy(cloud.port, 3, 3_000_000, 9_000_000, down=True) as proxy:
        page = receiver.new_page()
        page.goto(f"{proxy.url}{made.path}#{made.fragment}")
        assert save(page, "large.bin", tmp_path / "got") == LARGE
        assert proxy.cuts > 0


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_an_upload_goes_on_after_the_page_was_closed(
    receiver: BrowserContext, cloud: Program, tmp_path: Path, is_encrypted: bool
) -> None:
    (tmp_path / "large.bin").write_bytes(LARGE)
    page = receiver.new_page()

    def send() -> None:
        page.goto(f"{cloud.url}/d/")
        page.set_input_files("[data-input-files]", tmp_path / "large.bin")
        page.get_by_label("Encrypt in this browser").set_checked(is_encrypted)
        page.get_by_role("button", name="Make a link").click()

    held: list[int] = []

    def cut(route: Route) -> None:
        held.append(1)
        if len(held) > is_encrypted:
            route.abort()
        else:
            route.continue_()

    page.route("**/d/tus/*", cut)
    send()
    expect(page.locator("[data-status]")).to_contain_text("broke", timeout=30_000)
    page.unroute("**/d/tus/*")
    page.on("dialog", lambda dialog: dialog.accept())
    starts: list[str] = []
    page.on("request", lambda request: starts.append(request.method) if "/d/tus" in request.url else None)
    page.goto(f"{cloud.url}/d/")
    expect(page.get_by_text("An upload broke off")).to_be_visible()
    send()
    link = link_of(page)
    assert "POST" not in starts
    assert "HEAD" in starts
    cloud.run("drop", "get", link, "-o", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == LARGE


def test_a_guest_answers_a_request(sender: BrowserContext, receiver: BrowserContext, cloud: Program) -> None:
    page = sender.new_page()
    page.goto(f"{cloud.url}/drops/requests")
    page.get_by_label("What for").fill("Scans")
    page.get_by_label("Only these kinds").fill(".pdf, .txt")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Copy").first.text_content() or ""
    guest = receiver.new_page()
    guest.goto(link)
    guest.set_input_files("[data-input-files]", FilePayload(name="x.exe", mimeType="", buffer=b"x"))
    guest.get_by_role("button", name="Send").click()
    expect(guest.locator(".toast")).to_contain_text(".pdf, .txt")
    guest.reload()
    scan = FilePayload(name="scan.txt", mimeType="text/plain", buffer=b"scan")
    guest.set_input_files("[data-input-files]", scan)
    guest.get_by_role("button", name="Send").click()
    expect(guest.get_by_role("heading", name="Thank you")).to_be_visible()
    page.goto(f"{cloud.url}/drops")
    row = page.get_by_role("row").filter(has_text="received")
    expect(row).to_contain_text("scan.txt")
    path = row.get_by_role("link", name="Open").get_attribute("href") or ""
    assert httpx.get(cloud.url + path).status_code == 404
    page.goto(cloud.url + path)
    expect(page.get_by_text("scan", exact=True)).to_be_visible()
    page.goto(f"{cloud.url}/")
    notices = page.request.get(f"{cloud.url}/account/notices")
    assert "Scans" in notices.text()


HOSTILE = {
    "page.html": b"<script>fetch('/api/v1/me');document.title='ran'</script><h1>hi</h1>",
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>document.title="ran"</script></svg>',
    "page.xhtml": b'<html xmlns="http://www.w3.org/1999/xhtml"><script>document.title="ran"</script></html>',
    "notes.md": b"<script>document.title='ran'</script><img src=x onerror=alert(1)> [x](javascript:alert(1))",
    '"><img src=x onerror=alert(1)>.txt': b"named badly",
}


def test_hostile_files_do_not_run(sender: BrowserContext, cloud: Program) -> None:
    with cloud.owner() as owner:
        answer = owner.post("/d/", files=[("file", (name, data)) for name, data in HOSTILE.items()])
    drop = urlsplit(answer.text.strip()).path
    facts = httpx.get(cloud.url + drop, headers={"accept": "application/json"}).json()
    page = sender.new_page()
    ran: list[str] = []
    asked: list[str] = []

    def hear(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", hear)
    page.on("request", lambda request: asked.append(request.url))
    for address in [drop, f"/drops/{drop[3:]}", *(urlsplit(file["url"]).path for file in facts["files"])]:
        page.goto(cloud.url + address)
        assert page.title() != "ran", address
    for file in facts["files"]:
        inline = urlsplit(file["url"]).path.replace("/d/", "/d/inline/")
        page.goto(cloud.url + inline)
        assert page.title() != "ran", inline
        assert page.evaluate("self.origin") == "null", inline
    assert ran == []
    assert not any("/api/v1/me" in one for one in asked)
    page.goto(cloud.url + "/drops")
    register = "(url) => navigator.serviceWorker.register(url).then(() => 'registered', () => 'no')"
    assert page.evaluate(register, drop + "/page.html") == "no"


def test_pages_look_right_everywhere(browser: Browser, sender: BrowserContext, cloud: Program) -> None:
    with cloud.owner(headers={"user-agent": "curl"}) as owner:
        files = [("file", (f"folder/file {n} with a name that goes on and on.txt", b"abc" * n)) for n in range(4)]
        many = urlsplit(owner.post("/d/", files=files, data={"title": "Photos", "note": "All."}).text.strip()).path
        shown = [
            urlsplit(owner.put(f"/d/{name}", content=data).text.strip()).path
            for name, data in {"a.png": picture(), "b.py": CODE.encode(), "c.md": b"# Hi\n\n- x\n"}.items()
        ]
        asked = owner.post("/api/v1/drop-requests", json={"title": "Scans", "types": ".pdf"}).json()
    state = sender.storage_state()
    own = ["/drops", "/drops/requests", f"/drops/{many[3:]}"]
    open_to_all = ["/d/", many, *shown, f"/d/r/{asked['id']}", f"/d/r/{asked['id']}?sent=1"]
    faults: dict[str, object] = {}
    for paths, kept in ((own, state), (open_to_all, None)):
        with looks_with(browser, kept) as looks:
            for path in paths:  # a text may have a heading of its own
                found = find_faults_in(looks, cloud.url + path, has_one_h1=not path.endswith(".md"))
                faults |= {path: found} if found else {}
    assert faults == {}
