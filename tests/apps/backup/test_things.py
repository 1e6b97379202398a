"""One site, one collection, out of a backup into the running cloud."""

from __future__ import annotations

import io
import os
import tarfile

import httpx
import pytest

from tests.apps.backup.test_routes import ROOT, finish
from tests.program import Program, wait_until


def pack(files: dict[str, bytes]) -> bytes:
    """A tar.gz."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def deploy(client: httpx.Client, files: dict[str, bytes]) -> None:
    """A version of the site `blog`."""
    headers = {"content-type": "application/gzip"}
    client.put("/api/v1/sites/blog", content=pack(files), headers=headers).raise_for_status()


def read(program: Program, site: str, path: str) -> bytes:
    """What a visitor gets."""
    with program.client(headers={"host": f"{site}.localhost"}) as visitor:
        return visitor.get(path).raise_for_status().content


def is_shown(program: Program, site: str) -> bool:
    """Whether a visitor gets anything."""
    with program.client(headers={"host": f"{site}.localhost"}) as visitor:
        return visitor.get("/").is_success


LARGE = os.urandom(700_000)


def fill(client: httpx.Client) -> None:
    """A site, a collection and a drive with something in them; saved, and then changed."""
    deploy(client, {"index.html": b"old", "large.bin": LARGE})
    for key, text in (("a", "first"), ("a", "second"), ("b", "gone")):
        client.put(f"/db/notes/{key}", json={"text": text}).raise_for_status()
    client.delete("/db/notes/b").raise_for_status()
    client.request("MKCOL", "/dav/files/letters").raise_for_status()
    client.put("/dav/files/letters/large.bin", content=LARGE).raise_for_status()
    client.put("/dav/files/empty.txt", content=b"").raise_for_status()
    assert finish(client, client.post(f"{ROOT}/create", json={}))["state"] == "done"
    deploy(client, {"index.html": b"new"})
    client.delete("/db/notes/a").raise_for_status()
    client.delete("/dav/files/letters/large.bin").raise_for_status()


def bring(client: httpx.Client, kind: str, thing: str, new_name: str = "") -> str:
    """How it went."""
    wish = {"kind": kind, "thing": thing, "new_name": new_name}
    return str(finish(client, client.post(f"{ROOT}/bring", json=wish))["state"])


@pytest.mark.timeout(300)
def test_a_site_a_collection_and_a_drive_come_back_beside_what_is_there(program: Program) -> None:
    with program.owner() as client:
        fill(client)
        there = finish(client, client.post(f"{ROOT}/things", json={}))["result"]["things"]
        (drive,) = there.pop("drive")
        assert there["site"] == ["blog"]
        assert there["collection"] == ["notes"]

        said = program.run("backup", "restore", "--only", "site:blog", "--as", "blog-old").stdout
        assert said.strip().endswith("/sites/blog-old")
        wait_until(lambda: is_shown(program, "blog-old"), 10, "the site")
        assert read(program, "blog-old", "/") == b"old"
        assert read(program, "blog-old", "/large.bin") == LARGE
        assert read(program, "blog", "/") == b"new"
        client.delete("/api/v1/sites/blog-old").raise_for_status()
        assert read(program, "blog", "/") == b"new"

        assert bring(client, "collection", "notes", "notes-old") == "done"
        assert client.get("/db/notes-old/a").json()["text"] == "second"
        assert client.get("/db/notes-old/b").status_code == 404
        assert client.get("/db/notes/a").status_code == 404
        client.put("/db/notes-old/c", json={"text": "third"}).raise_for_status()
        assert len(client.get("/db/notes-old").json()) == 2

        assert bring(client, "drive", drive, "as-it-was") == "done"
        assert client.get("/dav/shared/as-it-was/letters/large.bin").content == LARGE
        assert client.get("/dav/shared/as-it-was/empty.txt").content == b""
        assert client.get("/dav/files/letters/large.bin").status_code == 404

        for kind, thing in (("site", "blog"), ("site", "none"), ("x", "y")):
            assert bring(client, kind, thing) == "failed"
    assert list(program.data.parent.glob("fazt-*")) == []
