"""Both doors of short links answer alike, and count alike."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from fazt.apps.links import store
from fazt.apps.links.engine import book_of
from fazt.apps.links.model import NewLink, Rule, Variant
from fazt.apps.links.model.rules import Condition
from fazt.apps.links.routes.follow import quote_short, quote_target
from fazt.core import Core
from fazt.core.config import Address, read_config
from fazt.core.http.server import Listener, bind
from fazt.serve import Running, running

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")

FIREFOX = b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
ROBOT = b"User-Agent: Googlebot/2.1 (+http://www.google.com/bot.html)"
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
TARGET = "https://example.org/page?a=1#part"
LINKS = (
    NewLink(slug="plain", target=TARGET),
    NewLink(slug="bare", target="https://example.org", forward_query=False, is_crawlable=True),
    NewLink(slug="for/ever", target=TARGET, status=301),
    NewLink(slug="own", target=TARGET, host="go.localhost", status=307),
    NewLink(slug="ü", target="https://example.org/ü ?ä"),
    NewLink(slug="ended", target=TARGET, expires_at=1_000),
    NewLink(slug="early", target=TARGET, valid_from=4_000_000_000_000),
    NewLink(slug="few", target=TARGET, max_visits=1_000),
    NewLink(slug="locked", target=TARGET, password_hash=HASH),
    NewLink(slug="split", target=TARGET, variants=(Variant("https://a.example/"), Variant("https://b.example/"))),
    NewLink(slug="ruled", target=TARGET, rules=(Rule("https://de.example/", (Condition("language", None, "de"),)),)),
)
PATHS = [
    *(f"/r/{link.slug}" for link in LINKS if link.slug.isascii()),
    "/r/%C3%BC", "/r/%FF", "/r/pl%61in", "/r/plain/", "/r//plain", "/r/plain//", "/r/plain+", "/r/plain%2B", "/r/Plain",
    "/r/plain?b=2&c", "/r/plain?", "/r/plain?b=%0d%0aX:y", "/r/bare?b=2", "/r/plain?utm_source=news&utm_medium=mail",
    "/r/for/ever?b", "/r/for", "/r", "/r/", "/r?x", "/rx", "/r/nothing", "/r/robots.txt", "/r/" + "x" * 300,
]  # fmt: skip
ROOT_PATHS = ["/plain", "/own", "/own?b=2", "/for/ever", "/", "/robots.txt", "/favicon.ico", "/rest/v3/x", "/locked"]
HEADERS = [
    (FIREFOX,),
    (FIREFOX, b"Referer: https://news.example/x", b"Accept-Language: de-AT,de;q=0.9", b"Accept: text/html"),
    (FIREFOX, b"Cookie: fazt-link-9=x; fazt=y", b"X-Forwarded-For: 203.0.113.9, 198.51.100.1"),
    (FIREFOX, b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: localhost"),
    (ROBOT,),
    (),
]


def make_links(conn: Connection) -> None:
    """The links of this module."""
    for link in LINKS:
        store.create_link(conn, link, owner="", check_target=lambda target: target, slug_length=5, now=1)


def take_visits(conn: Connection) -> tuple[Any, Any]:
    """Visits since the last look, without their times, and the clicks of all links; both begin anew."""
    columns = "kind, target, path, referrer, robot, browser, os, device, language, utm_source, utm_medium, visitor"
    visits = conn.execute(text(f"SELECT {columns} FROM core_visit ORDER BY id")).all()  # noqa: S608 - own names
    clicks = conn.execute(text("SELECT slug, clicks, robot_clicks FROM links_link ORDER BY id")).all()
    conn.execute(text("DELETE FROM core_visit"))
    conn.execute(text("UPDATE links_link SET clicks = 0, robot_clicks = 0"))
    return visits, clicks


@asynccontextmanager
async def opened(app: Any) -> AsyncIterator[int]:
    """The port of a server of `app`."""
    listener = Listener(app, [bind(Address("127.0.0.1", 0))])
    await listener.start()
    yield listener.sockets[0].getsockname()[1]
    await listener.stop()


@pytest.fixture(params=["direct", "behind a proxy"])
async def program(request: pytest.FixtureRequest, template_file: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A cloud in this process with the links of this module."""
    environment = {"FAZT_DATA": str(tmp_path / "data.db"), "FAZT_LISTEN": "127.0.0.1:0"}
    if request.param != "direct":
        environment["FAZT_TRUSTED_PROXIES"] = "127.0.0.1,198.51.100.0/24"
    shutil.copy(template_file, tmp_path / "data.db")
    async with running(read_config({}, environment)) as found:
        await found.core.settings.put("links.hosts", ["go.localhost"], 1)
        await found.core.db.write(make_links)
        yield found


