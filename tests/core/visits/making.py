"""Visits made up for tests and benches."""

from __future__ import annotations

from random import Random

from fazt.core.clock import DAY
from fazt.core.visits import Record

SOURCES = ("", "", "", "news.example", "search.example", "social.example", "blog.example")
BROWSERS = (("Chrome", "Windows", "desktop"), ("Safari", "iOS", "phone"), ("Firefox", "Linux", "desktop"))
COUNTRIES = ("DE", "FR", "US", "IN", "BR", "")
CAMPAIGNS = ("", "", "", "", "spring", "launch")


def make_record(chance: Random, at: int, target: str, *, pages: int = 300, visitors: int = 1000) -> Record:
    """One visit; few pages get most views, one visit in ten is a robot's."""
    robot = chance.choice((1, 1, 2)) if chance.random() < 0.1 else 0
    browser, system, device = chance.choice(BROWSERS) if not robot else (f"Bot{chance.randrange(20)}", "", "")
    campaign = chance.choice(CAMPAIGNS)
    number = chance.randrange(visitors)
    return Record(
        kind="site",
        target=target,
        at=at,
        path=f"/page/{int(pages * chance.random() ** 3)}",
        referrer=chance.choice(SOURCES),
        country=COUNTRIES[number % len(COUNTRIES)],
        robot=robot,
        browser=browser,
        os=system,
        device=device,
        language=("en", "de", "fr")[number % 3],
        utm_source=campaign and "letter",
        utm_medium=campaign and "mail",
        utm_campaign=campaign,
        utm_term="",
        utm_content="",
        visitor=at // DAY * 1_000_003 + number,
    )
