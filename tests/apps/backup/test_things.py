"""One site, one collection, out of a backup into the running cloud."""

from __future__ import annotations

import io
import os
import tarfile

import httpx

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


def test_a_site_and_a_collection_come_back_beside_what_is_there(program: Program) -> None:
    large = os.urandom(700_000)
    with program.owner() as client:
        deploy(client, {"index.html": b"old", "large.bin": large})
        client.put("/db/notes/a", json={"text": "first"}).raise_for_status()
        client.put("/db/notes/a", json={"text": "second"}).raise_for_status()
        client.put("/db/notes/b", json={"text": "gone"}).raise_for_status()
        client.delete("/db/notes/b").raise_for_status()
        assert finish(client, client.post(f"{ROOT}/create", json={}))["state"] == "done"
        deploy(client, {"index.html": b"new"})
        client.delete("/db/notes/a").raise_for_status()

        there = finish(client, client.post(f"{ROOT}/things", json={}))["result"]["things"]
        assert there == {"site": ["blog"], "collection": ["notes"]}

        said = program.run("backup", "restore", "--only", "site:blog", "--as", "blog-old").stdout
        assert said.strip().endswith("/sites/blog-old")
        wait_until(lambda: is_shown(program, "blog-old"), 10, "the site")
        assert read(program, "blog-old", "/") == b"old"
        assert read(program, "blog-old", "/large.bin") == large
        assert read(program, "blog", "/") == b"new"
        client.delete("/api/v1/sites/blog-old").raise_for_status()
        assert read(program, "blog", "/") == b"new"

        wish = {"kind": "collection", "thing": "notes", "new_name": "notes-old"}
        assert finish(client, client.post(f"{ROOT}/bring", json=wish))["state"] == "done"
        assert client.get("/db/notes-old/a").json()["text"] == "second"
        assert client.get("/db/notes-old/b").status_code == 404
        assert client.get("/db/notes/a").status_code == 404
        client.put("/db/notes-old/c", json={"text": "third"}).raise_for_status()
        assert len(client.get("/db/notes-old").json()) == 2

        for wrong in (
            {"kind": "site", "thing": "blog"},
            {"kind": "site", "thing": "none"},
            {"kind": "x", "thing": "y"},
        ):
            assert finish(client, client.post(f"{ROOT}/bring", json=wrong))["state"] == "failed"
    assert list(program.data.parent.glob("fazt-*")) == []
