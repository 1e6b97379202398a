"""Settings in memory and in the file."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection

from fazt.core.app import Setting, SettingValue
from fazt.core.db import Database
from fazt.core.errors import Invalid, NotFound
from fazt.core.events import Event, list_events
from fazt.core.settings import Settings
from fazt.core.settings.store import put_setting
from tests.conftest import NOW

DECLARED = (
    Setting("links.length", 6, "How long a short link is.", 4, 32),
    Setting("links.words", ["a"], "Words."),
    Setting("mail.password", "", "For the relay.", secret=True),
    Setting("mail.is_on", default=False, help="Whether mail comes in."),
)


async def load(db: Database) -> Settings:
    settings = Settings(DECLARED)
    await settings.load(db)
    return settings


async def test_a_default_holds_until_something_else_is_chosen_for_good(database: Database) -> None:
    settings = await load(database)
    assert settings.get("links.length") == 6
    assert await settings.put("links.length", 8, NOW) == 8
    assert settings.get("links.length") == 8
    assert (await load(database)).get("links.length") == 8
    await settings.put("links.length", 9, NOW)
    await settings.reset("links.length", NOW)
    assert settings.get("links.length") == 6
    assert (await load(database)).get("links.length") == 6


async def test_a_chosen_false_is_not_the_default(database: Database) -> None:
    settings = Settings([Setting("a.is_on", default=True, help="")])
    await settings.load(database)
    await settings.put("a.is_on", value=False, now=NOW)
    assert settings.get("a.is_on") is False


async def test_text_is_chosen_as_typed(database: Database) -> None:
    settings = await load(database)
    assert await settings.put_text("links.words", "x, y", NOW) == ["x", "y"]
    assert await settings.put_text("mail.is_on", "on", NOW) is True
    with pytest.raises(Invalid, match=r"at most 32"):
        await settings.put_text("links.length", "33", NOW)
    assert settings.get("links.length") == 6


async def test_what_does_not_suit_changes_nothing(database: Database) -> None:
    settings = await load(database)
    with pytest.raises(Invalid, match=r"links\.length must be at least 4\."):
        await settings.put("links.length", 1, NOW)
    assert settings.get("links.length") == 6
    assert (await load(database)).get("links.length") == 6
    assert await database.read(list_events) == []


async def test_an_unknown_name_is_not_found_and_the_likely_one_is_named(database: Database) -> None:
    settings = await load(database)
    for ask in (
        lambda: settings.put("links.lenght", 1, NOW),
        lambda: settings.put_text("links.lenght", "1", NOW),
        lambda: settings.reset("links.lenght", NOW),
    ):
        with pytest.raises(NotFound) as caught:
            await ask()
        assert caught.value.hint == "Did you mean links.length?"
    with pytest.raises(NotFound):
        settings.get("links.lenght")
    with pytest.raises(NotFound):
        settings.watch("links.lenght", print)


async def test_a_list_that_is_handed_out_is_a_copy(database: Database) -> None:
    settings = await load(database)
    settings.get("links.words").append("b")
    assert settings.get("links.words") == ["a"]
    await settings.put("links.words", ["c"], NOW)
    settings.get("links.words").append("d")
    assert settings.get("links.words") == ["c"]


async def test_secrets_are_never_listed_nor_told(database: Database) -> None:
    settings = await load(database)
    assert not settings.show("mail.password").is_set
    await settings.put("mail.password", "hunter2", NOW)
    assert settings.get("mail.password") == "hunter2"
    assert settings.show("mail.password").is_set
    assert "hunter2" not in repr(settings.list_settings())
    assert "hunter2" not in repr(await database.read(list_events))


async def test_the_list_is_in_the_order_of_the_manifests(database: Database) -> None:
    settings = await load(database)
    await settings.put("links.length", 7, NOW)
    shown = settings.list_settings()
    assert [s.name for s in shown] == [s.name for s in DECLARED]
    assert (shown[0].value, shown[0].default, shown[0].is_set, shown[0].kind) == (7, 6, True, "whole number")


async def test_a_change_is_an_event_with_the_name_alone(database: Database) -> None:
    settings = await load(database)
    await settings.reset("links.length", NOW)
    await settings.put("links.length", 7, NOW)
    await settings.reset("links.length", NOW + 1)
    changed = Event("settings.changed", {"name": "links.length"}, "links.length")
    told = await database.read(list_events)
    assert [(e.name, e.data, e.key, e.at) for e in told] == [
        (changed.name, changed.data, changed.key, NOW + 1),
        (changed.name, changed.data, changed.key, NOW),
    ]


async def test_who_watches_hears_of_changes_alone(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    settings = await load(database)
    heard: list[SettingValue] = []

    def broken(_value: SettingValue) -> None:
        raise ValueError("odd")

    settings.watch("links.length", broken)
    stop = settings.watch("links.length", heard.append)
    await settings.put("links.length", 7, NOW)
    await settings.put("links.length", 7, NOW)
    await settings.put("links.words", ["z"], NOW)
    await settings.reset("links.length", NOW)
    assert heard == [7, 6]
    assert "odd" in caplog.text
    stop()
    stop()
    await settings.put("links.length", 9, NOW)
    assert heard == [7, 6]


async def test_many_changes_at_once_end_as_the_file_has_them(database: Database) -> None:
    settings = await load(database)
    await asyncio.gather(*(settings.put("links.length", 4 + n, NOW) for n in range(20)))
    assert settings.get("links.length") == (await load(database)).get("links.length")


async def test_what_an_other_version_left_is_kept_but_not_used(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def leave(conn: Connection) -> None:
        put_setting(conn, "gone.away", "1", now=NOW)
        put_setting(conn, "links.length", "99", now=NOW)
        put_setting(conn, "links.words", '"x"', now=NOW)

    await database.write(leave)
    caplog.set_level("INFO")
    settings = await load(database)
    assert settings.get("links.length") == 6
    assert settings.get("links.words") == ["a"]
    assert "gone.away" in caplog.text
    assert "links.length must be at most 32" in caplog.text


@pytest.mark.parametrize(
    ("declared", "error"),
    [
        ((Setting("a.b", 1, ""), Setting("a.b", 2, "")), ValueError),
        ((Setting("a.b", 1, "", minimum=2),), Invalid),
        ((Setting("a.b", "x", "", choices=("y",)),), Invalid),
    ],
)
def test_a_wrong_declaration_is_found_at_the_start(declared: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Settings(declared)
