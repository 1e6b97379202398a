"""Litestream's configuration, and which epoch of a replica is meant."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from fazt.apps.backup.wire import Replication, choose_ended, choose_epoch, make_config, parse_epoch
from fazt.core.errors import Invalid
from fazt.core.ids import new_id
from tests.conftest import NOW


def test_s3_that_is_not_amazons_is_asked_by_path() -> None:
    wanted = Replication("s3://bucket/a%20b", endpoint="http://127.0.0.1:9", region="eu")
    config = decode(make_config(wanted, data='/d"x', meta="/m", epoch="e", socket="/s"))
    (db,) = config["dbs"]
    assert db["path"] == '/d"x'
    assert db["replica"] == {
        "type": "s3",
        "bucket": "bucket",
        "path": "a b/e",
        "region": "eu",
        "endpoint": "http://127.0.0.1:9",
        "force-path-style": True,
        "sync-interval": "1s",
    }
    assert config["socket"] == {"enabled": True, "path": "/s"}
    assert config["snapshot"]["retention"] == "168h"


@pytest.mark.parametrize(("url", "path"), [("/r/", "/r/e"), ("file:///r", "/r/e")])
def test_a_folder_has_a_part_for_each_epoch(url: str, path: str) -> None:
    (db,) = decode(make_config(Replication(url), data="/d", meta="/m", epoch="e"))["dbs"]
    assert db["replica"] == {"type": "file", "path": path, "sync-interval": "1s"}


@given(st.text())
def test_what_is_no_place_is_refused(url: str) -> None:
    with suppress(Invalid):
        make_config(Replication(url), data="/d", meta="/m", epoch="e")


def test_the_epoch_of_a_moment_is_found() -> None:
    first, second, third = (new_id(NOW + n) for n in (0, 1_000, 2_000))
    names = [third, "lost+found", first, second, "x" * 20 + "!"]
    assert parse_epoch(second) == NOW + 1_000
    assert choose_epoch(names, None) == third
    assert choose_epoch(names, NOW + 1_500) == second
    assert choose_ended(names, NOW + 1_500) == [first]
    for at in (NOW - 1, 0):
        with pytest.raises(Invalid, match="far back"):
            choose_epoch(names, at)
    with pytest.raises(Invalid, match="no replica"):
        choose_epoch(["lost+found"], None)
