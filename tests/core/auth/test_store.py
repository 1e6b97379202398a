"""People, sessions, tokens and one-time links, on both engines."""

import pytest
from sqlalchemy import Connection

from fazt.core.auth import store
from fazt.core.auth.model import NewSession, digest, new_session_secret, normalize_secret
from fazt.core.auth.store.sessions import IDLE, MOST
from fazt.core.clock import DAY, MINUTE
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from fazt.core.events import list_events
from tests.conftest import NOW
from tests.core.auth.people import ANN, add_member, add_owner, open_session


def find_by_secret(conn: Connection, secret: str, now: int = NOW) -> str:
    """Whose token this is, "" for nobody's."""
    found = store.find_token(conn, digest(normalize_secret(secret) or ""), now)
    return found.caller.user_id if found else ""


def find_by_cookie(conn: Connection, secret: str, now: int = NOW) -> str:
    """Whose session this is, "" for nobody's."""
    found = store.find_session(conn, digest(secret), now)
    return found.caller.user_id if found else ""


def test_the_owner_is_one(conn: Connection) -> None:
    assert store.find_owner(conn) is None
    ann = add_owner(conn)
    assert store.find_owner(conn) == ann
    assert (ann.role, ann.handle, ann.name, ann.email) == ("owner", "ann", "ann", ANN)
    with pytest.raises(Conflict):
        store.create_owner(conn, email="eve@example.com", password_hash="x", now=NOW)


def test_both_names_find_a_person(conn: Connection) -> None:
    ann = add_owner(conn)
    for login in (ANN, "ANN@Example.com", "ann", " Ann "):
        assert store.find_user(conn, login) == ann
    for login in ("", "an", "bob", "ann@example.org", "ann\0", "\ud800", "x" * 9999):
        assert store.find_user(conn, login) is None


def test_no_hash_is_printed(conn: Connection) -> None:
    account = store.get_account(conn, add_owner(conn).id)
    assert account.password_hash == "hash of ann"
    assert "hash" not in repr(account)


def test_names_are_taken_once(conn: Connection) -> None:
    add_owner(conn)
    with pytest.raises(Conflict):
        add_member(conn, ANN.upper())
    with pytest.raises(Conflict):
        store.create_user(conn, email="b@example.com", password_hash="x", now=NOW, handle="ann")
    assert add_member(conn, "ann@example.org").handle == "ann2"
    reserved = add_member(conn, "admin@example.org")
    assert (reserved.handle, reserved.name) == ("admin2", "admin")
    assert add_member(conn, "ä@example.org").handle == "user"


def test_a_person_is_changed(conn: Connection) -> None:
    add_owner(conn)
    bob = add_member(conn)
    changed = store.update_user(conn, bob.id, email="Rob@Example.com", name="Rob Roy")
    assert (changed.email, changed.handle, changed.name) == ("rob@example.com", "bob", "Rob Roy")
    assert store.update_user(conn, bob.id, handle="rob").handle == "rob"
    for values in ({"email": ANN}, {"handle": "ann"}):
        with pytest.raises(Conflict):
            store.update_user(conn, bob.id, **values)
    with pytest.raises(Invalid):
        store.update_user(conn, bob.id, handle="postmaster")
    with pytest.raises(NotFound):
        store.update_user(conn, "nobody", name="x")


def test_people_are_listed_owner_first(conn: Connection) -> None:
    zoe, ann, bob = add_member(conn, "zoe@example.com"), add_owner(conn), add_member(conn)
    assert store.list_users(conn) == [ann, bob, zoe]


@pytest.mark.parametrize("end", ["suspend", "delete"])
def test_who_goes_loses_every_credential(conn: Connection, end: str) -> None:
    add_owner(conn)
    bob, eve = add_member(conn), add_member(conn, "eve@example.com")
    cookies, tokens = {}, {}
    for user in (bob, eve):
        cookies[user.id], _ = open_session(conn, user)
        tokens[user.id] = [
            store.create_token(conn, user.id, name="x", scopes=None, now=NOW, kind=kind).secret
            for kind in ("token", "app")
        ]
    reset = store.create_reset(conn, bob.id, NOW)
    if end == "suspend":
        store.suspend_user(conn, bob.id, NOW)
        assert store.get_user(conn, bob.id).is_suspended
        with pytest.raises(Forbidden):
            store.create_reset(conn, bob.id, NOW)
        store.resume_user(conn, bob.id, NOW)
        assert not store.get_user(conn, bob.id).is_suspended
    else:
        store.delete_user(conn, bob.id, NOW)
        assert store.find_user(conn, "bob") is None
    assert find_by_cookie(conn, cookies[bob.id]) == ""
    assert [find_by_secret(conn, token) for token in tokens[bob.id]] == ["", ""]
    assert store.find_reset(conn, reset.secret, NOW) is None
    assert find_by_cookie(conn, cookies[eve.id]) == eve.id
    assert [find_by_secret(conn, token) for token in tokens[eve.id]] == [eve.id, eve.id]


