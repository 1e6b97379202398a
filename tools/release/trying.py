"""Trying a release as the poorest user there is: nobody, without an environment, in a folder of no one's."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

START_S = 180.0
OWNER = {"FAZT_OWNER_EMAIL": "owner@example.org", "FAZT_OWNER_PASSWORD": "a long enough password"}
FUNCTION = "export default () => new Response(`two and two is ${2 + 2}, on ${Deno.build.os}`);\n"


def as_nobody() -> dict[str, Any]:
    """What Popen has to be told; nothing where we are not root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Tried:
    """A release that is unpacked where nobody may read it, and has a folder to write to."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self.root, self.home = folder / "fazt", folder / "home"
        folder.chmod(0o755)
        self.home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.home, "nobody")
        with tarfile.open(archive) as tar:
            tar.extractall(self.root, filter="data")
        self.program = str(self.root / "current" / "fazt")
        self.environ = {"FAZT_DATA": str(self.home / "data.db")}

    def run(self, *words: str) -> str:
        """A command to its end; what it says. Raises CalledProcessError."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self.program, *words],
            env=self.environ,
            cwd="/",
            text=True,
            capture_output=True,
            check=False,
            **as_nobody(),
        )
        if done.returncode:
            raise SystemExit(f"`fazt {' '.join(words)}` failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def serving(self, listen: str = "127.0.0.1:0") -> Iterator[str]:
        """The server, for the length of a block; its address."""
        process = subprocess.Popen(
            [self.program, "serve", "--listen", listen],
            env=self.environ | OWNER,
            cwd="/",
            text=True,
            stderr=subprocess.PIPE,
            **as_nobody(),
        )
        heard, found, lines = threading.Event(), [], []

        def read() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                lines.append(line)
                if match := re.search(r"at http://[^/]*:(\d+)$", line.strip()):
                    found.append(match[1])
                    heard.set()
            heard.set()

        reader = threading.Thread(target=read)
        reader.start()
        heard.wait(START_S)
        try:
            if not found:
                raise SystemExit(f"`fazt serve` did not start:\n{''.join(lines)}")
            yield f"http://127.0.0.1:{found[0]}"
        finally:
            process.terminate()
            process.wait(30)
            reader.join()
            assert process.stderr is not None
            process.stderr.close()


def try_tree(archive: Path, version: str) -> None:
    """Unpack it, serve, deploy a site and a function, make a backup. Raises SystemExit with what went wrong."""
    print(f"Trying fazt {version} as nobody", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tried = Tried(Path(folder), archive)
        expect(tried.run("--version").strip(), f"fazt {version}")
        with tried.serving() as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            expect(client.get("/health").json()["version"], version)
            expect(client.get("/login").status_code, 200)
            site = tried.home / "site"
            write_site(site)
            tried.run("deploy", str(site / "still"), "--name", "still")
            tried.run("deploy", str(site / "live"), "--name", "live")
            expect(client.get("/", headers={"host": "still.localhost"}).text, "<h1>still</h1>\n")
            answer = client.get("/", headers={"host": "live.localhost"})
            expect(answer.text, "two and two is 4, on linux")
            expect(tried.run("backup", "create").strip().endswith(".db.zst"), True)


def write_site(folder: Path) -> None:
    """A site with a page, and one with a function."""
    for name, file, text in (("still", "index.html", "<h1>still</h1>\n"), ("live", "main.js", FUNCTION)):
        (folder / name).mkdir(parents=True)
        (folder / name / file).write_text(text)


def expect(found: object, wanted: object) -> None:
    """Raises SystemExit where they differ."""
    if found != wanted:
        raise SystemExit(f"The release is not well: {found!r} instead of {wanted!r}.")
