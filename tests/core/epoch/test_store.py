"""A new epoch sorts after all before it, whatever the clock says."""

from sqlalchemy import Connection

from fazt.core.epoch import begin_epoch, get_epoch
from tests.conftest import NOW


def test_every_file_is_born_with_an_epoch(conn: Connection) -> None:
    found = get_epoch(conn)
    assert len(found.id) == 20
    assert found.reason == "new"


def test_the_newest_epoch_holds_even_after_the_clock_was_set_back(conn: Connection) -> None:
    first = begin_epoch(conn, "restored from a", now=NOW + 10**9)
    second = begin_epoch(conn, "restored from b", now=NOW)
    assert second.id > first.id
    assert get_epoch(conn) == second
    assert second.begun_at == NOW
