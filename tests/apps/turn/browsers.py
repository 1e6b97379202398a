"""Headless Chromium (DevTools) and Firefox (WebDriver BiDi) as far as the call page's tests need them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

READY_S = 60.0
CHROMIUM_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--ignore-certificate-errors",
    "--mute-audio",
)
FIREFOX_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "remote.active-protocols": 1,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
}


class Page:
    """One page of a browser: go somewhere, run JavaScript, wait until it says something true."""

    def __init__(self, socket: ClientConnection, session: str, context: str) -> None:
        self.socket = socket
        self.session = session
        self.context = context
        self.number = 0

    def ask(self, method: str, **parameters: Any) -> Any:
        """One command of the browser's protocol."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=READY_S))
            if answer.get("id") == self.number:
                assert answer.get("type") != "error", answer
                assert "error" not in answer, answer
                return answer["result"]

    def go(self, url: str) -> None:
        """Open an address and wait until it has loaded."""
        if self.session:
            self.ask("Page.navigate", url=url)
            self.wait(f"document.readyState === 'complete' && location.href === {url!r}")
        else:
            self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, or what its promise brings."""
        if self.session:
            found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
            assert "exceptionDetails" not in found, found
            return found["result"].get("value")
        wrapped = f"Promise.resolve({script}).then((value) => JSON.stringify(value) ?? 'null')"
        target = {"context": self.context}
        found = self.ask("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def wait(self, script: str, timeout_s: float = READY_S) -> Any:
        """Until the expression is true; its value."""
        end = time.monotonic() + timeout_s
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"{script} did not come true: {self.run('document.body.innerText')!r}"
            threading.Event().wait(0.1)
        return value

    def picture(self, path: Path, width: int, height: int) -> None:
        """A screenshot in Chromium."""
        import base64

        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))


class Browser:
    """A running browser."""

    def __init__(self, socket: ClientConnection, *, is_chromium: bool) -> None:
        self.socket = socket
        self.is_chromium = is_chromium
        self.root = Page(socket, "", "")
        if not is_chromium:
            self.root.ask("session.new", capabilities={})

    def open(self) -> Page:
        """A new page."""
        if self.is_chromium:
            context = self.root.ask("Target.createBrowserContext")["browserContextId"]
            target = self.root.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
            session = self.root.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            page = Page(self.socket, session, target)
        else:
            user = self.root.ask("browser.createUserContext")["userContext"]
            made = self.root.ask("browsingContext.create", type="window", userContext=user)
            page = Page(self.socket, "", made["context"])
        page.number = 1_000_000 * (1 + id(page) % 1000)
        return page


def address_in(lines: Any, pattern: str) -> str:
    """Where the browser listens, as it says itself."""
    for line in lines:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError("the browser did not start")


@contextmanager
def running_browser(kind: str, folder: Path) -> Iterator[Browser]:
    """`chromium` or `firefox-esr`, with a profile of its own below `folder`."""
    assert shutil.which(kind), f"{kind} is not installed"
    profile = folder / kind
    profile.mkdir()
    if kind == "chromium":
        command = [kind, *CHROMIUM_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    else:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in FIREFOX_PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        command = [kind, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=lambda: list(process.stderr or ()), daemon=True)
        try:
            url = address_in(process.stderr, r"(ws://\S+)")
            if kind != "chromium":
                url += "/session"
            reader.start()
            with connect(url, max_size=None, open_timeout=READY_S) as socket:
                yield Browser(socket, is_chromium=kind == "chromium")
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            if reader.is_alive():
                reader.join(READY_S)  # before the end of `with` closes what it reads
