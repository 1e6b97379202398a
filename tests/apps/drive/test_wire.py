"""WebDAV as bytes: addresses, If headers, XML that is hostile, answers that clients can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fazt.apps.drive.model.locks import Condition, IfHeader, IfList, Lock
from fazt.apps.drive.model.naming import free_name, key_of
from fazt.apps.drive.model.nodes import Node
from fazt.apps.drive.wire import digests, headers, multistatus, paths, xml
from fazt.apps.drive.wire.headers import Checksum
from fazt.apps.drive.wire.multistatus import Scene
from fazt.apps.drive.wire.types import find_type
from fazt.core.errors import FaztError, Forbidden, Invalid, TooLarge

TOKEN, OTHER = "urn:uuid:1", "urn:uuid:2"
NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        (b"/dav/files/a", ("dav", "files", "a")),
        (b"/dav//files/a/", ("dav", "files", "a")),
        (b"/dav/a%20b%23c;d", ("dav", "a b#c;d")),
        (b"/dav/%C3%A9?x=/y", ("dav", "é")),
        (b"/dav/%252e%252e", ("dav", "%2e%2e")),
        ("/dav/é".encode(), ("dav", "é")),
        (b"/", ()),
    ],
)
def test_names_are_decoded_once(raw: bytes, segments: tuple[str, ...]) -> None:
    assert paths.parse_target(raw).segments == segments


@pytest.mark.parametrize(
    "raw",
    [
        b"/dav/..",
        b"/dav/%2e%2e/x",
        b"/dav/.%2E",
        b"/dav/a%2fb",
        b"/dav/a%00b",
        b"/dav/a%0ab",
        b"/dav/a#b",
        b"/dav/%ff",
        b"/dav/%zz",
        b"/dav/" + b"a" * 256,
        b"/a" * 1000,
        b"/dav/%EF%BF%BF",
    ],
)
def test_what_is_no_path_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        paths.parse_target(raw)


@pytest.mark.parametrize(
    ("value", "host", "segments"),
    [
        (b"http://h/dav/a;b", "h", ("dav", "a;b")),
        (b"https://me:secret@H.example.:8443/dav/a", "h.example", ("dav", "a")),
        (b"http://[::1]:80/dav/", "::1", ("dav",)),
        (b"/dav//a", "", ("dav", "a")),
    ],
)
def test_a_destination_is_an_url_or_a_path(value: bytes, host: str, segments: tuple[str, ...]) -> None:
    found = paths.parse_url(value)
    assert (found.host, found.segments) == (host, segments)


@pytest.mark.parametrize("value", [b"a", b"", b"//h/a", b"http:///a", b"file:a", b"/a/../b", b"/a#b"])
def test_what_is_no_destination_is_refused(value: bytes) -> None:
    with pytest.raises(Invalid):
        paths.parse_url(value)


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/\ufffe\uffff"),
        min_size=1,
        max_size=60,
    )
)
def test_an_href_leads_back(name: str) -> None:
    if name in {".", ".."} or len(name.encode()) > 255:
        return
    href = paths.to_href(("files", name), is_folder=False)
    assert href.isascii()
    assert not set(href) & set("&<>'\"()[]!*,;=:@+$#? ")
    assert paths.parse_target(href.encode()).segments == ("files", name)


@given(st.binary(max_size=80))
def test_targets_raise_nothing_but_invalid(raw: bytes) -> None:
    for parse in (paths.parse_target, paths.parse_url):
        try:
            parse(raw)
        except Invalid:
            continue


def test_the_if_header_of_the_rfc() -> None:
    assert headers.parse_if('(<urn:uuid:1> ["e"]) (Not <urn:uuid:2> [W/"f"])') == IfHeader(
        (
            IfList("", (Condition(token=TOKEN), Condition(etag='"e"'))),
            IfList("", (Condition(token=OTHER, is_not=True), Condition(etag='W/"f"'))),
        )
    )
    tagged = headers.parse_if('</a>(<urn:uuid:1>)(Not<DAV:no-lock>)<http://h/b> (["e"])')
    assert [(one.tag, one.conditions) for one in tagged.lists] == [
        ("/a", (Condition(token=TOKEN),)),
        ("/a", (Condition(token="DAV:no-lock", is_not=True),)),
        ("http://h/b", (Condition(etag='"e"'),)),
    ]
    assert tagged.tokens == {TOKEN, "DAV:no-lock"}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "()",
        "(<a>",
        "<a>",
        "(<a>) <b>",
        "(<a>) <b> (<c>)",
        "(Not)",
        "(Not Not <a>)",
        "(a)",
        "<a> <b> (<c>)",
        '(["a)',
        "(<>)",
        "((<a>))",
        "(<a>))",
        "(<a>) " * 5_000,
        "(" + "<a>" * 600 + ")",
    ],
)
def test_a_malformed_if_header_is_refused(value: str) -> None:
    with pytest.raises(Invalid):
        headers.parse_if(value)


@given(st.text('()<>[]"NotW/ ab:', max_size=60))
def test_if_headers_raise_nothing_but_invalid(value: str) -> None:
    try:
        found = headers.parse_if(value)
    except Invalid:
        return
    assert all(one.conditions for one in found.lists)


def test_timeouts_are_clamped() -> None:
    assert headers.parse_timeout("Infinite, Second-4100000000") == 3600
    assert headers.parse_timeout("Second-4100000000") == 3600
    assert headers.parse_timeout("Second-x, Second-180") == 180
    assert headers.parse_timeout("Second-0") == 5
    assert headers.parse_timeout(None) == 3600


def test_small_headers() -> None:
    assert headers.parse_lock_token("urn:uuid:1") == headers.parse_lock_token(" <urn:uuid:1> ") == TOKEN
    assert headers.parse_oc_time("1700000000.25") == 1_700_000_000_250
    assert headers.parse_oc_time("-5") == 0
    assert headers.parse_oc_time("1e30") == 253_402_300_799_000
    assert headers.parse_checksums("SHA1:" + "A" * 40 + " CRC:1") == [Checksum("SHA1", "a" * 40)]
    for bad in ("nan", "yesterday", "0x1"):
        with pytest.raises(Invalid):
            headers.parse_oc_time(bad)
    for token in (None, "", "<>", "a b"):
        with pytest.raises(Invalid):
            headers.parse_lock_token(token)
    with pytest.raises(Invalid):
        headers.parse_depth("2", "0")
    with pytest.raises(Invalid):
        headers.parse_overwrite("X")


def test_digests_old_and_new() -> None:
    found = digests.parse_digests(
        {"content-digest": "sha-256=:AAEC:, unixsum=:AA==:", "digest": "MD5=AAEC", "content-md5": "AAEC"}
    )
    assert found == [Checksum("SHA256", "000102"), Checksum("MD5", "000102"), Checksum("MD5", "000102")]
    assert digests.format_digests("00" * 32, "sha-256=3", "") == [
        (b"repr-digest", b"sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:")
    ]
    hasher = digests.new_hasher("ADLER32")
    hasher.update(b"Wikipedia")
    assert hasher.hexdigest() == "11e60398"
    with pytest.raises(Invalid):
        digests.parse_digests({"digest": "nonsense"})


BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><propfind xmlns="DAV:"><prop><a>&b;</a></prop></propfind>'
)


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        BOMB.decode().encode("utf-16"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"/>',
        b"<a",
        b"<propfind/>",
        b'<propfind xmlns="DAV:"/>',
        b'<prop xmlns="DAV:"/>',
        b'<propfind xmlns="DAV:"><prop>' + b"<a>" * 60 + b"</a>" * 60 + b"</prop></propfind>",
        b'<propfind xmlns="DAV:"><prop>' + b"".join(b"<a%d/>" % n for n in range(1_001)) + b"</prop></propfind>",
        b'<?xml version="1.0" encoding="x-none"?><propfind xmlns="DAV:"/>',
    ],
)
def test_hostile_xml_is_refused(body: bytes) -> None:
    with pytest.raises((Invalid, Forbidden, TooLarge)):
        xml.parse_propfind(body)


@given(st.binary(max_size=60))
def test_xml_raises_nothing_unforeseen(body: bytes) -> None:
    for parse in (xml.parse_propfind, xml.parse_proppatch, xml.parse_lockinfo, xml.parse_report, xml.parse_mkcol):
        try:
            parse(body)
        except FaztError:
            continue


def test_propfind_in_all_its_forms() -> None:
    assert xml.parse_propfind(b"") == xml.PropFind("allprop")
    body = b'<a:propfind xmlns:a="DAV:"><a:prop><a:getetag/><x xmlns="urn:y"/><z/></a:prop><other/></a:propfind>'
    assert xml.parse_propfind(body) == xml.PropFind("prop", (("DAV:", "getetag"), ("urn:y", "x"), ("", "z")))
    body = b'<propfind xmlns="DAV:"><allprop/></propfind>'
    assert xml.parse_propfind(body).kind == "allprop"


def test_a_dead_property_keeps_its_namespaces_language_and_text() -> None:
    body = (
        b'<D:propertyupdate xmlns:D="DAV:" xmlns:p="urn:p"><D:set><D:prop xml:lang="de">'
        b'<p:a>x<p:b q="1"/>y &amp; &#13;</p:a></D:prop></D:set>'
        b"<D:remove><D:prop><c/></D:prop></D:remove></D:propertyupdate>"
    )
    first, second = xml.parse_proppatch(body)
    assert first.name == ("urn:p", "a")
    assert second == xml.PropSet(("", "c"), None)
    again = etree.fromstring(f'<r xmlns="urn:else">{first.xml}</r>')[0]
    assert again.tag == "{urn:p}a"
    assert again.get(xml.XML_LANG) == "de"
    assert (again.text, again[0].tag, again[0].tail) == ("x", "{urn:p}b", "y & \r")


def node(name: str, size: int = 3, *, folder: bool = False) -> Node:
    return Node(7, 1, 2, name, folder, "" if folder else "ab" * 32, size, NOW, NOW, 5, 5, "")


NAMES = (("DAV:", "getetag"), ("DAV:", "displayname"), ("DAV:", "getcontentlength"), ("urn:x&w", "y"))


def read_entries(text: str) -> dict[str, dict[str, str]]:
    """By href: the text of each property with its status."""
    root = etree.fromstring((multistatus.OPENING + text + multistatus.CLOSING).encode())
    found = {}
    for response in root:
        props = {}
        for stat in response.findall("{DAV:}propstat"):
            status = stat.findtext("{DAV:}status") or ""
            for prop in stat.find("{DAV:}prop"):  # type: ignore[union-attr] # every propstat has one
                props[prop.tag] = f"{status.split()[1]} {prop.text or ''}"
        found[response.findtext("{DAV:}href") or ""] = props
    return found


def test_entries_that_are_alike_and_those_with_dead_properties_read_the_same() -> None:
    plan = multistatus.Plan(NAMES)
    nodes = [node("a & b%s.txt"), node("folder", folder=True)]
    plain = read_entries(multistatus.render(plan, nodes, "/dav/", Scene(now=NOW), {}))
    assert plain == {
        "/dav/a%20%26%20b%25s.txt": {
            "{DAV:}getetag": f'200 "{"ab" * 16}"',
            "{DAV:}displayname": "200 a & b%s.txt",
            "{DAV:}getcontentlength": "200 3",
            "{urn:x&w}y": "404 ",
        },
        "/dav/folder/": {
            "{DAV:}getetag": '200 "7-5"',
            "{DAV:}displayname": "200 folder",
            "{DAV:}getcontentlength": "404 ",
            "{urn:x&w}y": "404 ",
        },
    }
    dead = {7: {("urn:z", "unasked"): "<z/>"}}
    assert read_entries(multistatus.render(plan, nodes, "/dav/", Scene(now=NOW), dead)) == plain
    dead = {7: {("urn:x&w", "y"): '<y xmlns="urn:x&amp;w">1</y>'}}
    rich = read_entries(multistatus.render(plan, nodes, "/dav/", Scene(now=NOW), dead))
    assert {props["{urn:x&w}y"] for props in rich.values()} == {"200 1"}


def test_listings_of_all_properties_stay_below_what_windows_takes() -> None:
    plan = multistatus.make_plan(xml.PropFind("allprop"), is_listing=True)
    text = multistatus.render(plan, [node(f"IMG_{n:04}.jpg") for n in range(1_000)], "/dav/files/", Scene(now=NOW), {})
    assert len(text) < 700 * 1_000


def test_names_that_xml_cannot_hold_do_not_break_a_folder() -> None:
    text = multistatus.render(multistatus.Plan(NAMES), [node("a\x01\ufffe\r")], "/", Scene(now=NOW), {})
    ((props),) = read_entries(text).values()
    assert props["{DAV:}displayname"] == "200 a\ufffd\ufffd\r"


def test_lockdiscovery_shows_the_locks_over_a_node_and_no_blanks() -> None:
    deep = Lock(TOKEN, 1, 2, "u", False, True, "", NOW, NOW + 59_500)
    other = Lock(OTHER, 1, 3, "u", False, False, "", NOW, NOW + 60_000)
    scene = Scene(now=NOW, locks=(deep, other), hrefs={TOKEN: "/dav/files/"}, above=(1, 2))
    text = multistatus.render(multistatus.Plan((("DAV:", "lockdiscovery"),)), [node("a")], "/", scene, {})
    assert f"<D:locktoken><D:href>{TOKEN}</D:href></D:locktoken>" in text
    assert "<D:timeout>Second-60</D:timeout>" in text
    assert OTHER not in text


def test_dates_and_types() -> None:
    assert multistatus.http_date(784111777_000) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert multistatus.iso_date(784111777_000) == "1994-11-06T08:49:37Z"
    assert find_type("a.TXT") == "text/plain; charset=utf-8"
    assert find_type(".txt") == find_type("a.nonsense") == "application/octet-stream"


def test_names_are_compared_composed_and_keep_their_case() -> None:
    assert key_of("e\u0301") == key_of("é") != key_of("É")
    assert free_name("a.txt", {"a.txt", "a (2).txt"}) == "a (3).txt"
    assert free_name("a.b", {"a.b"}, is_folder=True) == "a.b (2)"
