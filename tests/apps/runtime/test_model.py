"""fazt.json, keys, limits, and which times are due."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.runtime.model import CronEntry, check_limits, check_ttl, parse_manifest, plan_due
from fazt.core.clock import HOUR, MINUTE
from fazt.core.errors import Invalid
from tests.conftest import NOW


def read(**said: Any) -> Any:
    return parse_manifest(json.dumps(said), NOW)


def test_a_whole_manifest() -> None:
    found = read(
        static=["public", "index.html"],
        cron=[
            {"schedule": "*/5 * * * *", "timezone": "Europe/Berlin", "path": "/tick"},
            {"schedule": "0 3 * * *", "name": "nightly", "missed": "skip", "overlap": True, "retries": 0},
        ],
        on={"mail.received": True, "textdb.changed": {"collection": "orders"}, "x.off": False},
        scopes=["textdb:rw:orders", "mail:send", "mail:send"],
        theirs={"own": 1},
    )
    assert found.static == ("public", "index.html")
    assert [entry.name for entry in found.cron] == ["*/5 * * * * /tick", "nightly"]
    assert [(hook.event, hook.filter) for hook in found.on] == [
        ("mail.received", {}),
        ("textdb.changed", {"collection": "orders"}),
    ]
    assert found.scopes == ("textdb:rw:orders", "mail:send")
    assert parse_manifest("", NOW).cron == ()
    assert read(static=True).static == ("*",)


@pytest.mark.parametrize(
    "said",
    [
        {"cron": [{"schedule": "* * * *"}]},
        {"cron": [{"schedule": "0 0 30 2 *"}]},
        {"cron": [{"schedule": "* * * * *", "timezone": "Mars/Base"}]},
        {"cron": [{"schedule": "* * * * *", "path": "tick"}]},
        {"cron": [{"schedule": "* * * * *", "missed": "twice"}]},
        {"cron": [{"schedule": "* * * * *"}, {"schedule": "* * * * *"}]},
        {"cron": [{"schedule": "* * * * *", "name": str(number)} for number in range(51)]},
        {"cron": "daily"},
        {"on": {"Mail": True}},
        {"on": {"a.b": "path"}},
        {"scopes": ["everything"]},
    ],
)
def test_a_wrong_manifest_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        read(**said)


@given(st.text(max_size=100))
def test_nonsense_is_only_invalid(text: str) -> None:
    try:
        parse_manifest(text, NOW)
    except Invalid:
        return


def test_an_endless_list_of_missed_times_has_an_end() -> None:
    entry = CronEntry(1, 1, "c", "* * * * *", "UTC", "", "all", overlap=True, retries=0, next_at=NOW, is_paused=False)
    times, following = plan_due(entry, NOW + 1_000 * HOUR, is_waiting=False, is_running=False)
    assert len(times) <= 101
    assert NOW + 1_000 * HOUR < following <= NOW + 1_000 * HOUR + MINUTE


def test_limits_and_times_to_live() -> None:
    assert check_limits({"memory_mb": 64.0, "cpu_s": 1}) == {"memory_mb": 64, "cpu_s": 1.0}
    assert check_ttl(1.5) == 1_500
    for ttl in (0, -1, float("inf"), float("nan")):
        with pytest.raises(Invalid):
            check_ttl(ttl)
