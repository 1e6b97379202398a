"""A local file and a pad in step, both ways; and a pad in an editor."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from fazt.core.client import Client
from fazt.core.errors import FaztError, Invalid, NotFound, Unavailable

POLL_S = 0.3
AGAIN_S = 2.0
TEXT = {"accept": "application/json"}


class Step:
    """The file and the pad as they were when they were last the same."""

    def __init__(self, client: Client, name: str, file: Path) -> None:
        self.client, self.name, self.file = client, name, file
        self.text: str | None = None
        self.etag = ""

    def read_file(self) -> str | None:
        """What the file says; None where there is none. Raises Invalid."""
        try:
            return self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise Invalid(f"{self.file} is not text in UTF-8.") from error

    def read_pad(self) -> dict[str, Any] | None:
        """The pad's text and tag; None where there is none."""
        try:
            found: dict[str, Any] = self.client.request("GET", f"/pad/{self.name}", headers=TEXT).json()
        except NotFound:
            return None
        return found

    def send(self, text: str) -> None:
        """What changed in the file goes into the pad, and what others wrote meanwhile comes back."""
        headers = {**TEXT, **({"if-match": self.etag} if self.etag else {})}
        done = self.client.request("PUT", f"/pad/{self.name}", content=text.encode(), headers=headers).json()
        self.take(done["text"], done["etag"], text)

    def take(self, text: str, etag: str, now: str | None) -> None:
        """The pad says this; `now` is what the file says."""
        self.text, self.etag = text, etag
        if text != now:
            write_whole(self.file, text)

    def begin(self, which: str | None) -> str:
        """Bring both in step for the first time, when nobody knows what they had in common. Raises Invalid."""
        here, there = self.read_file(), self.read_pad()
        if there is None or not there["text"]:
            self.text = None if there is None else ""
            return self.bring()
        if here and here != there["text"] and which is None:
            raise Invalid(
                f"{self.file} and {self.name} differ.", hint="Say --take file or --take pad: the other is overwritten."
            )
        self.text, self.etag = there["text"], there["etag"]
        if not here or which == "pad":
            self.take(there["text"], there["etag"], here)
            return "received"
        return self.bring()

    def bring(self) -> str:
        """Bring both in step; what was done, in a word, or "" for nothing."""
        here, there = self.read_file(), self.read_pad()
        if here is not None and here != self.text:
            self.send(here)
            return "sent"
        if there is not None and there["text"] != self.text:
            self.take(there["text"], there["etag"], here)
            return "received"
        return ""


def write_whole(file: Path, text: str) -> None:
    """Replace a file's text in one step, so that an editor never reads half of it."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".fazt-", delete=False) as made:
        made.write(text)
    made_file = Path(made.name)
    made_file.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
    made_file.replace(file)


def keep_in_step(
    client: Client, name: str, file: Path, tell: Callable[[str], None], *, once: bool, take: str | None
) -> None:
    """Until Ctrl+C. A server that is away is waited for."""
    step = Step(client, name, file)
    words = {"sent": f"{file} → {name}", "received": f"{name} → {file}"}
    woken = threading.Event()
    done = step.begin(take)
    tell(words.get(done, f"{file} and {name} are the same."))
    if once:
        return
    threading.Thread(target=follow, args=(client, name, woken), daemon=True).start()
    seen = stamp_of(file)
    while True:
        woken.wait(POLL_S)
        if not woken.is_set() and stamp_of(file) == seen:
            continue
        woken.clear()
        try:
            done = step.bring()
        except Unavailable as error:
            tell(error.message)
            threading.Event().wait(AGAIN_S)
            woken.set()
            continue
        if done:
            tell(words[done])
        seen = stamp_of(file)


def stamp_of(file: Path) -> tuple[int, int]:
    """Whether a file was written anew."""
    try:
        facts = file.stat()
    except FileNotFoundError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size


def follow(client: Client, name: str, woken: threading.Event) -> None:
    """Wake whoever waits at each change of a pad."""
    while True:
        try:
            for _ in changes(client, name):
                woken.set()
        except FaztError:
            pass
        threading.Event().wait(AGAIN_S)
        woken.set()


def changes(client: Client, name: str) -> Iterator[dict[str, Any]]:
    """The changes of a pad as they happen. Raises Unavailable."""
    import httpx  # noqa: PLC0415

    try:
        with client.http.stream("GET", f"/pad/{name}/events", timeout=60) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line.removeprefix("data: "))
    except httpx.HTTPError as error:
        raise Unavailable(f"Cannot follow {name}: {error}.") from error


def edit_in_editor(client: Client, name: str) -> None:
    """Open a pad in $EDITOR; what was changed there is merged."""
    with tempfile.TemporaryDirectory(prefix="fazt-") as folder:
        file = Path(folder) / f"{name}.md"
        step = Step(client, name, file)
        if not step.begin("pad"):
            write_whole(file, "")
            step.text = ""
        click.edit(filename=str(file), editor=os.environ.get("VISUAL") or os.environ.get("EDITOR"))
        step.bring()
