"""Hosted sites as visitors see them, by real requests to the real program."""

from __future__ import annotations

import gzip
import random
import socket
from collections.abc import Callable

import brotli
import httpx
import pytest

from tests.apps.sites.conftest import Deploy
from tests.program import Program

HOME = b"<!doctype html><title>Home</title>" + b"<p>Hello</p>" * 200
STYLE = b"body { color: red }\n" * 200
PAGES = {
    "index.html": HOME,
    "about.html": b"about",
    "docs/index.html": b"docs",
    "docs/404.html": b"no such page in the docs",
    "404.html": b"no such page",
    "style.css": STYLE,
    "assets/app-BQ7k2x9Z.js": b"let app;",
    "pic.png": bytes(range(256)) * 8,
    "empty.txt": b"",
    "caf\u00e9 & co.html": b"coffee",
}


@pytest.fixture
def blog(deploy: Deploy) -> httpx.Client:
    """A site with some of everything."""
    return deploy("blog", PAGES)


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/", 200, HOME),
        ("/index.html", 200, HOME),
        ("/about", 200, b"about"),
        ("/about.html", 200, b"about"),
        ("/docs/", 200, b"docs"),
        ("/empty.txt", 200, b""),
        ("/caf%C3%A9%20&%20co", 200, b"coffee"),
        ("/nothing", 404, b"no such page"),
        ("/docs/nothing/at/all", 404, b"no such page in the docs"),
        ("/%2e%2e/index.html", 404, b"no such page"),
        ("/about%00", 404, b"no such page"),
        ("/%ff", 404, b"no such page"),
    ],
)
def test_pages(blog: httpx.Client, path: str, status: int, expected: bytes) -> None:
    for _ in range(2):  # the second answer comes from memory
        answer = blog.get(path)
        assert (answer.status_code, answer.content) == (status, expected)
    head = blog.head(path)
    assert (head.status_code, head.content) == (status, b"")
    assert head.headers["content-length"] == str(len(expected))


@pytest.mark.parametrize(
    ("path", "location"),
    [("/docs", "/docs/"), ("/about/", "/about"), ("/docs?a=1&b=2", "/docs/?a=1&b=2")],
)
def test_slashes(blog: httpx.Client, path: str, location: str) -> None:
    answer = blog.get(path)
    assert (answer.status_code, answer.headers["location"]) == (301, location)


def test_headers(blog: httpx.Client) -> None:
    page = blog.get("/").headers
    assert page["content-type"] == "text/html; charset=utf-8"
    assert page["cache-control"] == "public, max-age=0, must-revalidate"
    assert page["x-content-type-options"] == "nosniff"
    assert page["vary"] == "accept-encoding"
    assert "set-cookie" not in page
    assert "content-security-policy" not in page
    assert blog.get("/assets/app-BQ7k2x9Z.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "vary" not in blog.get("/pic.png").headers


@pytest.mark.parametrize(("coding", "unpack"), [("gzip", gzip.decompress), ("br", brotli.decompress)])
def test_compressed_forms(blog: httpx.Client, coding: str, unpack: Callable[[bytes], bytes]) -> None:
    for _ in range(2):
        with blog.stream("GET", "/style.css", headers={"accept-encoding": coding}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == coding
        assert answer.headers["content-length"] == str(len(raw))
        assert unpack(raw) == STYLE
    assert "content-encoding" not in blog.get("/pic.png", headers={"accept-encoding": coding}).headers


def test_each_form_has_a_strong_etag_of_its_own(blog: httpx.Client) -> None:
    tags = {blog.get("/style.css", headers={"accept-encoding": c}).headers["etag"] for c in ("identity", "gzip", "br")}
    assert len(tags) == 3
    assert not any(tag.startswith("W/") for tag in tags)


def test_conditional_requests(blog: httpx.Client) -> None:
    tag = blog.get("/").headers["etag"]
    same = blog.get("/", headers={"if-none-match": f'"x", {tag}'})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == tag
    assert "cache-control" in same.headers
    assert "content-type" not in same.headers
    assert blog.get("/", headers={"if-none-match": '"x"'}).status_code == 200
    assert blog.get("/", headers={"if-match": '"x"'}).status_code == 412
    assert blog.get("/", headers={"if-match": tag}).status_code == 200
    assert blog.get("/", headers={"if-none-match": tag, "accept-encoding": "br"}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=10-19", slice(10, 20)),
        ("bytes=2000-", slice(2000, None)),
        ("bytes=-5", slice(-5, None)),
    ],
)
def test_one_range(blog: httpx.Client, asked: str, part: slice) -> None:
    data = PAGES["pic.png"]
    answer = blog.get("/pic.png", headers={"range": asked, "accept-encoding": "gzip"})
    assert answer.status_code == 206
    assert answer.content == data[part]
    start = data.index(data[part]) if part.start == 0 else (part.start if part.start > 0 else len(data) + part.start)
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(data[part]) - 1}/{len(data)}"


