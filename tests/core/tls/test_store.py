"""Certificates, host names and authorities in the file."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.core.clock import DAY, HOUR
from fazt.core.errors import NotFound
from fazt.core.events import list_events
from fazt.core.jobs import list_jobs
from fazt.core.tls import store
from fazt.core.tls.engine.keeper import find_free, set_of, take, tidy
from fazt.core.tls.engine.options import Limits
from fazt.core.tls.model import Certificate
from fazt.core.tls.model.plan import Order
from fazt.core.tls.wire import create_leaf, create_root, read_certificate
from tests.conftest import NOW

ROOT = create_root("tests", ["example.com"], NOW)
CA = "https://ca.example/dir"


def certificate(*names: str) -> Certificate:
    return read_certificate(*create_leaf(*ROOT, names, NOW), "acme", CA)


def test_a_certificate_is_kept_once_and_told_of(conn: Connection) -> None:
    new = certificate("a.example.com", "b.example.com")
    first = store.add_certificate(conn, new, now=NOW)
    assert store.add_certificate(conn, new, now=NOW) == first
    (kept,) = store.list_certificates(conn)
    assert (kept.names, kept.chain_pem, kept.key_pem) == (new.names, new.chain_pem, new.key_pem)
    (event,) = list_events(conn, prefix="tls.")
    assert event.data["names"] == ["a.example.com", "b.example.com"]
    assert "PRIVATE" not in repr(kept)
    assert "PRIVATE" not in str(event)
    store.delete_certificate(conn, first)
    with pytest.raises(NotFound):
        store.delete_certificate(conn, first)


def test_a_failure_is_told_once_for_each_reason(conn: Connection) -> None:
    for error in ("no DNS", "no DNS", "no port"):
        store.note_failure(conn, "a.example.com", error, "mend it", next_at=NOW + HOUR, now=NOW)
    assert store.list_hosts(conn)["a.example.com"].failures == 3
    assert [event.data["error"] for event in list_events(conn, prefix="tls.failed")] == ["no port", "no DNS"]
    assert store.try_again(conn) == 1
    assert store.list_hosts(conn)["a.example.com"].next_at == 0
    store.note_success(conn, ["a.example.com"], now=NOW)
    found = store.list_hosts(conn)["a.example.com"]
    assert (found.failures, found.error, found.first_at) == (0, "", NOW)
    store.note_failure(conn, "a.example.com", "later", "", next_at=NOW, now=NOW + DAY)
    store.note_success(conn, ["a.example.com"], now=NOW + DAY)
    assert store.list_hosts(conn)["a.example.com"].first_at == NOW, "since when it is on HTTPS stays"


def test_an_authority_that_fails_keeps_our_account(conn: Connection) -> None:
    store.put_account(conn, CA, key_pem="key", uri="acct", email="me@example.com")
    store.note_authority_failure(conn, CA, "away", next_at=NOW + HOUR)
    found = store.find_authority(conn, CA)
    assert (found.account_key_pem, found.account_uri, found.failures, found.error) == ("key", "acct", 1, "away")
    assert "key" not in repr(found)
    store.note_authority_success(conn, CA)
    assert store.find_authority(conn, CA).error == ""
    assert store.find_authority(conn, "https://other.example/").failures == 0


def test_limits_are_counted_by_authority_domain_and_set(conn: Connection) -> None:
    limits = Limits(orders_per_3_hours=100, certificates_per_week=2, same_per_week=2, failures_per_hour=2)
    order = Order(("a.example.com",))
    assert find_free(conn, CA, order, limits, NOW) == NOW
    take(conn, CA, order, certificate("a.example.com"), ["a.example.com"], now=NOW)
    take(conn, CA, Order(("b.example.com",)), certificate("b.example.com"), [], now=NOW + HOUR)
    assert find_free(conn, CA, Order(("c.example.com",)), limits, NOW + HOUR) == NOW + 7 * DAY
    assert find_free(conn, CA, Order(("c.example.net",)), limits, NOW + HOUR) == NOW + HOUR
    assert find_free(conn, "https://other.example/", order, limits, NOW + HOUR) == NOW + HOUR
    renewal = Order(order.names, "http-01", certificate("a.example.com"))
    assert find_free(conn, CA, renewal, limits, NOW + HOUR) == NOW + HOUR, "renewals do not count as new"
    take(conn, CA, renewal, certificate("a.example.com"), [], now=NOW + HOUR)
    assert find_free(conn, CA, renewal, limits, NOW + HOUR) == NOW + 7 * DAY, "but the same set may come twice only"
    assert set_of(["b", "a"]) == set_of(["a", "b"])


def test_what_is_over_is_tidied_away(conn: Connection) -> None:
    for names in (["a.example.com"], ["a.example.com", "b.example.com"]):
        store.add_certificate(conn, certificate(*names), now=NOW)
    brought = read_certificate(*create_leaf(*ROOT, ["c.example.com"], NOW), "imported")
    store.add_certificate(conn, brought, now=NOW)
    store.note_failure(conn, "gone.example.com", "x", "", next_at=NOW, now=NOW)
    tidy(conn, ["a.example.com", "c.example.com"], now=NOW)
    assert len(store.list_certificates(conn)) == 3
    assert store.list_hosts(conn).keys() == {"a.example.com", "c.example.com"}
    tidy(conn, ["a.example.com"], now=NOW + 8 * DAY)
    kept = [one.names for one in store.list_certificates(conn)]
    assert kept == [("a.example.com", "b.example.com"), ("c.example.com",)]
    tidy(conn, [], now=NOW + 200 * DAY)
    assert [one.source for one in store.list_certificates(conn)] == ["imported"]


def test_of_jobs_that_look_at_all_names_one_waits(conn: Connection) -> None:
    store.wake_keeper(conn, now=NOW, run_at=NOW + DAY)
    store.wake_keeper(conn, now=NOW, run_at=NOW + HOUR)
    store.wake_keeper(conn, now=NOW, run_at=NOW + 2 * DAY)
    (job,) = list_jobs(conn, name=store.KEEP_JOB)
    assert job.run_at == NOW + HOUR
