"""The API of sites: deploys in steps and at once, who may do what, and refusals that change nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import msgspec
import pytest

from tests.apps.sites.archives import make_tar, make_zip
from tests.apps.sites.conftest import Deploy
from tests.program import Program

ROOT = "/api/v1/sites"
SITE = {"index.html": b"<p>one</p>", "a.css": b"a{}" * 500, "big.bin": bytes(range(256)) * 4000}


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    return {"files": {path: (digest(data), len(data)) for path, data in files.items()}}


def send(owner: httpx.Client, name: str, files: dict[str, bytes]) -> dict[str, Any]:
    """A whole deploy in steps; the report."""
    plan = owner.post(f"{ROOT}/{name}/deploys", json=manifest(files)).raise_for_status().json()
    bodies = {digest(data): data for data in files.values()}
    batch = {hash: bodies[hash] for hash in plan["missing"]}
    body = msgspec.msgpack.encode(batch)
    address = f"{ROOT}/{name}/deploys/{plan['id']}"
    owner.post(f"{address}/blobs", content=body).raise_for_status()
    report: dict[str, Any] = owner.post(f"{address}/finish").raise_for_status().json()
    return report


def test_a_deploy_in_steps(owner: httpx.Client, visit: Callable[[str], httpx.Client]) -> None:
    begun = owner.post(f"{ROOT}/steps/deploys", json=manifest({**SITE, ".env": b"KEY", "a/.git/x": b""})).json()
    assert begun["ignored"] == [".env", "a/.git/x"]
    assert sorted(begun["missing"]) == sorted(digest(data) for data in SITE.values())
    address = f"{ROOT}/steps/deploys/{begun['id']}"
    small = {digest(SITE[path]): SITE[path] for path in ("index.html", "a.css")}
    assert owner.post(f"{address}/blobs", content=msgspec.msgpack.encode(small)).status_code == 204
    early = owner.post(f"{address}/finish")
    assert (early.status_code, early.json()["details"]["missing"]) == (409, [digest(SITE["big.bin"])])
    assert visit("steps").get("/").status_code == 404
    wrong = owner.put(f"{address}/blobs/{digest(SITE['big.bin'])}", content=SITE["big.bin"][:-1] + b"?")
    assert wrong.status_code == 400
    assert owner.put(f"{address}/blobs/{digest(b'other')}", content=b"other").status_code == 404
    assert owner.put(f"{address}/blobs/{digest(SITE['big.bin'])}", content=SITE["big.bin"]).status_code == 204
    report = owner.post(f"{address}/finish").json()
    assert (report["site"], report["version"]["number"], report["version"]["file_count"]) == ("steps", 1, 3)
    assert visit("steps").get("/big.bin").content == SITE["big.bin"]
    assert owner.post(f"{address}/finish").status_code == 404


def test_only_what_changed_is_asked_for(owner: httpx.Client) -> None:
    send(owner, "changing", SITE)
    plan = owner.post(f"{ROOT}/changing/deploys", json=manifest({**SITE, "a.css": b"new"})).json()
    assert plan["missing"] == [digest(b"new")]
    again = send(owner, "changing", SITE)
    assert (again["is_new"], again["version"]["number"]) == (False, 1)


def test_a_deploy_that_broke_off_goes_on(owner: httpx.Client) -> None:
    plan = owner.post(f"{ROOT}/broken/deploys", json=manifest(SITE)).json()
    body = msgspec.msgpack.encode({digest(SITE["a.css"]): SITE["a.css"]})
    owner.post(f"{ROOT}/broken/deploys/{plan['id']}/blobs", content=body).raise_for_status()
    fresh = owner.post(f"{ROOT}/broken/deploys", json=manifest(SITE)).json()
    assert digest(SITE["a.css"]) not in fresh["missing"]
    assert len(fresh["missing"]) == 2


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"../x": ("0" * 64, 1)},
        {"/x": ("0" * 64, 1)},
        {"x": ("zz", 1)},
        {"x": ("0" * 64, -1)},
        {"x": ("0" * 64, 1 << 40)},
        {"x": ["0" * 64]},
    ],
)
def test_manifests_that_are_refused(owner: httpx.Client, files: dict[str, Any]) -> None:
    assert owner.post(f"{ROOT}/never/deploys", json={"files": files}).status_code in {400, 413}
    assert owner.get(f"{ROOT}/never").status_code == 404


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_an_archive_at_once(
    owner: httpx.Client, visit: Callable[[str], httpx.Client], make: Callable[[dict[str, bytes]], bytes]
) -> None:
    large = {"film.mp4": random.Random(1).randbytes(20_000_000)}
    report = owner.put(f"{ROOT}/packed", content=make({**SITE, **large, ".env": b"KEY"}), params={"message": "first"})
    assert report.status_code == 200
    assert report.json()["version"]["file_count"] == 4
    assert visit("packed").get("/film.mp4").content == large["film.mp4"]
    assert visit("packed").get("/.env").status_code == 404
    assert owner.delete(f"{ROOT}/packed", params={"forever": "true"}).status_code == 204


@pytest.mark.parametrize(
    ("archive", "status", "said"),
    [
        (b"not an archive", 400, "neither a zip"),
        (make_zip({"../up.html": b"x"}), 400, "'..'"),
        (make_tar({"/etc/passwd": b"x"}), 400, "absolute"),
        (make_tar({"index.html": b"\0" * (60 << 20)}), 413, "bombs"),
        (make_zip({"index.html": b"x", "aux.html": b"x"}), 400, "Windows"),
        (make_tar(SITE)[:-40], 400, "damaged"),
        (make_zip({"_headers": b"/*\n  Basic-Auth: a:b\n"}), 400, "Basic-Auth"),
    ],
    ids=["no archive", "up", "absolute", "bomb", "aux", "cut", "headers"],  # archives hold the time they were made
)
def test_archives_that_are_refused_change_nothing(
    owner: httpx.Client, deploy: Deploy, archive: bytes, status: int, said: str
) -> None:
    site = deploy("steady", {"index.html": b"as it was"})
    answer = owner.put(f"{ROOT}/steady", content=archive)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert site.get("/").content == b"as it was"
    assert len(owner.get(f"{ROOT}/steady/versions").json()) == 1


def test_a_refused_archive_makes_no_site(owner: httpx.Client) -> None:
    assert owner.put(f"{ROOT}/unborn", content=b"PK\x03\x04nonsense").status_code == 400
    assert owner.get(f"{ROOT}/unborn").status_code == 404


def test_lines_that_are_passed_over_are_told(owner: httpx.Client) -> None:
    files = {"index.html": b"x", "_redirects": b"/a\n", "_headers": b"/*\n  Date: now\n"}
    warnings = owner.put(f"{ROOT}/warned", content=make_tar(files)).json()["warnings"]
    assert [warning.partition(":")[0] for warning in warnings] == ["_redirects, line 1", "_headers, line 2"]


def test_versions_files_and_pruning(owner: httpx.Client, visit: Callable[[str], httpx.Client]) -> None:
    for n in range(4):
        send(owner, "history", {"index.html": b"%d" % n, "same.txt": b"same"})
    versions = owner.get(f"{ROOT}/history/versions").json()
    assert [version["number"] for version in versions] == [4, 3, 2, 1]
    files = owner.get(f"{ROOT}/history/files", params={"version": 2}).json()
    assert files[0] == {"path": "index.html", "hash": digest(b"1"), "size": 1}
    assert owner.get(f"{ROOT}/history/files", params={"version": 9}).status_code == 404
    assert owner.post(f"{ROOT}/history/rollback", json={"version": 1}).json()["is_current"]
    assert owner.post(f"{ROOT}/history/prune", json={"keep": 1}).json() == {"versions": [3, 2]}
    assert visit("history").get("/").content == b"0"
    assert owner.post(f"{ROOT}/history/prune", json={"keep": 0}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/guarded"),
        ("PUT", "/guarded"),
        ("PATCH", "/guarded"),
        ("DELETE", "/guarded"),
        ("POST", "/guarded/deploys"),
        ("POST", "/guarded/rollback"),
        ("PUT", "/guarded/password"),
        ("GET", "/guarded/files"),
    ],
)
def test_strangers_may_nothing(program: Program, deploy: Deploy, method: str, path: str) -> None:
    deploy("guarded", {"index.html": b"x"})
    with program.client() as stranger:
        assert stranger.request(method, ROOT + path, json={}).status_code == 401


def test_tokens_are_held_to_their_scopes(program: Program, deploy: Deploy) -> None:
    deploy("mine", {"index.html": b"x"})
    reader = program.run("token", "create", "reader", "--scope", "sites:read").stdout.strip()
    with program.client(headers={"authorization": f"Bearer {reader}"}) as client:
        assert client.get(f"{ROOT}/mine").status_code == 200
        assert client.put(f"{ROOT}/mine", content=make_tar(SITE)).status_code == 403
    writer = program.run("token", "create", "writer", "--scope", "sites:rw").stdout.strip()
    with program.client(headers={"authorization": f"Bearer {writer}"}) as client:
        assert client.put(f"{ROOT}/mine", content=make_tar(SITE)).status_code == 200


def test_a_host_of_a_site_has_no_api(visit: Callable[[str], httpx.Client], deploy: Deploy, owner: httpx.Client) -> None:
    site = deploy("apiless", {"index.html": b"x"})
    assert site.get(ROOT, auth=owner.auth).status_code == 404
    assert site.get("/login").status_code == 404


def test_counting_pages_elsewhere(program: Program, deploy: Deploy) -> None:
    deploy("counted", {"index.html": b"x"})
    with program.client() as stranger:
        script = stranger.get("/track")
        assert script.headers["content-type"].startswith("text/javascript")
        assert len(script.content) < 1100
        assert script.headers["cross-origin-resource-policy"] == "cross-origin"
        beacon = stranger.post("/track", data={"s": "counted", "u": "https://elsewhere.example/a?b=c", "r": ""})
        assert (beacon.status_code, beacon.headers["access-control-allow-origin"]) == (204, "*")
        assert stranger.post("/track", data={"s": "nobody", "u": "x"}).status_code == 204
        assert stranger.post("/track", content=b"x" * 10_000).status_code == 413
        picture = stranger.get("/pixel.gif", params={"s": "counted"})
        assert picture.content.startswith(b"GIF89a")
        assert picture.headers["cache-control"] == "no-store"