def test_a_credential_that_is_left_opens_nothing_for_somebody_suspended(conn: Connection) -> None:
    bob = add_member(conn)
    store.suspend_user(conn, bob.id, NOW)
    secret, _ = open_session(conn, bob)
    token = store.create_token(conn, bob.id, name="x", scopes=None, now=NOW)
    assert find_by_cookie(conn, secret) == ""
    assert find_by_secret(conn, token.secret) == ""


def test_the_owner_stays(conn: Connection) -> None:
    ann = add_owner(conn)
    with pytest.raises(Forbidden):
        store.suspend_user(conn, ann.id, NOW)
    with pytest.raises(Forbidden):
        store.delete_user(conn, ann.id, NOW)
    with pytest.raises(NotFound):
        store.delete_user(conn, "nobody", NOW)


def test_what_becomes_of_people_is_told(conn: Connection) -> None:
    bob = add_member(conn)
    store.suspend_user(conn, bob.id, NOW)
    store.resume_user(conn, bob.id, NOW)
    store.delete_user(conn, bob.id, NOW)
    told = [(event.name, event.data["user_id"]) for event in list_events(conn, prefix="auth.")]
    names = ("auth.user_deleted", "auth.user_resumed", "auth.user_suspended", "auth.user_created")
    assert told == [(name, bob.id) for name in names]


def test_a_session_slides(conn: Connection) -> None:
    ann = add_owner(conn)
    secret, session_id = open_session(conn, ann)
    assert find_by_cookie(conn, secret, NOW + IDLE - 1) == ann.id
    assert find_by_cookie(conn, secret, NOW + IDLE) == ""
    store.note_seen(conn, [store.Seen(True, session_id, NOW + DAY, "198.51.100.x")])
    assert find_by_cookie(conn, secret, NOW + DAY + IDLE - 1) == ann.id
    assert find_by_cookie(conn, secret, NOW + DAY + IDLE) == ""
    (session,) = store.list_sessions(conn, ann.id, NOW)
    assert (session.seen_at, session.address, session.created_at) == (NOW + DAY, "198.51.100.x", NOW)


def test_seeing_a_session_late_does_not_shorten_it(conn: Connection) -> None:
    ann = add_owner(conn)
    _, session_id = open_session(conn, ann)
    store.note_seen(conn, [store.Seen(True, session_id, NOW - DAY, "198.51.100.x")])
    (session,) = store.list_sessions(conn, ann.id, NOW)
    assert (session.seen_at, session.expires_at) == (NOW, NOW + IDLE)


def test_sessions_end_one_or_all(conn: Connection) -> None:
    ann, bob = add_owner(conn), add_member(conn)
    (first, first_id), (second, second_id), (third, _) = (open_session(conn, ann, NOW + n) for n in range(3))
    his, his_id = open_session(conn, bob)
    with pytest.raises(NotFound):
        store.delete_session(conn, ann.id, his_id)
    store.delete_session(conn, ann.id, first_id)
    with pytest.raises(NotFound):
        store.delete_session(conn, ann.id, first_id)
    assert [find_by_cookie(conn, s) for s in (first, second, third)] == ["", ann.id, ann.id]
    assert store.delete_sessions(conn, ann.id, keep_session=second_id) == 1
    assert [session.id for session in store.list_sessions(conn, ann.id, NOW)] == [second_id]
    assert find_by_cookie(conn, his) == bob.id


def test_sessions_do_not_pile_up(conn: Connection) -> None:
    ann = add_owner(conn)
    web, _ = open_session(conn, ann, kind="web")
    for n in range(MOST + 20):
        open_session(conn, ann, NOW + n, kind="joplin")
    other, _ = open_session(conn, add_member(conn), kind="joplin")
    assert len(store.list_sessions(conn, ann.id, NOW)) == MOST
    assert store.delete_ended(conn, NOW) == 20
    kept = store.list_sessions(conn, ann.id, NOW)
    assert min(session.created_at for session in kept if session.kind == "joplin") == NOW + 20
    assert find_by_cookie(conn, web) == ann.id
    assert find_by_cookie(conn, other)
    assert store.delete_sessions(conn, ann.id) == MOST + 1


def test_ended_things_are_forgotten(conn: Connection) -> None:
    ann = add_owner(conn)
    open_session(conn, ann)
    store.create_invitation(conn, NOW)
    store.create_reset(conn, ann.id, NOW)
    assert store.delete_ended(conn, NOW) == 0
    assert store.delete_ended(conn, NOW + IDLE) == 3
    assert store.delete_ended(conn, NOW + IDLE) == 0


