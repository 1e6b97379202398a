"""`curl -T` and `curl -F`, downloads in every way, and the end of drops; against the running program."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import time
import zipfile
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

TEXT = b"one line\nand another\n"
LARGE = bytes(range(256)) * 4_000
PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}


def put(client: httpx.Client, name: str = "notes.txt", data: bytes = TEXT, **headers: str) -> httpx.Response:
    """A drop of one file."""
    answer = client.put(f"/d/{name}", content=data, headers={name.replace("_", "-"): v for name, v in headers.items()})
    assert answer.status_code == 200, answer.text
    return answer


def path_of(answer: httpx.Response) -> str:
    """The path of the address that was answered."""
    return urlsplit(answer.text.strip()).path


def drop_of(answer: httpx.Response) -> str:
    """The id of the drop."""
    return path_of(answer).split("/")[2]


def test_curl_sends_and_fetches(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a b \u00fc.bin").write_bytes(LARGE)
    login = f"{OWNER_EMAIL}:{OWNER_PASSWORD}"
    command = ["curl", "-sS", "-u", login, "-T", str(tmp_path / "a b \u00fc.bin"), f"{program.url}/d/"]
    url = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert url.count("\n") == 1
    assert url.strip().endswith("/a%20b%20%C3%BC.bin")
    got = subprocess.run(["curl", "-sSJO", url.strip()], cwd=tmp_path, capture_output=True, check=True)
    assert got.stdout == b""
    fetched = subprocess.run(["curl", "-sS", url.strip()], capture_output=True, check=True).stdout
    assert fetched == LARGE


def test_curl_sends_a_form(program: Program, stranger: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / 'quote".txt').write_bytes(b"1")
    (tmp_path / "two.bin").write_bytes(LARGE)
    command = ["curl", "-sS", "-u", f"{OWNER_EMAIL}:{OWNER_PASSWORD}"]
    for name in ('quote".txt', "two.bin", "two.bin"):
        quoted = str(tmp_path / name).replace('"', '\\"')
        command += ["-F", f'file=@"{quoted}"']
    command += ["-F", "expires=2", "-F", "title=Both", f"{program.url}/d/"]
    url = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    facts = stranger.get(urlsplit(url).path, headers={"accept": "application/json"}).json()
    assert [file["path"] for file in facts["files"]] == ['quote".txt', "two.bin", "two (2).bin"]
    assert facts["title"] == "Both"
    assert 7100 < facts["expires_at"] / 1000 - time.time() <= 7200
    assert stranger.get(urlsplit(facts["files"][1]["url"]).path).content == LARGE


def test_a_paste_by_form(owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = owner.post("/d/", files={"text": (None, "h\u00e9llo"), "name": (None, "x.md")})
    assert answer.status_code == 200
    assert path_of(answer).endswith("/x.md")
    assert stranger.get(path_of(answer)).text == "h\u00e9llo"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"--b\r\nnothing", "too early"),
        (b"--b--\r\n", "no file"),
        (b"garbage", "garbled"),
        (b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf', "too early"),
        (b'--b\r\ncontent-disposition: form-data; name="url"\r\n\r\nhttp://x\r\n--b--\r\n', "not fetched"),
    ],
)
def test_broken_forms_leave_nothing(owner: httpx.Client, body: bytes, said: str) -> None:
    before = len(owner.get("/api/v1/drops").json())
    answer = owner.post("/d/", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert len(owner.get("/api/v1/drops").json()) == before


def test_strangers_send_only_where_they_may(owner: httpx.Client, stranger: httpx.Client) -> None:
    assert stranger.put("/d/x", content=b"x").status_code == 401
    assert stranger.post("/d/", files={"file": b"x"}).status_code == 401
    assert stranger.post("/api/v1/drops", json={}).status_code == 401
    owner.put("/api/v1/settings/drops.strangers", json={"value": True})
    try:
        answer = put(stranger, max_days="300")
        assert answer.headers["x-url-delete"]
        assert stranger.get(path_of(answer)).headers["x-remaining-days"] == "7"
        assert stranger.request("DELETE", urlsplit(answer.headers["x-url-delete"]).path).status_code == 200
        assert stranger.get(path_of(answer)).status_code == 404
        owner.put("/api/v1/settings/drops.visitor_bytes", json={"value": 100})
        assert stranger.put("/d/x", content=b"x" * 101).status_code == 507
        put(stranger, data=b"x" * 60)
        assert stranger.put("/d/x", content=b"x" * 60).status_code == 507
    finally:
        for name in ("drops.strangers", "drops.visitor_bytes"):
            owner.delete(f"/api/v1/settings/{name}")


def test_tokens_need_the_scope(owner: httpx.Client, program: Program) -> None:
    secret = owner.post("/api/v1/tokens", json={"name": "t", "scopes": ["drops:read"]}).json()["secret"]
    with program.client(headers={"authorization": f"Bearer {secret}"}) as reader:
        assert reader.put("/d/x", content=b"x").status_code == 403
        assert reader.get("/api/v1/drops").status_code == 200


def test_downloads_are_counted_and_end(owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = put(owner, max_downloads="2", max_days="1")
    path = path_of(answer)
    head = stranger.head(path)
    assert (head.headers["x-remaining-downloads"], head.headers["x-remaining-days"]) == ("2", "1")
    assert head.headers["content-length"] == str(len(TEXT))
    assert stranger.get(path).headers["x-remaining-downloads"] == "1"
    other = {"range": "bytes=3-", "user-agent": "another"}
    assert stranger.get(path, headers=other).headers["x-remaining-downloads"] == "0"
    for request in (stranger.get, stranger.head):
        assert request(path).status_code == 404
    assert stranger.get(f"/d/{drop_of(answer)}", headers=PAGE).status_code == 404
    assert stranger.get(path, headers={"if-none-match": "*"}).status_code == 404


def test_a_limited_zip_counts_for_every_file(owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = owner.post("/d/", files=[("file", ("a", b"1")), ("file", ("b", b"2"))], headers={"max-downloads": "1"})
    drop = drop_of(answer)
    assert stranger.get(f"/d/{drop}/a").content == b"1"
    assert stranger.get(f"/d/{drop}.zip").status_code == 404
    assert stranger.get(f"/d/{drop}/b").content == b"2"
    assert stranger.get(f"/d/{drop}/b").status_code == 404


def test_ranges_and_conditions(owner: httpx.Client, stranger: httpx.Client) -> None:
    path = path_of(put(owner, "large.bin", LARGE))
    whole = stranger.get(path)
    assert whole.content == LARGE
    etag = whole.headers["etag"]
    assert etag == f'"{sha256(LARGE).hexdigest()}"'
    part = stranger.get(path, headers={"range": "bytes=130000-140000"})
    assert part.status_code == 206
    assert part.content == LARGE[130000:140001]
    assert part.headers["content-range"] == f"bytes 130000-140000/{len(LARGE)}"
    assert stranger.get(path, headers={"range": "bytes=-5"}).content == LARGE[-5:]
    assert stranger.get(path, headers={"range": f"bytes={len(LARGE)}-"}).status_code == 416
    assert stranger.get(path, headers={"if-none-match": etag}).status_code == 304
    assert stranger.get(path, headers={"range": "bytes=0-1", "if-range": '"x"'}).content == LARGE


def test_a_zip_is_made_while_it_is_sent(owner: httpx.Client, stranger: httpx.Client) -> None:
    files = [("file", ("deep/er/a.txt", TEXT)), ("file", ("b.bin", LARGE)), ("file", ("../../c", b""))]
    drop = drop_of(owner.post("/d/", files=files))
    for path in (f"/d/{drop}.zip", f"/d/{drop}"):
        answer = stranger.get(path)
        assert int(answer.headers["content-length"]) == len(answer.content)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            assert {name: archive.read(name) for name in archive.namelist()} == {
                "deep/er/a.txt": TEXT,
                "b.bin": LARGE,
                "c": b"",
            }


def test_a_password(owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = put(owner, x_password="open sesame")
    path, drop = path_of(answer), drop_of(answer)
    assert stranger.get(path).status_code == 401
    assert stranger.get(path, headers={"x-password": "wrong"}).status_code == 401
    assert stranger.get(path, headers={"x-password": "open sesame"}).content == TEXT
    assert stranger.get(path, auth=("", "open sesame")).content == TEXT
    page = stranger.get(f"/d/{drop}", headers=PAGE)
    assert page.status_code == 401
    assert "notes" not in page.text
    assert stranger.post(f"/d/{drop}/-/unlock", data={"password": "no"}, headers=PAGE).status_code == 401
    opened = stranger.post(f"/d/{drop}/-/unlock", data={"password": "open sesame"}, headers=PAGE)
    assert opened.status_code == 303
    assert stranger.get(path).content == TEXT


def test_0x0s_way_to_change_and_delete(owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = put(owner)
    token, path = answer.headers["x-token"], path_of(answer)
    assert stranger.post(path, data={"token": "x" * 32, "delete": ""}).status_code == 404
    assert stranger.post(path, data={"token": token, "expires": "1"}).status_code == 200
    assert stranger.get(path).headers["x-remaining-days"] == "1"
    assert stranger.post(path, files={"token": (None, token), "delete": (None, "")}).status_code == 200
    assert stranger.get(path).status_code == 404


def test_files_are_added_with_the_owner_token(owner: httpx.Client, stranger: httpx.Client) -> None:
    answer = put(owner)
    drop, token = drop_of(answer), answer.headers["x-owner-token"]
    assert stranger.put(f"/d/{drop}/sub/more.txt", content=b"2").status_code == 404
    more = stranger.put(f"/d/{drop}/sub/more.txt", content=b"2", headers={"x-owner-token": token})
    assert more.status_code == 200
    assert stranger.get(f"/d/{drop}/sub/more.txt").content == b"2"
    view = stranger.get(f"/api/v1/drops/{drop}", headers={"x-owner-token": token}).json()
    assert [file["path"] for file in view["files"]] == ["notes.txt", "sub/more.txt"]
    address = f"/api/v1/drops/{drop}/files/{view['files'][0]['id']}"
    assert stranger.delete(address, headers={"x-owner-token": token}).status_code == 204
    assert stranger.get(path_of(answer)).status_code == 404


def test_a_drop_ends_on_the_second_and_its_bytes_go(owner: httpx.Client, program: Program) -> None:
    secret = sha256(b"ending").digest() * 20_000
    drop = drop_of(owner.put("/d/e.bin", content=secret))
    end = time.time() + 3
    patched = owner.patch(f"/api/v1/drops/{drop}", json={"lifetime_s": 3}).json()
    assert abs(patched["expires_at"] / 1000 - end) < 1
    end = patched["expires_at"] / 1000
    conn = sqlite3.connect(program.data)

    def held() -> int:
        found = conn.execute("SELECT count(*) FROM core_blob WHERE size = ?", (len(secret),)).fetchone()
        return int(found[0])

    while time.time() < end - 0.05:
        assert owner.head(f"/d/{drop}/e.bin").status_code == 200 or time.time() >= end
        assert held() == 1
    free = conn.execute("PRAGMA freelist_count").fetchone()[0]
    wait_until(lambda: time.time() >= end)
    assert owner.head(f"/d/{drop}/e.bin").status_code == 404
    wait_until(lambda: held() == 0, 2)
    wait_until(lambda: conn.execute("PRAGMA freelist_count").fetchone()[0] >= free + len(secret) // 8192, 2)
    conn.close()


@pytest.mark.parametrize(
    "headers",
    [{"max-days": "0"}, {"max-days": "x"}, {"max-downloads": "-1"}, {"expires-in": "5 moons"}, {"x-password": "a"}],
)
def test_impossible_options_are_refused(owner: httpx.Client, headers: dict[str, str]) -> None:
    assert owner.put("/d/x", content=b"x", headers=headers).status_code == 400


def test_server_side_encryption_is_not_pretended(owner: httpx.Client) -> None:
    assert owner.put("/d/x", content=b"x", headers={"x-encrypt-password": "secret"}).status_code == 400


@pytest.mark.parametrize("path", ["/d/nothinghere00", "/d/nothinghere00/x", "/d/x", "/d/nothinghere00.zip", "/d/r/x"])
def test_what_is_not_there_is_not_found(stranger: httpx.Client, path: str) -> None:
    assert stranger.get(path).status_code == 404
    assert stranger.get(path, headers=PAGE).status_code == 404
    assert stranger.delete(path).status_code == 404


HOSTILE = {
    "page.html": b"<script>document.title='ran'</script>",
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "code.js": b"alert(1)",
    "feed.xml": b"<x xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></x>",
    "x.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
    "style.css": b"*{}",
    "x.wasm": b"\0asm",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_strangers_send_never_runs(owner: httpx.Client, stranger: httpx.Client, name: str) -> None:
    for said in ("text/html", "application/octet-stream", "text/javascript", "image/svg+xml"):
        answer = owner.put(f"/d/{name}", content=HOSTILE[name], headers={"content-type": said})
        for suffix in ("", "?inline", "?get"):
            got = stranger.get(path_of(answer) + suffix, headers={"accept": "*/*"})
            assert got.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
            assert got.headers["x-content-type-options"] == "nosniff"
            assert got.headers["content-type"].partition(";")[0] in {
                "text/plain",
                "application/octet-stream",
                "image/svg+xml",
            }
            if not suffix:
                assert got.headers["content-disposition"].startswith("attachment")
        assert stranger.get(path_of(answer), headers={"service-worker": "script"}).status_code == 404


def test_strangers_meet_a_friendly_refusal(stranger: httpx.Client) -> None:
    assert stranger.get("/d/").status_code == 404
    page = stranger.get("/d/", headers=PAGE)
    assert page.headers["location"].startswith("/login")