async def talk(port: int, requests: list[bytes]) -> list[bytes]:
    """Ask one after the other on connections of their own; the answers, without dates and ports."""
    heard = []
    for request in requests:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        said = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        lines = (line for line in said.split(b"\r\n") if not line.startswith((b"date: ", b"retry-after: ")))
        heard.append(b"\r\n".join(lines))
    return heard


def list_requests() -> list[bytes]:
    """All paths with all headers, and some with other methods and versions."""
    made = []
    for host, paths in ((b"localhost", PATHS), (b"go.localhost", ROOT_PATHS), (b"GO.localhost.:80", ["/own"])):
        for path in paths:
            made += [(b"GET", path, b"1.1", host, headers) for headers in HEADERS]
            made.append((b"HEAD", path, b"1.1", host, HEADERS[1]))
        made.append((b"POST", paths[0], b"1.1", host, (FIREFOX, b"Content-Length: 0")))
        made += [(b"OPTIONS", paths[0], b"1.1", host, HEADERS[0]), (b"GET", paths[0], b"1.0", host, HEADERS[0])]
    return [
        b"\r\n".join(
            [b"%b %b HTTP/%b" % (method, path.encode(), version), b"Host: " + host, *headers, b"Connection: close"]
        )
        + b"\r\n\r\n"
        for method, path, version, host, headers in made
    ]


async def test_both_doors_lead_to_the_same_place_and_count_the_same(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, root, taken = program.core, program.root, 0

    async def general(scope: Any, receive: Any, send: Any) -> None:
        await root(scope, receive, send)

    class Counted:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await root(scope, receive, send)

        def front(self, scope: Any, reply: Any) -> bool:
            nonlocal taken
            found = root.front(scope, reply)
            taken += found
            return found

    for clocked in (core, core.visits):
        monkeypatch.setattr(clocked, "clock", lambda: 1_800_000_000_000)
    requests = list_requests()
    heard = []
    for app in (general, Counted()):
        async with opened(app) as port:
            forget_guesses(core)
            answers = await talk(port, requests)
            heard.append((answers, await core.db.write(take_visits)))
    (answers, counted), (fronted, counted_there) = heard
    for request, general_answer, front_answer in zip(requests, answers, fronted, strict=True):
        assert front_answer == general_answer, request
    assert counted_there == counted
    assert sum(answer.startswith(b"HTTP/1.1 30") for answer in answers) > taken > 80


def forget_guesses(core: Core) -> None:
    """Nobody has tried names yet."""
    book_of(core).guesses._misses.clear()


async def test_long_addresses_are_answered_and_not_remembered(program: Running) -> None:
    book, long = book_of(program.core), "x" * 20_000
    assert await book.find("go.localhost", long) is None
    assert await book.find("", long) is None
    assert not book._links
    kept = quote_short.cache_info().currsize
    assert quote_target(f"https://example.org/ü?{long}") == f"https://example.org/%C3%BC?{long}".encode()
    assert quote_short.cache_info().currsize == kept


async def test_a_link_that_changes_leads_elsewhere_at_once(program: Running) -> None:
    core = program.core
    request = [b"GET /r/plain HTTP/1.1\r\nHost: localhost\r\n%b\r\nConnection: close\r\n\r\n" % FIREFOX]
    async with opened(program.root) as port:
        for number in range(5):
            target = f"https://example.org/{number}"
            await core.db.write(
                store.change_link, 1, {"target": target}, owner=None, check_target=lambda target: target, now=2
            )
            for _ in range(3):
                (answer,) = await talk(port, request)
                assert f"location: {target}\r\n".encode() in answer
        await core.db.write(store.delete_link, 1, owner=None, now=3)
        (answer,) = await talk(port, request)
        assert answer.startswith(b"HTTP/1.1 404 ")
