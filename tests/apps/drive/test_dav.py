"""The drive over WebDAV, spoken to as clients speak: what litmus does not ask."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import httpx
from lxml import etree

from tests.apps.drive.webdav import FILES, XML, lock, propfind, props
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


def test_the_root_of_the_host_answers_what_windows_asks_first(dav: httpx.Client, shared_program: Program) -> None:
    with shared_program.client() as stranger:
        for path in ("/", "/dav", "/dav/files/x"):
            answer = stranger.options(path)
            assert (answer.status_code, answer.headers["ms-author-via"], answer.content) == (200, "DAV", b"")
            assert {"1", "2", "3"} <= {part.strip() for part in answer.headers["dav"].split(",")}
        for path in ("/", "/dav/", "/dav/files/"):
            answer = propfind(stranger, path, "resourcetype")
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Basic realm="fazt", charset="UTF-8"'
        answer = stranger.request("PROPFIND", "/dav/", headers={"authorization": "Bearer"})
        assert answer.status_code == 401
    assert list(props(propfind(dav, "/", "resourcetype", depth="1"))) == ["/", "/dav/"]
    assert list(props(propfind(dav, "/dav", "displayname", depth="1"))) == [
        "/dav/",
        "/dav/files/",
        "/dav/shared/",
        "/dav/sites/",
    ]
    assert dav.get("/").status_code == 200


def test_credentials_as_clients_spell_them(shared_program: Program) -> None:
    with shared_program.client() as client:
        windows = httpx.BasicAuth(f"HOST\\{OWNER_EMAIL}", OWNER_PASSWORD)
        assert client.request("PROPFIND", FILES, auth=windows).status_code == 207
        assert client.request("PROPFIND", FILES, auth=(OWNER_EMAIL, "wrong")).status_code == 401
        token = shared_program.run("token", "create", "reader", "--scope", "drive:read").stdout.strip()
        reader = {"authorization": f"Bearer {token}"}
        assert client.request("PROPFIND", FILES, headers=reader).status_code == 207
        assert client.put(f"{FILES}/no.txt", content=b"x", headers=reader).status_code == 403


def test_a_file_goes_in_and_comes_out(dav: httpx.Client) -> None:
    path = f"{FILES}/ro%C3%A9m %26%23.txt"
    put = dav.put(path, content=b"hello", headers={"x-oc-mtime": "1700000000"})
    assert (put.status_code, put.headers["x-oc-mtime"]) == (201, "accepted")
    assert dav.put(path, content=b"hello", headers={"x-oc-mtime": "1700000000"}).status_code == 204
    got = dav.get(path)
    assert (got.content, got.headers["etag"]) == (b"hello", put.headers["etag"])
    assert got.headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    head = dav.head(path)
    assert head.headers["content-length"] == "5"
    (entry,) = props(propfind(dav, path)).values()
    assert entry["getetag"] == put.headers["etag"]
    assert entry["getcontentlength"] == "5"
    assert entry["displayname"] == "roém &#.txt"
    decomposed = f"{FILES}/roe%CC%81m %26%23.txt"
    assert dav.get(decomposed).content == b"hello"
    assert dav.delete(decomposed).status_code == 204
    assert dav.get(path).status_code == 404


def test_conditions_and_ranges(dav: httpx.Client) -> None:
    path = f"{FILES}/cond.bin"
    data = bytes(range(256)) * 1_000
    etag = dav.put(path, content=data).headers["etag"]
    assert dav.put(path, content=b"", headers={"if-none-match": "*"}).status_code == 412
    assert dav.put(path, content=b"", headers={"if-match": '"other"'}).status_code == 412
    assert dav.put(path, content=b"", headers={"if-match": f"W/{etag}"}).status_code == 412
    assert dav.delete(path, headers={"if-match": '"other"'}).status_code == 412
    assert dav.get(path, headers={"if-none-match": etag}).status_code == 304
    assert dav.get(path).content == data
    for value, start, end in (
        ("bytes=0-1", 0, 2),
        ("bytes=-5", 255_995, 256_000),
        ("bytes=131000-140000", 131_000, 140_001),
    ):
        part = dav.get(path, headers={"range": value, "if-match": etag})
        assert (part.status_code, part.content) == (206, data[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/256000"
    assert dav.get(path, headers={"range": "bytes=0-1", "if-range": '"other"'}).status_code == 200
    assert dav.get(path, headers={"range": "bytes=256000-"}).headers["content-range"] == "bytes */256000"
    assert dav.get(path, headers={"range": "lines=1-2"}).status_code == 200
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert dav.head(path, headers={"want-repr-digest": "sha-256=1"}).headers["repr-digest"] == f"sha-256=:{digest}:"
    assert dav.put(path, content=b"x", headers={"content-range": "bytes 0-0/9"}).status_code == 400
    assert dav.put(path, content=b"new", headers={"if-match": etag}).status_code == 204
    assert dav.put(path, content=data[:3], headers={"if-match": etag}).status_code == 412


def test_digests_of_what_comes_in(dav: httpx.Client) -> None:
    path, sha1 = f"{FILES}/sum.txt", hashlib.sha1(b"abc", usedforsecurity=False).hexdigest()
    for headers in (
        {"oc-checksum": "SHA1:" + "0" * 40},
        {"content-md5": base64.b64encode(b"0" * 16).decode()},
        {"repr-digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"},
        {"x-oc-mtime": "never"},
    ):
        assert dav.put(path, content=b"abc", headers=headers).status_code == 400
    assert dav.get(path).status_code == 404
    assert dav.put(path, content=b"abc", headers={"oc-checksum": f"SHA1:{sha1}"}).status_code == 201
    body = '<propfind xmlns="DAV:"><prop><c:checksums xmlns:c="http://owncloud.org/ns"/></prop></propfind>'
    assert f"<oc:checksum>SHA1:{sha1} MD5:" in dav.request("PROPFIND", path, content=body).text


def test_status_codes_that_clients_rely_on(dav: httpx.Client) -> None:
    base = f"{FILES}/codes"
    assert dav.request("MKCOL", base).status_code == 201
    assert dav.request("MKCOL", f"{base}/").status_code == 405
    assert dav.request("MKCOL", f"{base}/a/b").status_code == 409
    assert dav.put(f"{base}/a/b", content=b"").status_code == 409
    assert dav.put(base, content=b"").status_code == 405
    assert dav.put(f"{base}/x/", content=b"").status_code == 405
    assert dav.head(base).status_code == dav.get(f"{base}/").status_code == 200
    assert propfind(dav, f"{base}/none").status_code == 404
    assert propfind(dav, base, depth="infinity").status_code == 403
    assert propfind(dav, base, depth="2").status_code == 400
    assert dav.request("PROPFIND", base).status_code == 207
    assert dav.request("PROPFIND", base, headers={"if-none-match": "JoplinIgnore-1"}).status_code == 207
    assert dav.request("PATCH", base).status_code == 405
    assert dav.post(base).status_code == 405
    assert dav.delete(f"{base}/none").status_code == 404
    assert dav.delete(f"{FILES}/").status_code == 403
    assert dav.put("/dav/else/x", content=b"x").status_code == 404
    assert dav.request("MKCOL", "/dav/files2").status_code == 404
    assert dav.request("COPY", base, headers={"destination": f"{base}2", "depth": "1"}).status_code == 400
    assert dav.request("MOVE", base, headers={"destination": "http://other.example/dav/files/x"}).status_code == 502
    assert dav.request("MOVE", base, headers={"destination": "https://127.0.0.1:1/dav/files/codes3"}).status_code == 201
    assert dav.request("MOVE", f"{base}3", headers={"destination": "/elsewhere/x"}).status_code == 502
    assert dav.request("MOVE", f"{base}3", headers={"destination": f"{FILES}/codes3/in"}).status_code == 409
    assert dav.request("MOVE", f"{base}3", headers={"destination": "/dav/"}).status_code == 403
    assert dav.delete(f"{base}3/").status_code == 204


def test_a_lock_on_nothing_makes_a_file(dav: httpx.Client) -> None:
    path = f"{FILES}/locked new.txt"
    answer, token = lock(dav, path, timeout="Second-4100000000", depth="0")
    assert answer.status_code == 201
    assert "<D:timeout>Second-3600</D:timeout>" in answer.text
    assert f"<D:lockroot><D:href>{path.replace(' ', '%20')}</D:href></D:lockroot>" in answer.text
    assert dav.get(path).content == b""
    refused = dav.put(path, content=b"x")
    assert refused.status_code == 423
    assert f"<D:lock-token-submitted><D:href>{path.replace(' ', '%20')}</D:href>" in refused.text
    assert dav.put(path, content=b"x", headers={"if": f"(<{token}>)"}).status_code == 204
    origin = str(dav.base_url).rstrip("/")
    tagged = f"<{origin}{path.replace(' ', '%20')}> (<{token}>)"
    assert dav.put(path, content=b"y", headers={"if": tagged}).status_code == 204
    assert dav.request("LOCK", path, headers={"if": f"(<{token}>)", "timeout": "Second-180"}).status_code == 200
    assert dav.request("LOCK", path, headers={"if": "(<urn:uuid:none>)"}).status_code == 412
    assert dav.request("LOCK", path).status_code == 400
    assert dav.request("UNLOCK", f"{FILES}/", headers={"lock-token": f"<{token}>"}).status_code == 409
    assert dav.request("UNLOCK", path, headers={"lock-token": token}).status_code == 204
    assert dav.request("UNLOCK", path, headers={"lock-token": f"<{token}>"}).status_code == 409
    assert dav.get(path).content == b"y"


def test_windows_copies_a_file_in(dav: httpx.Client) -> None:
    """The sequence of the Mini-Redirector: a failure anywhere in it is "cannot read" to the person."""
    path, agent = f"{FILES}/win.docx", {"user-agent": "Microsoft-WebDAV-MiniRedir/10.0.19045", "translate": "f"}
    assert dav.request("PROPFIND", path, headers={**agent, "depth": "0"}).status_code == 404
    assert dav.put(path, content=b"", headers=agent).status_code == 201
    answer, token = lock(dav, path, timeout="Second-3600", **agent)
    assert answer.status_code == 200
    names = {
        "Win32CreationTime": "Tue, 01 Feb 2022 10:00:00 GMT",
        "Win32LastAccessTime": "Tue, 01 Feb 2022 10:00:00 GMT",
        "Win32LastModifiedTime": "Tue, 01 Feb 2022 10:00:00 GMT",
        "Win32FileAttributes": "00000020",
    }
    sets = "".join(f"<Z:{name}>{value}</Z:{name}>" for name, value in names.items())
    patch = (
        '<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">'
        f"<D:set><D:prop>{sets}</D:prop></D:set></D:propertyupdate>"
    )
    held = {**agent, "if": f"(<{token}>)"}
    assert dav.request("PROPPATCH", path, content=patch, headers=held).status_code == 207
    assert dav.head(path, headers=agent).status_code == 200
    assert dav.put(path, content=b"document", headers=held).status_code == 204
    answer = dav.request("PROPPATCH", path, content=patch, headers=held)
    assert answer.text.count("200 OK") == 1
    assert dav.request("UNLOCK", path, headers={**agent, "lock-token": f"<{token}>"}).status_code == 204
    assert dav.head(path).headers["last-modified"] == names["Win32LastModifiedTime"]
    target = {**agent, "destination": f"{dav.base_url}{FILES}/renamed.docx", "overwrite": "F"}
    assert dav.request("MOVE", path, headers=target).status_code == 201
    assert dav.get(f"{FILES}/renamed.docx").content == b"document"


def test_finder_writes_a_file(dav: httpx.Client) -> None:
    """webdavfs: nothing, a lock, then the bytes in chunks with a length that is only announced."""
    path, agent = f"{FILES}/mac e\u0301.txt", {"user-agent": "WebDAVFS/3.0.0 (03008000) Darwin/24.0.0 (arm64)"}
    appledouble = '<D:propfind xmlns:D="DAV:"><D:prop><x:appledoubleheader xmlns:x="http://www.apple.com/webdav_fs/props/"/></D:prop></D:propfind>'
    assert dav.request("PROPFIND", FILES, content=appledouble, headers={**agent, "depth": "1"}).status_code == 207
    for name in ("._mac e\u0301.txt", "mac e\u0301.txt"):
        assert dav.request("PROPFIND", f"{FILES}/{name}", headers={**agent, "depth": "0"}).status_code == 404
        put = dav.put(f"{FILES}/{name}", content=b"", headers=agent)
        assert put.status_code == 201
        assert put.headers["etag"]
        assert put.headers["last-modified"]
    _, token = lock(dav, path, timeout="Second-600", depth="0", **agent)
    pieces = iter([b"12", b"345"])
    held = {**agent, "if": f"(<{token}>)", "x-expected-entity-length": "5"}
    assert dav.put(path, content=pieces, headers=held).status_code == 204
    assert dav.put(path, content=iter([]), headers=held).status_code == 400
    assert dav.get(path).content == b"12345"
    assert dav.request("UNLOCK", path, headers={**agent, "lock-token": f"<{token}>"}).status_code == 204
    assert dav.get(f"{FILES}/mac é.txt").content == b"12345"


def test_properties_are_changed_whole_or_not_at_all(dav: httpx.Client) -> None:
    path = f"{FILES}/props.txt"
    dav.put(path, content=b"x")

    def patch(inner: str) -> httpx.Response:
        body = f'<D:propertyupdate xmlns:D="DAV:" xmlns:p="urn:p">{inner}</D:propertyupdate>'
        return dav.request("PROPPATCH", path, content=body, headers=XML)

    assert patch("<D:set><D:prop><p:a>1</p:a></D:prop></D:set>").status_code == 207
    answer = patch("<D:set><D:prop><p:b>1</p:b><D:getetag>x</D:getetag></D:prop></D:set>")
    assert "403 Forbidden" in answer.text
    assert "424 Failed Dependency" in answer.text
    assert "cannot-modify-protected-property" in answer.text
    body = '<D:propfind xmlns:D="DAV:" xmlns:p="urn:p"><D:prop><p:a/><p:b/></D:prop></D:propfind>'
    (entry,) = props(dav.request("PROPFIND", path, content=body)).values()
    assert entry == {"a": "1"}
    for text, date in (
        ("1234567890", "Fri, 13 Feb 2009 23:31:30 GMT"),
        ("Tue, 01 Feb 2022 10:00:00 GMT", "Tue, 01 Feb 2022 10:00:00 GMT"),
    ):
        assert "200 OK" in patch(f"<D:set><D:prop><D:lastmodified>{text}</D:lastmodified></D:prop></D:set>").text
        assert dav.head(path).headers["last-modified"] == date
    assert patch("").status_code == 400


def test_extended_mkcol(dav: httpx.Client) -> None:
    def make(name: str, inner: str) -> httpx.Response:
        body = f'<D:mkcol xmlns:D="DAV:" xmlns:p="urn:p"><D:set><D:prop>{inner}</D:prop></D:set></D:mkcol>'
        return dav.request("MKCOL", f"{FILES}/{name}", content=body, headers=XML)

    kind = "<D:resourcetype><D:collection/></D:resourcetype>"
    assert make("ext", f"{kind}<p:colour>blue</p:colour>").status_code == 201
    assert "<p:colour" in dav.request("PROPFIND", f"{FILES}/ext", headers={"depth": "0"}).text
    refused = make("ext2", "<D:resourcetype><D:collection/><p:calendar/></D:resourcetype>")
    assert refused.status_code == 403
    assert "valid-resourcetype" in refused.text
    assert "mkcol-response" in make("ext2", f"{kind}<D:getetag>x</D:getetag>").text
    assert dav.request("MKCOL", f"{FILES}/ext2", content="x", headers={"content-type": "text/html"}).status_code == 415
    assert propfind(dav, f"{FILES}/ext2").status_code == 404


def test_what_changed_is_reported(dav: httpx.Client) -> None:
    base = f"{FILES}/sync"
    dav.request("MKCOL", base)
    dav.put(f"{base}/a", content=b"1")

    def ask(token: str, limit: str = "") -> tuple[list[str], str]:
        body = (
            f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token>'
            f"<D:sync-level>infinite</D:sync-level>{limit}<D:prop><D:getetag/></D:prop></D:sync-collection>"
        )
        answer = dav.request("REPORT", base, content=body, headers={**XML, "depth": "0"})
        assert answer.status_code == 207, answer.text
        root = etree.fromstring(answer.content)
        found = [
            (response.findtext("{DAV:}href") or "") + (" gone" if response.find("{DAV:}status") is not None else "")
            for response in root.findall("{DAV:}response")
        ]
        return found, root.findtext("{DAV:}sync-token") or ""

    found, token = ask("")
    assert found == [f"{base}/a"]
    (entry,) = props(propfind(dav, base, "sync-token", "supported-report-set")).values()
    assert entry["sync-token"] == token
    dav.put(f"{base}/b", content=b"2")
    dav.delete(f"{base}/a")
    assert ask(token)[0] == [f"{base}/b", f"{base}/a gone"]
    found, token = ask(token, "<D:limit><D:nresults>1</D:nresults></D:limit>")
    assert found[0] == f"{base}/b"
    assert ask(token)[0] == [f"{base}/a gone"]
    assert dav.request("REPORT", base, content='<D:sync-collection xmlns:D="DAV:"/>', headers=XML).status_code == 400
    assert "supported-report" in dav.request("REPORT", base, content='<x xmlns="DAV:"/>', headers=XML).text


def test_an_upload_in_pieces(dav: httpx.Client) -> None:
    up = "/dav/uploads/me/abc"
    assert dav.delete(up).status_code == 404
    assert dav.request("MKCOL", up).status_code == 201
    assert dav.request("MKCOL", up).status_code == 405
    for name in ("10", "9", "00001"):
        assert dav.put(f"{up}/{name}", content=name.encode() * 70_000).status_code == 201
    assert dav.put(f"{up}/x", content=b"x").status_code == 400
    assert len(props(propfind(dav, up, "getcontentlength", depth="1"))) == 4
    assert dav.get(f"{up}/9").status_code == 404
    goal = {"destination": f"{FILES}/assembled.bin", "x-oc-mtime": "1700000000"}
    assert dav.request("MOVE", f"{up}/.file", headers={**goal, "oc-total-length": "3"}).status_code == 400
    done = dav.request("MOVE", f"{up}/.file", headers=goal)
    assert (done.status_code, done.headers["x-oc-mtime"]) == (201, "accepted")
    assert dav.get(f"{FILES}/assembled.bin").content == b"00001" * 70_000 + b"9" * 70_000 + b"10" * 70_000
    assert dav.request("MOVE", f"{up}/.file", headers=goal).status_code == 404


def test_a_site_is_edited_in_place(shared_program: Program, dav: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>one</h1>")
    shared_program.run("deploy", str(tmp_path), "--name", "edited")
    assert "/dav/sites/edited/" in props(propfind(dav, "/dav/sites", depth="1"))
    base = "/dav/sites/edited"
    assert dav.get(f"{base}/index.html").text == "<h1>one</h1>"
    assert dav.put(f"{base}/index.html", content=b"<h1>two</h1>").status_code == 204
    assert dav.request("MKCOL", f"{base}/css").status_code == 201
    assert dav.put(f"{base}/css/a.css", content=b"a{}").status_code == 201
    assert dav.put(f"{base}/._junk", content=b"junk").status_code == 201
    with shared_program.client(headers={"host": "edited.localhost"}) as visitor:
        assert visitor.get("/").text == "<h1>two</h1>"
        assert visitor.get("/css/a.css").text == "a{}"
        assert visitor.get("/._junk").status_code == 404
        assert dav.request("MOVE", f"{base}/css", headers={"destination": f"{base}/style"}).status_code == 201
        assert visitor.get("/style/a.css").text == "a{}"
        (tmp_path / "index.html").write_text("<h1>three</h1>")
        shared_program.run("deploy", str(tmp_path), "--name", "edited")
        assert dav.get(f"{base}/index.html").text == "<h1>three</h1>"
        assert dav.get(f"{base}/style/a.css").status_code == 404
    versions = dav.get("/api/v1/sites/edited/versions").json()
    assert len(versions) == 5
    assert dav.get("/dav/sites/none/x").status_code == 404
