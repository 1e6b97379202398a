"""`kill -9` under a load of clicks: every click that was answered is in the log, and counted."""

from __future__ import annotations

import random
import sqlite3
import threading
from contextlib import closing, suppress

import httpx
import pytest

from tests.conftest import LONG
from tests.program import Program, wait_until

KILLS = 30 if LONG else 2
VISITORS = 4


def click_until_killed(program: Program, name: str, answered: list[int]) -> None:
    with program.client(headers={"user-agent": "Mozilla/5.0 Firefox/145.0"}) as client, suppress(httpx.HTTPError):
        for number in range(1_000_000):
            answer = client.get("/r/hello", headers={"referer": f"https://{name}-{number}.example/"})
            assert answer.status_code == 302
            answered.append(number)


@pytest.mark.slow
@pytest.mark.timeout(120 + 20 * KILLS)
def test_no_answered_click_is_lost(program: Program) -> None:
    program.run("settings", "set", "links.fetch_titles", "off")
    program.run("links", "add", "https://example.org/", "--slug", "hello")
    chance, expected = random.Random(9), set[str]()
    for round_number in range(KILLS):
        answered: dict[str, list[int]] = {f"r{round_number}v{n}": [] for n in range(VISITORS)}
        threads = [threading.Thread(target=click_until_killed, args=(program, *pair)) for pair in answered.items()]
        for thread in threads:
            thread.start()
        wait_until(lambda answered=answered: sum(map(len, answered.values())) > 20, 30, "clicks")
        threading.Event().wait(chance.uniform(0, 0.3))
        program.kill()
        for thread in threads:
            thread.join(30)
        expected |= {f"{name}-{number}.example" for name, numbers in answered.items() for number in numbers}
        program.start()
    program.stop()
    with closing(sqlite3.connect(program.data)) as conn:
        kept = [row[0] for row in conn.execute("SELECT referrer FROM core_visit WHERE kind = 'link'")]
        clicks = conn.execute("SELECT clicks FROM links_link").fetchone()[0]
    assert expected <= set(kept)
    assert clicks == len(kept) == len(set(kept)), "counted as often as written, and nothing twice"
