"""What is read out of a request, and that nothing a stranger sends raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.visits import Visit
from fazt.core.visits.agents import Agent, Agents
from fazt.core.visits.countries import code_in
from fazt.core.visits.model import BOT, HUMAN, UNFURLER, clean, language_of, make_visitor, network_of, source_of, utm_of

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.1 Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone", "iPad")
PIXEL = (
    "Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0 Mobile Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:109.0) Gecko/20100101 Firefox/118.0"


@pytest.fixture(scope="module")
def agents() -> Agents:
    return Agents()


@pytest.mark.parametrize(
    ("header", "agent"),
    [
        (CHROME, Agent(HUMAN, "Chrome", "Windows", "desktop")),
        (IPHONE, Agent(HUMAN, "Safari", "iOS", "phone")),
        (IPAD, Agent(HUMAN, "Safari", "iOS", "tablet")),
        (PIXEL, Agent(HUMAN, "Chrome", "Android", "phone")),
        (FIREFOX, Agent(HUMAN, "Firefox", "macOS", "desktop")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Agent(BOT, "Googlebot", "", "")),
        ("curl/8.1", Agent(BOT, "curl", "", "")),
        ("", Agent(BOT, "no name", "", "")),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", Agent(UNFURLER, "Slackbot", "", "")),
        ("facebookexternalhit/1.1", Agent(UNFURLER, "facebookexternalhit", "", "")),
        ("WhatsApp/2.23.20.0 A", Agent(UNFURLER, "WhatsApp", "", "")),
        ("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", Agent(UNFURLER, "Discordbot", "", "")),
    ],
)
def test_agents(agents: Agents, header: str, agent: Agent) -> None:
    assert agents.parse(header) == agent
    assert agents.find(header) == agent


def test_only_so_many_agents_are_remembered(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.core.visits.agents.CACHED", 20)
    for n in range(60):
        agents.parse(f"curl/{n}")
    assert len(agents._recent) <= 20
    assert agents.find("curl/59")
    assert agents.find("curl/0") is None


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_that_is_sent_raises(agents: Agents, header: str, referrer: str, query: str, host: str) -> None:
    agents.parse(header)
    source_of(referrer, host)
    source_of(f"https://{referrer}", host)
    utm_of(f"utm_source={query}")
    language_of(header)
    make_visitor(b"salt", Visit("site", "blog", user_agent=header, address=host))


@given(st.text())
def test_what_is_kept_fits_both_databases(text: str) -> None:
    kept = clean(text, 50)
    assert len(kept) <= 50
    assert kept.isprintable()
    kept.encode()


def test_lone_surrogates_are_replaced() -> None:
    assert clean("a\udc80\0b", 10) == "a?b"


@pytest.mark.parametrize(
    ("referrer", "host", "source"),
    [
        ("https://www.news.example/a?b=c", "blog.example", "news.example"),
        ("https://blog.example/about", "blog.example", ""),
        ("https://www.blog.example/about", "blog.example:4698", ""),
        ("http://[::1", "blog.example", ""),
        ("android-app://com.reader.app", "blog.example", "com.reader.app"),
        ("nonsense", "blog.example", ""),
    ],
)
def test_sources(referrer: str, host: str, source: str) -> None:
    assert source_of(referrer, host) == source


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["", "", "", "", ""]),
        ("utm_source=letter&utm_medium=mail&utm_campaign=spring+sale", ["letter", "mail", "spring sale", "", ""]),
        ("ref=friend", ["friend", "", "", "", ""]),
        ("source=a&utm_source=b&utm_source=c", ["b", "", "", "", ""]),
        ("utm_term=%00x", ["", "", "", "x", ""]),
    ],
)
def test_campaigns(query: str, found: list[str]) -> None:
    assert list(utm_of(query)) == found


def test_languages() -> None:
    assert [language_of(header) for header in ("de-AT,de;q=0.9,en", "en;q=1", "*", "", "x" * 99)] == [
        "de",
        "en",
        "",
        "",
        "",
    ]


def test_visitor_is_the_same_for_one_target_salt_and_network() -> None:
    visit = Visit("site", "blog", address="2001:db8::1", user_agent=CHROME)
    number = make_visitor(b"salt", visit)
    assert -(1 << 63) <= number < 1 << 63
    assert make_visitor(b"salt", Visit("site", "blog", path="/x", address="2001:db8::2", user_agent=CHROME)) == number
    for salt, other in [
        (b"tomorrow", visit),
        (b"salt", Visit("site", "shop", address="2001:db8::1", user_agent=CHROME)),
        (b"salt", Visit("site", "blog", address="2001:db8:0:1::1", user_agent=CHROME)),
        (b"salt", Visit("site", "blog", address="2001:db8::1", user_agent=IPHONE)),
    ]:
        assert make_visitor(salt, other) != number
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("no:address") == "no:address"


def test_countries_in_records_of_several_makers() -> None:
    assert code_in({"country": {"iso_code": "DE"}}) == "DE"
    assert code_in({"country": "fr"}) == "FR"
    strange: list[object] = [None, {}, {"country": {}}, {"country": "Germany"}, "DE"]
    assert [code_in(found) for found in strange] == [""] * 5