def test_no_two_sessions_with_one_secret(conn: Connection) -> None:
    ann = add_owner(conn)
    new = NewSession(digest(new_session_secret()), "x", "x")
    store.create_session(conn, ann.id, new, NOW)
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.create_session(conn, ann.id, new, NOW)


def test_a_token_is_shown_once_and_found_by_its_hash(conn: Connection) -> None:
    ann = add_owner(conn)
    issued = store.create_token(
        conn, ann.id, name=" laptop ", scopes=["drive:rw", "drive:rw", "textdb:read:posts"], now=NOW
    )
    assert issued.secret.startswith("fazt_")
    assert issued.secret not in repr(issued)
    (token,) = store.list_tokens(conn, ann.id)
    assert (token.id, token.name, token.used_at, token.expires_at) == (issued.id, "laptop", None, None)
    assert issued.secret.startswith(token.hint)
    assert len(token.hint) < 12
    found = store.find_token(conn, digest(issued.secret), NOW)
    assert found is not None
    assert found.caller.scopes == frozenset({"drive:rw", "textdb:read:posts"})
    assert (found.caller.kind, found.caller.credential_id, found.caller.role) == ("token", issued.id, "owner")
    assert find_by_secret(conn, issued.secret[:-1] + ("0" if issued.secret[-1] != "0" else "1")) == ""