def test_ranges_of_what_could_be_compressed_are_of_the_plain_file(blog: httpx.Client) -> None:
    answer = blog.get("/style.css", headers={"range": "bytes=5-9", "accept-encoding": "br"})
    assert (answer.status_code, answer.content) == (206, STYLE[5:10])
    assert "content-encoding" not in answer.headers


def test_several_ranges(blog: httpx.Client) -> None:
    answer = blog.get("/pic.png", headers={"range": "bytes=0-3,100-102,-2"})
    assert answer.status_code == 206
    kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    assert answer.headers["content-length"] == str(len(answer.content))
    parts = answer.content.split(f"--{boundary}".encode())
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    bodies = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]]
    data = PAGES["pic.png"]
    assert bodies == [data[:4], data[100:103], data[-2:]]
    assert b"Content-Range: bytes 100-102/2048" in parts[2]


def test_a_range_behind_the_end(blog: httpx.Client) -> None:
    answer = blog.get("/pic.png", headers={"range": "bytes=5000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */2048")


def test_if_range(blog: httpx.Client) -> None:
    tag = blog.get("/pic.png").headers["etag"]
    assert blog.get("/pic.png", headers={"range": "bytes=0-3", "if-range": tag}).status_code == 206
    assert blog.get("/pic.png", headers={"range": "bytes=0-3", "if-range": '"old"'}).status_code == 200


def test_large_files_are_streamed_whole_and_in_parts(deploy: Deploy) -> None:
    data = random.Random(1).randbytes(5_000_000)
    site = deploy("large", {"film.mp4": data, "data.json": b'{"a":1}' * 500_000})
    assert site.get("/film.mp4").content == data
    assert site.get("/film.mp4", headers={"range": "bytes=4000000-4000099"}).content == data[4_000_000:4_000_100]
    several = site.get("/film.mp4", headers={"range": "bytes=1-2,3000000-3200000"})
    assert data[3_000_000:3_200_001] in several.content
    assert site.head("/film.mp4").headers["content-length"] == "5000000"
    assert site.get("/data.json", headers={"accept-encoding": "br"}).content == b'{"a":1}' * 500_000
    assert site.get("/data.json").content == b'{"a":1}' * 500_000


def test_other_methods(blog: httpx.Client) -> None:
    answer = blog.post("/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_redirects_file(deploy: Deploy) -> None:
    rules = (
        b"/old /new.html 302\n/force /new.html 301!\n/app/* /index.html 200\n/gone /gone.html 410\n/* /lost.html 404\n"
    )
    files = {"index.html": b"app", "new.html": b"new", "force.html": b"f", "gone.html": b"gone", "lost.html": b"lost"}
    site = deploy("rules", {**files, "_redirects": rules})
    assert site.get("/old?x=1").headers["location"] == "/new.html?x=1"
    assert site.get("/old").status_code == 302
    assert site.get("/force").status_code == 301
    assert (site.get("/app/any/where").status_code, site.get("/app/any/where").content) == (200, b"app")
    assert (site.get("/gone").status_code, site.get("/gone").content) == (200, b"gone")
    assert (site.get("/gone/").status_code, site.get("/gone/").headers["location"]) == (301, "/gone")
    assert (site.get("/zzz").status_code, site.get("/zzz").content) == (404, b"lost")
    assert (site.get("/_redirects").status_code, site.get("/_redirects").content) == (404, b"lost")


def test_headers_file(deploy: Deploy) -> None:
    rules = b"/*\n  X-Frame-Options: DENY\n  Cache-Control: public, max-age=60\n/a.css\n  ! X-Frame-Options\n"
    site = deploy("headed", {"index.html": b"x", "a.css": b"a{}", "404.html": b"lost", "_headers": rules})
    assert site.get("/").headers["x-frame-options"] == "DENY"
    assert site.get("/").headers["cache-control"] == "public, max-age=60"
    assert "x-frame-options" not in site.get("/a.css").headers
    assert site.get("/nothing").headers["x-frame-options"] == "DENY"
    assert site.get("/_headers").status_code == 404


def test_single_page_apps(deploy: Deploy) -> None:
    site = deploy("spa", {"index.html": b"app", "404.html": b"lost"}, spa=True)
    assert (site.get("/users/7").status_code, site.get("/users/7").content) == (200, b"app")
    assert (site.get("/missing.js").status_code, site.get("/missing.js").content) == (404, b"lost")


def test_a_site_without_an_error_page(deploy: Deploy) -> None:
    answer = deploy("plain", {"index.html": b"x"}).get("/<script>")
    assert answer.status_code == 404
    assert "There is no page here" in answer.text
    assert "<script>" not in answer.text


def test_a_new_version_is_shown_at_once(deploy: Deploy, owner: httpx.Client) -> None:
    site = deploy("news", {"index.html": b"one", "old.html": b"old"})
    assert site.get("/").content == b"one"
    deploy("news", {"index.html": b"two"})
    assert site.get("/").content == b"two"
    assert site.get("/old").status_code == 404
    assert owner.post("/api/v1/sites/news/rollback", json={}).json()["number"] == 1
    assert site.get("/").content == b"one"
    assert site.get("/old").content == b"old"


def test_hosts(deploy: Deploy, owner: httpx.Client, visit: Callable[[str], httpx.Client]) -> None:
    deploy("shop", {"index.html": b"shop"})
    assert visit("www.shop.example").get("/").status_code == 404
    assert owner.post("/api/v1/sites/shop/domains", json={"host": "WWW.shop.example"}).status_code == 201
    assert visit("www.shop.example").get("/").content == b"shop"
    assert visit("WWW.SHOP.example:8080").get("/").content == b"shop"
    assert owner.get("/api/v1/sites/shop").json()["domains"] == ["www.shop.example"]
    assert owner.delete("/api/v1/sites/shop/domains/www.shop.example").status_code == 204
    assert visit("www.shop.example").get("/").status_code == 404
    assert owner.post("/api/v1/sites/shop/domains", json={"host": "blog.localhost"}).status_code == 400


def test_rename_delete_restore(deploy: Deploy, owner: httpx.Client, visit: Callable[[str], httpx.Client]) -> None:
    deploy("one", {"index.html": b"x"})
    assert owner.patch("/api/v1/sites/one", json={"name": "two"}).json()["url"].startswith("http://two.localhost:")
    assert visit("one").get("/").status_code == 404
    assert visit("two").get("/").content == b"x"
    assert owner.delete("/api/v1/sites/two").status_code == 204
    assert visit("two").get("/").status_code == 404
    assert [site["name"] for site in owner.get("/api/v1/sites", params={"deleted": "true"}).json()] == ["two"]
    assert owner.put("/api/v1/sites/two", content=b"PK").status_code == 400
    assert owner.post("/api/v1/sites/two/restore").status_code == 200
    assert visit("two").get("/").content == b"x"
    assert owner.delete("/api/v1/sites/two", params={"forever": "true"}).status_code == 204
    assert owner.post("/api/v1/sites/two/restore").status_code == 404


def test_passwords(deploy: Deploy, owner: httpx.Client) -> None:
    site = deploy("secret", {"index.html": b"the plan", "a.css": b"a{}"})
    assert site.get("/").content == b"the plan"
    assert owner.put("/api/v1/sites/secret/password", json={"password": "open sesame"}).status_code == 204
    asked = site.get("/a.css")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic")
    form = site.get("/?x=1", headers={"accept": "text/html"})
    assert (form.status_code, "www-authenticate" in form.headers) == (401, False)
    assert 'action="/.fazt/unlock?next=/%3Fx%3D1"' in form.text
    assert site.get("/", auth=("any", "wrong")).status_code == 401
    let_in = site.get("/", auth=("any", "open sesame"))
    assert (let_in.content, let_in.headers["cache-control"]) == (b"the plan", "private, no-cache")
    wrong = site.post("/.fazt/unlock", data={"password": "wrong"})
    assert (wrong.status_code, "not the password" in wrong.text) == (401, True)
    right = site.post("/.fazt/unlock?next=/%3Fx%3D1", data={"password": "open sesame"})
    assert (right.status_code, right.headers["location"]) == (303, "/?x=1")
    assert "HttpOnly" in right.headers["set-cookie"]
    assert site.get("/").content == b"the plan"
    assert owner.put("/api/v1/sites/secret/password", json={"password": "another"}).status_code == 204
    assert site.get("/").status_code == 401
    assert owner.put("/api/v1/sites/secret/password", json={"password": ""}).status_code == 204
    assert site.get("/").content == b"the plan"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_password_form_leads_nowhere_else(deploy: Deploy, owner: httpx.Client, target: str) -> None:
    site = deploy("door", {"index.html": b"x"})
    owner.put("/api/v1/sites/door/password", json={"password": "open sesame"})
    answer = site.post("/.fazt/unlock", params={"next": target}, data={"password": "open sesame"})
    assert answer.headers["location"] == "/"


def test_websockets_are_refused(program: Program, deploy: Deploy) -> None:
    deploy("wsless", {"index.html": b"x"})
    with socket.create_connection(("127.0.0.1", program.port)) as raw:
        raw.sendall(
            b"GET / HTTP/1.1\r\nHost: wsless.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 403")


def test_a_main_js_for_browsers_is_a_file_like_any_other(deploy: Deploy) -> None:
    site = deploy("front", {"index.html": b"x", "main.js": b"let x"})
    assert site.get("/main.js").content == b"let x"


def test_code_for_the_server_is_shown_to_nobody(deploy: Deploy) -> None:
    code = b"export default { fetch: (request) => new Response('code', { status: 404 }) }"
    site = deploy(
        "back", {"main.js": code, "lib.js": b"x", "fazt.json": b'{"static": ["public"]}', "public/a.txt": b"x"}
    )
    for hidden in ("/main.js", "/fazt.json", "/lib.js"):
        assert (site.get(hidden).status_code, site.get(hidden).content) == (404, b"code")
    assert site.get("/public/a.txt").content == b"x"
