"""Two-factor: codes work once, recovery codes too."""

import pytest
from sqlalchemy import Connection

from fazt.core.auth import User, store
from fazt.core.auth.model.totp import STEP_MS, find_step, totp_uri
from fazt.core.errors import Conflict, Invalid, NotFound, Unauthorized
from tests.conftest import NOW
from tests.core.auth.people import add_member, add_owner, code_at, wrong_code


def turn_on(conn: Connection, user: User) -> tuple[str, list[str]]:
    """Secret and recovery codes of somebody with two-factor on, confirmed with the code of NOW."""
    secret = store.start_totp(conn, user.id)
    return secret, store.confirm_totp(conn, user.id, code_at(secret, NOW), NOW)


def test_the_vectors_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert find_step(secret, code, seconds * 1_000, after=0) == seconds // 30


def test_it_is_on_once_a_code_was_seen(conn: Connection) -> None:
    ann = add_owner(conn)
    secret = store.start_totp(conn, ann.id)
    assert not store.get_user(conn, ann.id).has_totp
    with pytest.raises(Invalid):
        store.confirm_totp(conn, ann.id, wrong_code(secret, NOW), NOW)
    with pytest.raises(Invalid):
        store.confirm_totp(conn, ann.id, "", NOW)
    codes = store.confirm_totp(conn, ann.id, code_at(secret, NOW), NOW)
    assert store.get_user(conn, ann.id).has_totp
    assert len(set(codes)) == 10
    assert store.count_recovery_codes(conn, ann.id) == 10
    with pytest.raises(Conflict):
        store.start_totp(conn, ann.id)
    with pytest.raises(Conflict):
        store.confirm_totp(conn, ann.id, code_at(secret, NOW + STEP_MS), NOW + STEP_MS)


def test_starting_again_gives_another_secret(conn: Connection) -> None:
    ann = add_owner(conn)
    first, second = store.start_totp(conn, ann.id), store.start_totp(conn, ann.id)
    assert first != second
    assert len(store.confirm_totp(conn, ann.id, code_at(second, NOW), NOW)) == 10
    with pytest.raises(NotFound):
        store.start_totp(conn, "nobody")


def test_a_code_works_once(conn: Connection) -> None:
    ann = add_owner(conn)
    secret, _ = turn_on(conn, ann)
    later = NOW + 10 * STEP_MS
    store.check_code(conn, ann.id, code_at(secret, later), later)
    for at in (later, later - STEP_MS):
        with pytest.raises(Unauthorized) as caught:
            store.check_code(conn, ann.id, code_at(secret, at), later)
        assert caught.value.details["code_needed"]
    store.check_code(conn, ann.id, code_at(secret, later + STEP_MS), later + STEP_MS)


def test_the_code_that_confirmed_does_not_log_in(conn: Connection) -> None:
    ann = add_owner(conn)
    secret, _ = turn_on(conn, ann)
    with pytest.raises(Unauthorized):
        store.check_code(conn, ann.id, code_at(secret, NOW), NOW)


def test_a_phone_may_be_half_a_minute_wrong(conn: Connection) -> None:
    ann = add_owner(conn)
    secret, _ = turn_on(conn, ann)
    later = NOW + 100 * STEP_MS
    with pytest.raises(Unauthorized):
        store.check_code(conn, ann.id, code_at(secret, later - 2 * STEP_MS), later)
    with pytest.raises(Unauthorized):
        store.check_code(conn, ann.id, code_at(secret, later + 2 * STEP_MS), later)
    store.check_code(conn, ann.id, code_at(secret, later - STEP_MS), later)
    store.check_code(conn, ann.id, code_at(secret, later + STEP_MS), later)


def test_a_recovery_code_works_once(conn: Connection) -> None:
    ann, bob = add_owner(conn), add_member(conn)
    _, codes = turn_on(conn, ann)
    _, others = turn_on(conn, bob)
    store.check_code(conn, ann.id, codes[3].upper().replace("-", " "), NOW)
    for code in (codes[3], others[0], "", "0" * 16):
        with pytest.raises(Unauthorized):
            store.check_code(conn, ann.id, code, NOW)
    assert store.count_recovery_codes(conn, ann.id) == 9
    assert store.count_recovery_codes(conn, bob.id) == 10


def test_new_recovery_codes_end_the_old(conn: Connection) -> None:
    ann = add_owner(conn)
    with pytest.raises(Conflict):
        store.renew_recovery_codes(conn, ann.id)
    _, old = turn_on(conn, ann)
    new = store.renew_recovery_codes(conn, ann.id)
    with pytest.raises(Unauthorized):
        store.check_code(conn, ann.id, old[0], NOW)
    store.check_code(conn, ann.id, new[0], NOW)


def test_recovery_codes_are_kept_as_hashes(conn: Connection) -> None:
    ann = add_owner(conn)
    _, codes = turn_on(conn, ann)
    rows = str(conn.exec_driver_sql("SELECT * FROM core_recovery_code").all())
    assert not any(code in rows or code.replace("-", "") in rows for code in codes)


def test_turning_it_off_ends_all_of_it(conn: Connection) -> None:
    ann = add_owner(conn)
    secret, codes = turn_on(conn, ann)
    store.delete_totp(conn, ann.id)
    assert not store.get_user(conn, ann.id).has_totp
    for code in (codes[0], code_at(secret, NOW + STEP_MS)):
        with pytest.raises(Unauthorized):
            store.check_code(conn, ann.id, code, NOW + STEP_MS)
    turn_on(conn, ann)


def test_the_qr_code_names_the_account() -> None:
    uri = totp_uri("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "ann@example.com", "cloud.example")
    assert uri.startswith("otpauth://totp/cloud.example:ann%40example.com?")
    assert "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" in uri
