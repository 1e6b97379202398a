"""Live parts of sites: the memory of bodies, compressed forms, the door of sites with a password."""

from __future__ import annotations

import gzip
from hashlib import sha256

import brotli

from fazt.apps.sites.engine import BodyCache, Index, build_resource, pack
from fazt.apps.sites.model import FileEntry, Site, SiteOptions
from fazt.apps.sites.wire.encoding import Encoding
from fazt.apps.sites.wire.headers import parse_headers
from tests.conftest import NOW

SITE = Site(7, "blog", "ann", 1, SiteOptions(), "", NOW, NOW)


def test_the_cache_forgets_what_nobody_asked_for() -> None:
    cache = BodyCache(1000)
    bodies = {n: cache.put(str(n), bytes(100)) for n in range(10)}
    for body in bodies.values():
        body.is_hot = False
    bodies[0].is_hot = bodies[3].is_hot = True
    for n in range(10, 14):
        cache.put(str(n), bytes(100))
    assert cache.used_bytes <= 1000
    assert [n for n in range(10) if bodies[n].message is None] == [1, 2, 4, 5]
    assert cache.find("0") is bodies[0]
    assert cache.find("1") is None


def test_the_cache_keeps_a_body_once() -> None:
    cache = BodyCache(1000)
    assert cache.put("a", b"x") is cache.put("a", b"x")
    assert (len(cache), cache.used_bytes) == (1, 1)


def test_a_body_larger_than_the_cache() -> None:
    cache = BodyCache(10)
    assert cache.put("a", bytes(11)).message is None
    assert (len(cache), cache.used_bytes, cache.find("a")) == (0, 0, None)


def test_compressed_forms_are_made_where_they_are_smaller() -> None:
    data = b"body { color: red }\n" * 1000
    content = pack("a.css", data)
    assert content.raw.hash == sha256(data).hexdigest()
    assert content.gzip
    assert content.brotli
    assert gzip.decompress(content.gzip.data or b"") == data
    assert brotli.decompress(content.brotli.data or b"") == data
    assert pack("a.png", data).gzip is None
    noise = b"".join(sha256(b"%d" % n).digest() for n in range(500))
    assert pack("a.js", noise).gzip is None


def test_headers_of_a_resource() -> None:
    entry = FileEntry("ab" * 32, 1000, "cd" * 32, 300, "ef" * 32, 200)
    blocks, _ = parse_headers("https://one.example/*\n  X-Host: one\n")
    index = Index(SITE, {"a.js": entry}, headers=blocks)
    one = build_resource(index, "one.example", "/a.js", "a.js")
    other = build_resource(index, "other.example", "/a.js", "a.js")
    heads = [dict(variant.start["headers"]) for variant in one.variants]
    assert [head.get(b"content-encoding") for head in heads] == [None, b"gzip", b"br"]
    assert [head[b"content-length"] for head in heads] == [b"1000", b"300", b"200"]
    assert len({head[b"etag"] for head in heads}) == 3
    assert {head[b"vary"] for head in heads} == {b"accept-encoding"}
    assert heads[0][b"x-host"] == b"one"
    assert b"x-host" not in dict(other.variants[Encoding.IDENTITY].start["headers"])


def test_a_missing_form_is_answered_by_the_next_best() -> None:
    only_gzip = FileEntry("ab" * 32, 1000, "cd" * 32, 300)
    plain = FileEntry("ab" * 32, 1000)
    index = Index(SITE, {"a.js": only_gzip, "a.png": plain})
    script = build_resource(index, "h", "/a.js", "a.js").variants
    assert script[Encoding.BROTLI] is script[Encoding.GZIP]
    picture = build_resource(index, "h", "/a.png", "a.png").variants
    assert picture[Encoding.BROTLI] is picture[Encoding.IDENTITY]
