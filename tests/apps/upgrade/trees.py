"""Light releases: the source as it is, in the layout of a release, with a version and a key of the tests' own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fazt.apps.upgrade.model import archive_name
from fazt.apps.upgrade.wire.minisign import SecretKey
from tools.release.build import ROOT, stamp_keys, stamp_version
from tools.release.pack import SUMS, pack_tree, sign_file, write_sums

KEY = SecretKey(b"fazttest", bytes(range(32)))
LAUNCHER = """\
#!{python}
import os, sys
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "_internal")]
os.environ["PYTHONPATH"] = sys.path[0]  # its helpers are of this version, too
{trouble}
from fazt.__main__ import main
main()
"""
DIES = 'if sys.argv[1:2] == ["serve"]: sys.exit("this version is broken")'
MUTE = 'if sys.argv[1:2] == ["serve"]: import signal; signal.pause()'
MIGRATION = '''\
"""A table more, in a version of the tests."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "9999_later"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the table."""
    op.create_table("core_later", sa.Column("id", sa.Text, primary_key=True))
'''


def make_tree(
    folder: Path,
    version: str,
    *,
    trouble: str = "",
    migrates: bool = False,
    says: str = "",
    python: str = sys.executable,
) -> Path:
    """`versions/<version>/` below a folder. `says` is the version that it takes itself for."""
    tree = folder / "versions" / version
    shutil.copytree(ROOT / "src" / "fazt", tree / "_internal" / "fazt", copy_function=link)
    package = tree / "_internal" / "fazt"
    for name in ("__init__.py", "apps/upgrade/wire/keys.pub"):
        shutil.copy(ROOT / "src" / "fazt" / name, package / "copy")
        (package / "copy").replace(package / name)
    stamp_version(package, says or version)
    stamp_keys(package, [KEY.public])
    if migrates:
        (package / "migrations" / "versions" / "9999_later.py").write_text(MIGRATION)
    program = tree / "fazt"
    program.write_text(LAUNCHER.format(python=python, trouble=trouble))
    program.chmod(0o755)
    return tree


def link(source: str, target: str) -> str:
    """No copy where a second name does; compiled files know the moment of their source."""
    os.link(source, target)
    return target


class Release:
    """A release in a folder: archive, sums, signatures."""

    def __init__(self, folder: Path, version: str, **how: Any) -> None:
        self.version, self.folder = version, folder / f"release-{version}"
        self.tree = make_tree(self.folder / "build", version, **how)
        self.archive = pack_tree(self.tree, version, self.folder, level=1)
        self.finish()

    def finish(self, **about: Any) -> None:
        """Sums and signatures; once more after the archive was changed by hand."""
        write_sums(self.folder, [self.archive.name])
        sign_file(self.archive, about.pop("version", self.version), about.pop("key", KEY), **about)
        sign_file(self.folder / SUMS, self.version, KEY)

    def describe(self, url: str) -> dict[str, Any]:
        """As GitHub has it."""
        names = [self.archive.name, f"{self.archive.name}.minisig", SUMS, f"{SUMS}.minisig"]
        return {
            "tag_name": f"v{self.version}",
            "name": f"fazt {self.version}",
            "draft": False,
            "prerelease": False,
            "published_at": "2026-11-27T20:00:00Z",
            "html_url": f"https://example.org/releases/v{self.version}",
            "body": f"## What is new in {self.version}\n\n- It is *newer*.",
            "assets": [
                {
                    "name": name,
                    "size": (self.folder / name).stat().st_size,
                    "browser_download_url": f"{url}/files/{self.version}/{name}",
                    "digest": "sha256:" + hashlib.sha256((self.folder / name).read_bytes()).hexdigest(),
                }
                for name in names
            ],
        }


class Server:
    """GitHub's releases on loopback. `cut_after` bytes of each download the line goes dead, `cuts` times."""

    def __init__(self, releases: list[Release]) -> None:
        self.releases = releases
        self.listed: list[dict[str, Any]] | None = None
        self.cut_after, self.cuts = 0, 0
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                outer.answer(self)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    @property
    def releases_url(self) -> str:
        """The value of the setting."""
        return f"{self.url}/repos/you/fazt/releases"

    def describe(self) -> list[dict[str, Any]]:
        """The list of releases."""
        return [release.describe(self.url) for release in self.releases] if self.listed is None else self.listed

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """The list, or a file, whole or from where somebody got to."""
        self.asked.append((handler.path, handler.headers.get("range", "")))
        if handler.path == "/repos/you/fazt/releases":
            self.send(handler, 200, json.dumps(self.describe()).encode())
            return
        _, part, version, name = [*handler.path.split("/"), "", "", ""][:4]
        release = next((release for release in self.releases if release.version == version), None)
        if part != "files" or release is None or not (release.folder / name).is_file():
            self.send(handler, 404, b"{}")
            return
        content = (release.folder / name).read_bytes()
        asked = handler.headers.get("range", "")
        if asked:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            self.send(handler, 206, content[start:], is_archive=name == archive_name(version))
        else:
            self.send(handler, 200, content, is_archive=name == archive_name(version))

    def send(self, handler: BaseHTTPRequestHandler, code: int, content: bytes, *, is_archive: bool = False) -> None:
        """An answer; cut off where that is wanted."""
        handler.send_response(code)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        if is_archive and self.cuts > 0 and len(content) > self.cut_after:
            self.cuts -= 1
            handler.wfile.write(content[: self.cut_after])
            handler.close_connection = True
            return
        handler.wfile.write(content)


@contextmanager
def serving(releases: list[Release]) -> Iterator[Server]:
    """A Server for the length of a block."""
    server = Server(releases)
    thread = threading.Thread(target=server.http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()
