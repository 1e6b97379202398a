"""Clients of topics that no one here wrote, in the forms that ntfy's and the browsers' pages document."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apprise
import httpx
import pytest

from tests.e2e.browser import chromium, log_in
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

FOLDER = Path(__file__).parent
LISTEN = """
async ([address, kind]) => {
  globalThis.got = [];
  globalThis.ready = false;
  if (kind === "socket") {
    const socket = new WebSocket(address.replace(/^http/, "ws"));
    socket.onmessage = (event) => {
      const said = JSON.parse(event.data);
      if (said.event === "subscribed" || said.event === "open") globalThis.ready = true;
      if (said.event === "message") globalThis.got.push(said.data ?? said.message);
    };
  } else {
    const source = new EventSource(address);
    source.onopen = () => { globalThis.ready = true; };
    source.onmessage = (event) => {
      const said = JSON.parse(event.data);
      globalThis.got.push(said.data ?? said.message);
    };
  }
}
"""


@pytest.fixture(scope="module")
def token(shared_program: Program) -> str:
    """A token for all topics."""
    return shared_program.run("token", "create", "all", "--scope", "pubsub:rw").stdout.strip()


@pytest.fixture
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    """The owner."""
    with shared_program.owner() as client:
        yield client


def poll(owner: httpx.Client, topic: str) -> list[dict[str, Any]]:
    """What ntfy's clients would read."""
    return [json.loads(line) for line in owner.get(f"/ntfy/{topic}/json?poll=1").text.splitlines()]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names below localhost are this machine, as browsers have it and not every resolver."""
    known = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        return known("127.0.0.1" if host == "ntfy.localhost" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")  # of modules that it imports, not ours to mend
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # as above
@pytest.mark.usefixtures("named")
def test_apprise_publishes_text_and_files(
    shared_program: Program, owner: httpx.Client, token: str, tmp_path: Path
) -> None:
    picture = tmp_path / "plot.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(6_000))
    host = f"ntfy.localhost:{shared_program.port}/apprise"
    more = f"priority=high&tags=warning,disk&click={quote('https://x.example/', safe='')}"
    more += f"&actions={quote('view, Open, https://x.example/', safe='')}"
    sender = apprise.Apprise(f"ntfy://{host}?auth=token&token={token}&{more}")
    assert sender.notify(title="Disk", body="91 % full 😀")
    assert sender.notify(title="Plot", body="See below", attach=str(picture))
    login = f"{quote(OWNER_EMAIL)}:{quote(OWNER_PASSWORD)}"
    assert apprise.Apprise(f"ntfy://{login}@{host}").notify(body="by password")
    assert not apprise.Apprise(f"ntfy://nobody:wrong@{host}").notify(body="refused")
    found = poll(owner, "apprise")
    assert (found[0]["title"], found[0]["message"], found[0]["priority"]) == ("Disk", "91 % full 😀", 4)
    assert {"warning", "disk"} <= set(found[0]["tags"])
    assert (found[0]["click"], found[0]["actions"][0]["label"]) == ("https://x.example/", "Open")
    attached = next(one["attachment"] for one in found if "attachment" in one)
    assert (attached["name"], attached["size"]) == ("plot.png", 6_008)
    assert [one["message"] for one in found][-1] == "by password"


def test_npms_ntfy_publishes(shared_program: Program, owner: httpx.Client, token: str, tmp_path: Path) -> None:
    data = tmp_path / "data.bin"
    data.write_bytes(b"\xff\xfe" + bytes(5_000))
    command = ["node", "pubsub_ntfy.mjs", f"{shared_program.url}/ntfy/", "npm", token, str(data)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert poll(owner, "npm") == [first, second]
    assert [action["action"] for action in first["actions"]] == ["view", "http", "broadcast"]
    assert first["actions"][1]["headers"] == {"X-A": "b"}
    assert first["actions"][2]["extras"] == {"who": "me"}
    assert first["attachment"] == {"name": "log.txt", "url": "https://example.org/log.txt"}
    assert httpx.get(second["attachment"]["url"]).content == data.read_bytes()


@pytest.mark.parametrize("door", ["json", "sse", "raw"])
def test_curl_listens_as_ntfys_pages_show(shared_program: Program, owner: httpx.Client, token: str, door: str) -> None:
    topic = f"curl{door}"
    publish = ["curl", "-s", "-u", f":{token}", "-H", "Title: Backup", "-d", "Backup successful 😀"]
    command = ["curl", "-sN", "-m", "20", "-u", f":{token}", f"{shared_program.url}/ntfy/{topic}/{door}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        try:
            assert curl.stdout is not None
            curl.stdout.readline()  # "open", or the empty line that stands for it
            address = f"{shared_program.url}/ntfy/{topic}"
            subprocess.run([*publish, address], check=True, capture_output=True, timeout=20)
            lines = iter(curl.stdout.readline, "")
            said = next(line for line in lines if "Backup successful" in line)
        finally:
            curl.kill()
    if door == "raw":
        assert said == "Backup successful 😀\n"
    else:
        assert json.loads(said.removeprefix("data: "))["title"] == "Backup"


def test_browsers_listen(shared_program: Program, owner: httpx.Client) -> None:
    doors = [
        ("/hub/chrome/sse", "source"),
        ("/hub/chrome/ws", "socket"),
        ("/ntfy/chrome/sse", "source"),
        ("/ntfy/chrome/ws", "socket"),
    ]
    with chromium() as browser:
        context = browser.new_context(bypass_csp=True)  # Playwright waits by eval
        log_in(context, shared_program)
        pages = []
        for path, kind in doors:
            page = context.new_page()
            page.goto(f"{shared_program.url}/health")
            page.evaluate(LISTEN, [f"{shared_program.url}{path}", kind])
            page.wait_for_function("globalThis.ready")
            pages.append(page)
        owner.post("/hub/chrome", content="hello")
        for page in pages:
            page.wait_for_function("globalThis.got.length === 1")
            assert page.evaluate("globalThis.got") == ["hello"]


def test_an_event_source_goes_on_where_it_was_cut_off(program: Program) -> None:
    with chromium() as browser:
        context = browser.new_context(bypass_csp=True)  # Playwright waits by eval
        log_in(context, program)
        page = context.new_page()
        page.goto(f"{program.url}/health")
        page.evaluate(LISTEN, [f"{program.url}/hub/cut/sse", "source"])
        page.wait_for_function("globalThis.ready")
        with program.owner() as owner:
            owner.post("/hub/cut", content="1")
            page.wait_for_function("globalThis.got.length === 1")
        program.kill()
        program.start()
        with program.owner() as owner:
            owner.post("/hub/cut", content="2")
            page.wait_for_function("globalThis.got.length === 2")
            owner.post("/hub/cut", content="3")
        page.wait_for_function("globalThis.got.length === 3")
        assert page.evaluate("globalThis.got") == ["1", "2", "3"]


def test_the_commands(shared_program: Program, owner: httpx.Client) -> None:
    shared_program.run("pub", "cli/temp", "21.5", "--title", "Kitchen")
    assert shared_program.run("sub", "cli/#", "--once", "--body").stdout == "21.5\n"
    said = shared_program.run("--json", "sub", "cli/temp", "--since", "all", "--count", "1").stdout
    assert json.loads(said)["title"] == "Kitchen"
    assert "name of a topic" in shared_program.run("pub", "a b", "x", check=False).stderr