def test_no_secret_is_in_the_tables(conn: Connection) -> None:
    ann = add_owner(conn)
    cookie, _ = open_session(conn, ann)
    secrets = [cookie, store.create_invitation(conn, NOW).secret, store.create_reset(conn, ann.id, NOW).secret]
    secrets += [
        store.create_token(conn, ann.id, name="x", scopes=None, now=NOW, kind=k).secret for k in ("token", "app")
    ]
    secrets += [(normalize_secret(secrets[-1]) or "")]
    rows = "".join(
        str(conn.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608 - the names stand here
        for table in ("core_user", "core_session", "core_token", "core_invitation", "core_reset")
    )
    assert len(rows) > 1_000
    assert [secret for secret in secrets if secret in rows] == []


def test_a_token_expires(conn: Connection) -> None:
    ann = add_owner(conn)
    issued = store.create_token(conn, ann.id, name="x", scopes=None, now=NOW, expires_at=NOW + MINUTE)
    assert find_by_secret(conn, issued.secret, NOW + MINUTE - 1) == ann.id
    assert find_by_secret(conn, issued.secret, NOW + MINUTE) == ""
    assert len(store.list_tokens(conn, ann.id)) == 1


@pytest.mark.parametrize(
    "values", [{"name": ""}, {"scopes": []}, {"scopes": ["drive"]}, {"scopes": ["a:b", "*:"]}, {"expires_at": NOW}]
)
def test_no_token(conn: Connection, values: dict[str, object]) -> None:
    ann = add_owner(conn)
    good = {"name": "x", "scopes": ["drive:rw"], "now": NOW}
    with pytest.raises(Invalid):
        store.create_token(conn, ann.id, **(good | values))  # type: ignore[arg-type] # each wrong in its own way
    assert store.list_tokens(conn, ann.id) == []


def test_a_token_ends_with_its_sessions(conn: Connection) -> None:
    ann, bob = add_owner(conn), add_member(conn)
    issued = store.create_token(conn, ann.id, name="phone", scopes=["joplin:rw"], now=NOW, kind="app")
    joplin, _ = open_session(conn, ann, kind="joplin", token_id=issued.id)
    web, _ = open_session(conn, ann)
    with pytest.raises(NotFound):
        store.delete_token(conn, bob.id, issued.id)
    assert find_by_secret(conn, issued.secret) == ann.id
    store.delete_token(conn, ann.id, issued.id)
    assert find_by_secret(conn, issued.secret) == ""
    assert find_by_cookie(conn, joplin) == ""
    assert find_by_cookie(conn, web) == ann.id


def test_a_new_password_ends_other_sessions(conn: Connection) -> None:
    ann, bob = add_owner(conn), add_member(conn)
    app = store.create_token(conn, ann.id, name="phone", scopes=None, now=NOW, kind="app")
    (here, here_id), (there, _) = open_session(conn, ann), open_session(conn, ann)
    joplin, _ = open_session(conn, ann, kind="joplin", token_id=app.id)
    his, _ = open_session(conn, bob)
    reset = store.create_reset(conn, ann.id, NOW)
    store.set_password(conn, ann.id, "another hash", NOW + 1, keep_session=here_id)
    assert [find_by_cookie(conn, s) for s in (here, there, joplin, his)] == [ann.id, "", ann.id, bob.id]
    assert find_by_secret(conn, app.secret) == ann.id
    assert store.find_reset(conn, reset.secret, NOW) is None
    assert store.get_user(conn, ann.id).password_changed_at == NOW + 1
    with pytest.raises(NotFound):
        store.set_password(conn, "nobody", "x", NOW)


def test_a_rehash_does_not_undo_a_new_password(conn: Connection) -> None:
    ann = add_owner(conn)
    assert store.replace_hash(conn, ann.id, "hash of ann", "stronger")
    assert not store.replace_hash(conn, ann.id, "hash of ann", "late")
    assert store.get_account(conn, ann.id).password_hash == "stronger"


def test_an_invitation_makes_one_member(conn: Connection) -> None:
    add_owner(conn)
    link = store.create_invitation(conn, NOW, email="Bob@example.com", name="Bob")
    other = store.create_invitation(conn, NOW)
    found = store.find_invitation(conn, link.secret, NOW)
    assert found is not None
    assert (found.id, found.email, found.name) == (link.id, "bob@example.com", "Bob")
    bob = store.accept_invitation(conn, link.secret, email="rob@example.com", password_hash="x", now=NOW, name="Rob")
    assert (bob.role, bob.email, bob.name) == ("member", "rob@example.com", "Rob")
    with pytest.raises(NotFound):
        store.accept_invitation(conn, link.secret, email="eve@example.com", password_hash="x", now=NOW)
    assert [invitation.id for invitation in store.list_invitations(conn, NOW)] == [other.id]


def test_an_invitation_ends(conn: Connection) -> None:
    link, taken_back = store.create_invitation(conn, NOW, lasts=DAY), store.create_invitation(conn, NOW)
    assert store.find_invitation(conn, link.secret, NOW + DAY - 1)
    store.delete_invitation(conn, taken_back.id)
    for secret, now in (
        (link.secret, NOW + DAY),
        (taken_back.secret, NOW),
        ("", NOW),
        ("x" * 9_999, NOW),
        ("\ud800", NOW),
    ):
        assert store.find_invitation(conn, secret, now) is None
        with pytest.raises(NotFound):
            store.accept_invitation(conn, secret, email="bob@example.com", password_hash="x", now=now)
    with pytest.raises(NotFound):
        store.delete_invitation(conn, taken_back.id)
    assert store.list_users(conn) == []


def test_a_reset_link_works_once(conn: Connection) -> None:
    ann = add_owner(conn)
    older, link = store.create_reset(conn, ann.id, NOW), store.create_reset(conn, ann.id, NOW)
    cookie, _ = open_session(conn, ann)
    assert store.find_reset(conn, older.secret, NOW) is None
    assert store.find_reset(conn, link.secret, NOW) == ann
    assert store.find_reset(conn, link.secret, NOW + DAY) is None
    assert store.use_reset(conn, link.secret, "new hash", NOW) == ann
    assert store.get_account(conn, ann.id).password_hash == "new hash"
    assert find_by_cookie(conn, cookie) == ""
    with pytest.raises(NotFound):
        store.use_reset(conn, link.secret, "other hash", NOW)


def test_one_link_is_not_another(conn: Connection) -> None:
    ann = add_owner(conn)
    reset, invitation = store.create_reset(conn, ann.id, NOW), store.create_invitation(conn, NOW)
    cookie, _ = open_session(conn, ann)
    assert store.find_invitation(conn, reset.secret, NOW) is None
    assert store.find_reset(conn, invitation.secret, NOW) is None
    assert find_by_cookie(conn, reset.secret) == ""
    assert store.find_reset(conn, cookie, NOW) is None


def test_logging_in_is_told_and_needs_the_account_as_it_was(conn: Connection) -> None:
    bob = add_member(conn)
    new = NewSession(digest(new_session_secret()), "Firefox on Linux", "203.0.113.x")
    session_id = store.log_in(conn, bob.id, "hash of bob", "", new, NOW)
    (event,) = list_events(conn, prefix="auth.logged_in")
    assert event.data == {
        "user_id": bob.id,
        "session_id": session_id,
        "device": "Firefox on Linux",
        "address": "203.0.113.x",
    }
    with pytest.raises(Unauthorized):
        store.log_in(conn, bob.id, "an older hash", "", new, NOW)
    store.suspend_user(conn, bob.id, NOW)
    with pytest.raises(Unauthorized):
        store.log_in(conn, bob.id, "hash of bob", "", new, NOW)


def test_first_steps_are_closed_for_one_person_and_shown_again(conn: Connection) -> None:
    one, other = add_owner(conn), add_member(conn)
    store.set_tour_closed(conn, one.id, NOW)
    assert (store.find_tour_closed(conn, one.id), store.find_tour_closed(conn, other.id)) == (NOW, None)
    store.set_tour_closed(conn, one.id, None)
    assert store.find_tour_closed(conn, one.id) is None
