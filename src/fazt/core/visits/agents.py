"""Who a User-Agent header speaks for: browser, system and kind of device, or the name of a robot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fazt.core.visits.model import BOT, HUMAN, UNFURLER, WORD_CHARS, clean

if TYPE_CHECKING:
    from crawlerdetect import CrawlerDetect
    from ua_parser import Parser

CACHED = 4096
MAX_CHARS = 400
UNFURLERS = (
    "bitlybot", "blueskycardyb", "bluesky cardyb", "discordbot", "embedly", "facebookexternalhit", "facebot",
    "google-pagerenderer", "iframely", "line-poker", "linkedinbot", "mastodon", "mattermost", "misskey", "pinterestbot",
    "pleroma", "redditbot", "rocket.chat", "signal-", "skypeuripreview", "slack-imgproxy", "slackbot-linkexpanding",
    "snapchat", "synapse", "teams", "telegrambot", "twitterbot", "viber", "vkshare", "whatsapp", "xing-content",
)  # fmt: skip
"""Words in the names of programs that fetch a page because somebody put its address into a message."""


class Agent(NamedTuple):
    """What a header tells. `browser` is the robot's name where `robot` is not HUMAN."""

    robot: int
    browser: str
    os: str
    device: str


class Agents:
    """Reads headers and remembers those of lately. The parsers are loaded when the first visitor comes."""

    def __init__(self) -> None:
        self._recent: dict[str, Agent] = {}
        self._parsers: tuple[CrawlerDetect, Parser] | None = None

    def find(self, user_agent: str) -> Agent | None:
        """What is remembered, in no time, or None."""
        return self._recent.get(user_agent[:MAX_CHARS])

    def parse(self, user_agent: str) -> Agent:
        """Read the header: a millisecond, and a second at the first call, so not on the loop. Never raises."""
        header = user_agent[:MAX_CHARS]
        if len(self._recent) >= CACHED:
            for old in list(self._recent)[: CACHED // 4]:
                self._recent.pop(old, None)
        agent = self._recent[header] = self._read(header)
        return agent

    def _read(self, header: str) -> Agent:
        if not header.strip():
            return Agent(BOT, "no name", "", "")
        if self._parsers is None:
            self._parsers = load_parsers()
        detect, parser = self._parsers
        robot = detect._check_crawler(header)[1]  # noqa: SLF001 - the public method keeps state between calls
        result = parser.parse(header)
        family = result.user_agent.family if result.user_agent else ""
        lowered = header.lower()
        if robot:
            sort = UNFURLER if any(word in lowered for word in UNFURLERS) else BOT
            return Agent(sort, clean(robot.strip(" /"), WORD_CHARS), "", "")
        system = name_system(result.os.family if result.os else "")
        return Agent(HUMAN, name_browser(family), system, guess_device(lowered, system))


def load_parsers() -> tuple[CrawlerDetect, Parser]:
    """Half a second and 16 MB; the patterns for models of phones would be as much again, and are left out."""
    from crawlerdetect import CrawlerDetect  # noqa: PLC0415 - most commands never need it
    from ua_parser import Parser, load_builtins  # noqa: PLC0415
    from ua_parser.regex import Resolver  # noqa: PLC0415

    browsers, systems, _models = load_builtins()
    return CrawlerDetect(), Parser(Resolver((browsers, systems, [])))


def name_browser(family: str) -> str:
    """`Chrome Mobile WebView` and its like under the name people know."""
    for name in ("Samsung Internet", "Chrome", "Firefox", "Safari", "Edge", "Opera"):
        if name in family:
            return name
    return clean(family, WORD_CHARS)


def name_system(family: str) -> str:
    """`Mac OS X` under the name people know."""
    return "macOS" if family == "Mac OS X" else clean(family, WORD_CHARS)


def guess_device(lowered: str, system: str) -> str:
    """desktop, phone, tablet, tv or "" where nothing tells."""
    if "ipad" in lowered or "tablet" in lowered or (system == "Android" and "mobile" not in lowered):
        return "tv" if "tv" in lowered else "tablet"
    if system in {"iOS", "Android"} or "mobile" in lowered:
        return "phone"
    if "tv" in lowered or system in {"tvOS", "Tizen", "WebOS", "Chromecast"}:
        return "tv"
    desktops = {"Windows", "macOS", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD", "OpenBSD"}
    return "desktop" if system in desktops else ""
