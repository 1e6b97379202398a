"""The API, the commands, functions, links and the background work, asked of the real program."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
from PIL import Image

from tests.apps.drive.webdav import FILES, propfind, props
from tests.program import Program, wait_until

API = "/api/v1/drive"


def picture(size: int = 800) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (size, size // 2), (200, 30, 30)).save(out, "JPEG")
    return out.getvalue()


def test_moving_choosing_free_names_and_bringing_back(dav: httpx.Client) -> None:
    dav.post(f"{API}/folders", json={"path": "/api/deep/er"}).raise_for_status()
    for name in ("a.txt", "deep/a.txt"):
        dav.put(f"{FILES}/api/{name}", content=name.encode())
    moved = dav.post(f"{API}/move", json={"source": "/api/a.txt", "target": "/api/deep/a.txt"}).json()
    assert moved["path"] == "/api/deep/a (2).txt"
    copied = dav.post(f"{API}/copy", json={"source": "/api/deep", "target": "/api/deep"})
    assert copied.status_code == 403
    names = [row["name"] for row in dav.get(f"{API}/list", params={"path": "/api/deep"}).json()]
    assert names == ["a (2).txt", "a.txt", "er"]
    assert dav.post(f"{API}/delete", json={"paths": ["/api/deep/a.txt", "/api/none"]}).status_code == 404
    assert dav.post(f"{API}/delete", json={"paths": ["/api/deep/a.txt"]}).status_code == 204
    (trashed,) = (one for one in dav.get(f"{API}/trash").json() if one["path"] == "/api/deep/a.txt")
    assert dav.post(f"{API}/trash/restore", json={"ids": [trashed["id"]]}).json() == ["/api/deep/a.txt"]
    assert [row["path"] for row in dav.get(f"{API}/search", params={"q": "A (2)"}).json()] == ["/api/deep/a (2).txt"]
    dav.put(f"{FILES}/api/deep/a.txt", content=b"newer")
    (version,) = dav.get(f"{API}/versions", params={"path": "/api/deep/a.txt"}).json()
    dav.post(f"{API}/versions/restore", json={"path": "/api/deep/a.txt", "version": version["id"]}).raise_for_status()
    assert dav.get(f"{FILES}/api/deep/a.txt").text == "deep/a.txt"
    usage = dav.get(f"{API}/usage").json()
    (entry,) = props(propfind(dav, FILES, "quota-used-bytes")).values()
    assert usage["used"] == int(entry["quota-used-bytes"])


def test_a_folder_that_two_people_share(shared_program: Program, dav: httpx.Client) -> None:
    added = shared_program.run(
        "user", "add", "guest@example.org", input="another long password\nanother long password\n", check=False
    )
    dav.post(f"{API}/shared", json={"name": "team"}).raise_for_status()
    assert dav.post(f"{API}/shared", json={"name": "team"}).status_code == 409
    dav.put("/dav/shared/team/plan.txt", content=b"plan").raise_for_status()
    assert added.returncode == 0, added.stderr
    person = "guest@example.org"
    guest_login = (person, "another long password")
    with shared_program.client(auth=guest_login) as guest:
        assert guest.get("/dav/shared/team/plan.txt").status_code == 404
        dav.put(f"{API}/shared/team/people", json={"person": person}).raise_for_status()
        assert guest.get("/dav/shared/team/plan.txt").text == "plan"
        assert guest.put("/dav/shared/team/plan.txt", content=b"x").status_code == 403
        dav.put(f"{API}/shared/team/people", json={"person": person, "may_write": True}).raise_for_status()
        assert guest.put("/dav/shared/team/plan.txt", content=b"ours").status_code == 204
        assert dav.get("/dav/shared/team/plan.txt").text == "ours"
        assert list(props(propfind(guest, "/dav/shared", depth="1"))) == ["/dav/shared/", "/dav/shared/team/"]
        assert guest.get("/dav/files/api").status_code == 404
        dav.delete(f"{API}/shared/team/people/{person}").raise_for_status()
        assert guest.get("/dav/shared/team/plan.txt").status_code == 404


def test_a_link_shows_what_it_shares_and_nothing_else(shared_program: Program, dav: httpx.Client) -> None:
    dav.request("MKCOL", f"{FILES}/linked")
    dav.put(f"{FILES}/linked/a.html", content=b"<script>alert(1)</script>")
    dav.put(f"{FILES}/linked/p.jpg", content=picture())
    dav.put(f"{FILES}/secret.txt", content=b"secret")
    made = dav.post(f"{API}/shares", json={"path": "/linked", "days": 1}).json()
    token = made["url"].rpartition("/")[2]
    with shared_program.client() as stranger:
        page = stranger.get(made["url"])
        assert page.status_code == 200
        assert "a.html" in page.text
        raw = stranger.get(f"/drive/raw/{token}/a.html", headers={"range": "bytes=0-7"})
        assert (raw.status_code, raw.content) == (206, b"<script>")
        assert "sandbox" in raw.headers["content-security-policy"]
        saved = stranger.get(f"/drive/raw/{token}/a.html?save")
        assert saved.headers["content-disposition"].startswith("attachment")
        for path in ("../secret.txt", "%2e%2e/secret.txt", "none", ""):
            assert stranger.get(f"/drive/raw/{token}/{path}").status_code in {400, 404}
        assert stranger.put(f"/drive/raw/{token}/a.html", content=b"x").status_code == 405
        ids = {row["name"]: row["id"] for row in dav.get(f"{API}/list", params={"path": "/linked"}).json()}
        other = dav.get(f"{API}/info", params={"path": "/secret.txt"}).json()["id"]
        assert stranger.get(f"/drive/st/{token}/{ids['p.jpg']}").content[8:12] == b"WEBP"
        assert stranger.get(f"/drive/st/{token}/{other}").status_code == 404
        archive = stranger.get(f"/drive/sz/{token}")
        assert int(archive.headers["content-length"]) == len(archive.content)
        with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
            assert sorted(opened.namelist()) == ["linked/", "linked/a.html", "linked/p.jpg"]
            assert opened.read("linked/p.jpg") == picture()
        locked = dav.post(f"{API}/shares", json={"path": "/secret.txt", "password": "sesame"}).json()
        secret = locked["url"].rpartition("/")[2]
        door = stranger.get(locked["url"]).headers["location"]
        assert "password" in stranger.get(door).text
        assert stranger.get(f"/drive/raw/{secret}").status_code == 403
        assert stranger.post(door, data={"password": "wrong"}).status_code == 403
        assert stranger.post(door, data={"password": "sesame"}).status_code == 303
        assert stranger.get(f"/drive/raw/{secret}").text == "secret"
        dav.delete(f"{API}/shares/{made['id']}").raise_for_status()
        assert stranger.get(made["url"]).status_code == 404
        dav.delete(f"{FILES}/secret.txt")
        assert stranger.get(f"/drive/raw/{secret}").status_code == 404


def test_the_commands(shared_program: Program, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "é.txt").write_text("from the command line")
    (source / "b.bin").write_bytes(bytes(300_000))
    run = shared_program.run
    assert "2 files sent" in run("drive", "put", str(source), "/cli").stdout
    run("drive", "mv", "/cli/b.bin", "/cli/c.bin")
    assert "c.bin" in run("drive", "ls", "/cli").stdout
    run("drive", "get", "/cli", str(tmp_path / "back"))
    assert (tmp_path / "back/sub/é.txt").read_text() == "from the command line"
    assert (tmp_path / "back/c.bin").stat().st_mtime == int((source / "b.bin").stat().st_mtime)
    (source / "b.bin").write_bytes(b"shorter")
    run("drive", "put", str(source / "b.bin"), "/cli/c.bin")
    assert "300000" in run("drive", "versions", "/cli/c.bin").stdout
    assert run("drive", "share", "/cli/c.bin").stdout.startswith("/drive/s/")
    run("drive", "rm", "/cli/c.bin")
    assert "/cli/c.bin" in run("drive", "trash").stdout
    assert "There is no" in run("drive", "get", "/cli/c.bin", check=False).stderr


def test_search_finds_what_texts_say_and_forgets_what_is_gone(dav: httpx.Client) -> None:
    dav.put(f"{FILES}/zebra.md", content=b"# About quaggas\n")

    def found(query: str) -> bool:
        return "zebra.md" in dav.get("/api/v1/search", params={"q": query}).text

    wait_until(lambda: found("quaggas"), 15, "a text in the search")
    dav.delete(f"{FILES}/zebra.md")
    wait_until(lambda: not found("quaggas"), 15, "its going")
