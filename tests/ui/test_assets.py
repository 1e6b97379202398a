"""Static files: their versions, caching, compression, and nothing but static files."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator

import brotli
import httpx
import pytest

from fazt.core.errors import NotFound
from fazt.ui.assets import ROOT, asset, get_asset
from tests.program import Program


@pytest.fixture
def client(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept-encoding": "identity"}) as client:
        yield client


def test_a_versioned_file_is_kept_for_ever(client: httpx.Client) -> None:
    answer = client.get(asset("ui/fazt.css"))
    assert answer.content == (ROOT / "static/ui/fazt.css").read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("version", ["", "?v=", "?v=000000000000"])
def test_any_other_version_is_asked_for_again(client: httpx.Client, version: str) -> None:
    answer = client.get(f"/static/ui/fazt.css{version}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(f"/static/ui/fazt.css{version}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    ("accepted", "used"), [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("zstd", "")]
)
def test_files_are_compressed_as_the_client_likes(client: httpx.Client, accepted: str, used: str) -> None:
    with client.stream("GET", "/static/vendor/htmx.js", headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    undo = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[used]
    assert answer.headers.get("content-encoding", "") == used
    assert answer.headers["vary"] == "accept-encoding"
    assert undo(raw) == (ROOT / "static/vendor/htmx.js").read_bytes()
    assert int(answer.headers["content-length"]) == len(raw)


def test_each_encoding_has_its_own_etag(client: httpx.Client) -> None:
    tags = {
        client.head("/static/ui/fazt.css", headers={"accept-encoding": e}).headers["etag"] for e in ("br", "gzip", "")
    }
    assert len(tags) == 3


def test_a_picture_is_not_compressed_again(client: httpx.Client) -> None:
    answer = client.get("/static/ui/icon-192.png", headers={"accept-encoding": "br"})
    assert "content-encoding" not in answer.headers
    assert answer.content[:4] == b"\x89PNG"


def test_head_says_the_same_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/static/ui/fazt.css")
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == (ROOT / "static/ui/fazt.css").stat().st_size


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/ui",
        "/static/ui/none.css",
        "/static/ui/../../pages.py",
        "/static/ui/..%2f..%2fpages.py",
        "/static/home/../__init__.py",
        "/static/ui/%00",
        "/static/nothing/x.js",
        "/static/UI/fazt.css",
    ],
)
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    request = client.build_request("GET", "/static/")
    request.url = request.url.copy_with(raw_path=path.encode())
    assert client.send(request).status_code == 404


def test_files_are_only_read(client: httpx.Client) -> None:
    answer = client.post("/static/ui/fazt.css")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_modules_import_others_by_their_versions() -> None:
    imports = re.findall(rb'import[^"]*"([^"]+)"', get_asset("ui/fazt.js").data)
    assert imports
    assert all(re.fullmatch(rb"/static/ui/[a-z]+\.js\?v=[0-9a-f]{12}", name) for name in imports)
    assert asset("ui/toast.js").encode() in get_asset("ui/copy.js").data


def test_an_unknown_file_has_no_address() -> None:
    with pytest.raises(NotFound):
        asset("ui/none.css")


def test_the_manifest_names_icons_that_are_there(client: httpx.Client) -> None:
    manifest = client.get("/static/ui/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    for entry in manifest.json()["icons"]:
        assert client.get(entry["src"]).headers["content-type"] == entry["type"]


def test_the_vendored_files_are_those_that_are_listed() -> None:
    vendor = ROOT / "static" / "vendor"
    listed = json.loads((vendor / "versions.json").read_text())
    seen = {name: about["sha256"] for files in listed.values() for name, about in files.items()}
    there = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in vendor.iterdir() if p.name != "versions.json"}
    assert seen == there
