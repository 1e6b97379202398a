"""Scopes: what implies what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.auth import Caller, check_scope, covers
from fazt.core.auth.model import covers_some, pack_scopes, unpack_scopes
from fazt.core.errors import Forbidden, Invalid

NAMES = st.from_regex("[a-z][a-z0-9_]{0,5}", fullmatch=True)
ACTIONS = st.one_of(st.sampled_from(["read", "write", "rw", "*"]), NAMES)
RESOURCES = st.one_of(st.none(), st.from_regex("[a-z/:*]{1,6}", fullmatch=True))


@st.composite
def scopes(draw: st.DrawFn) -> str:
    app, action, resource = draw(st.one_of(st.just("*"), NAMES)), draw(ACTIONS), draw(RESOURCES)
    return f"{app}:{action}" + (f":{resource}" if resource else "")


@pytest.mark.parametrize(
    ("granted", "wanted"),
    [
        ("textdb:rw", "textdb:read"),
        ("textdb:rw", "textdb:write"),
        ("textdb:rw", "textdb:read:posts"),
        ("textdb:read", "textdb:read:posts"),
        ("textdb:read:posts", "textdb:read:posts"),
        ("textdb:rw:posts", "textdb:write:posts"),
        ("pubsub:publish:home/*", "pubsub:publish:home/door"),
        ("pubsub:read:home/*", "pubsub:read:home/*"),
        ("mail:*", "mail:send"),
        ("mail:*:ann", "mail:send:ann"),
        ("*:read", "joplin:read"),
        ("*", "anything:at_all:here"),
        ("*", "*"),
        ("*", "drive:rw"),
    ],
)
def test_covers(granted: str, wanted: str) -> None:
    assert covers({granted}, wanted)


@pytest.mark.parametrize(
    ("granted", "wanted"),
    [
        ("textdb:read", "textdb:write"),
        ("textdb:read", "textdb:rw"),
        ("textdb:read:posts", "textdb:read"),
        ("textdb:read:posts", "textdb:read:postscript"),
        ("textdb:read:posts", "textdb:read:Posts"),
        ("textdb:rw", "textdbs:read"),
        ("mail:rw", "mail:send"),
        ("mail:rw", "mail:*"),
        ("mail:*:ann", "mail:send:bob"),
        ("pubsub:read:home/*", "pubsub:read"),
        ("pubsub:read:home/*", "pubsub:read:hom"),
        ("pubsub:read:home/*", "pubsub:read:*"),
        ("*:read", "*"),
        ("drive:*", "*"),
    ],
)
def test_does_not_cover(granted: str, wanted: str) -> None:
    assert not covers({granted}, wanted)


def test_both_halves_are_the_whole() -> None:
    assert covers({"drive:read", "drive:write"}, "drive:rw")
    assert covers({"drive:read:a", "drive:write"}, "drive:rw:a")
    assert not covers({"drive:read:a", "drive:write"}, "drive:rw")


def test_nothing_granted_is_nothing_allowed() -> None:
    assert not covers(set(), "drive:read")


@given(scopes())
def test_every_scope_is_one_and_covers_itself(scope: str) -> None:
    assert check_scope(scope) == scope
    assert covers({scope}, scope)
    assert covers({"*"}, scope)


@given(st.sets(scopes(), max_size=4), st.sets(scopes(), max_size=3), scopes())
def test_more_scopes_never_allow_less(granted: set[str], more: set[str], wanted: str) -> None:
    if covers(granted, wanted):
        assert covers(granted | more, wanted)


@given(scopes(), scopes(), scopes())
def test_what_a_scope_covers_covers_no_more_than_it(first: str, second: str, third: str) -> None:
    if covers({first}, second) and covers({second}, third):
        assert covers({first}, third)


@given(scopes(), NAMES)
def test_a_resource_only_narrows(scope: str, resource: str) -> None:
    if scope.count(":") == 1:
        assert covers({scope}, f"{scope}:{resource}")
        assert not covers({f"{scope}:{resource}"}, scope)
        assert covers_some({f"{scope}:{resource}"}, scope)


@given(scopes(), scopes())
def test_what_covers_covers_some(granted: str, wanted: str) -> None:
    if covers({granted}, wanted):
        assert covers_some({granted}, wanted)


@given(st.text(max_size=20))
def test_any_text_is_a_scope_or_invalid(text: str) -> None:
    try:
        check_scope(text)
    except Invalid:
        return
    assert covers({text}, text)


@pytest.mark.parametrize(
    "text", ["", "drive", "drive:", ":read", "Drive:read", "drive:re ad", "drive:read:", "a:b:\n", "**", "a:b:c d"]
)
def test_no_scope(text: str) -> None:
    with pytest.raises(Invalid):
        check_scope(text)


@given(st.one_of(st.none(), st.frozensets(scopes(), max_size=4)))
def test_scopes_survive_storage(granted: frozenset[str] | None) -> None:
    assert unpack_scopes(pack_scopes(granted)) == granted


def test_a_caller_without_scopes_may_all() -> None:
    caller = Caller("u", role="owner")
    caller.check("drive:rw")
    caller.check_unlimited()
    assert caller.is_owner


def test_a_caller_with_scopes_may_those() -> None:
    caller = Caller("u", role="owner", scopes=frozenset({"textdb:read:posts"}), kind="token")
    caller.check("textdb:read:posts")
    caller.check_some("textdb:read")
    with pytest.raises(Forbidden):
        caller.check("textdb:read")
    with pytest.raises(Forbidden):
        caller.check_some("textdb:write")
    with pytest.raises(Forbidden):
        caller.check_unlimited()


def test_every_scope_is_still_no_person() -> None:
    caller = Caller("u", scopes=frozenset({"*"}), kind="token")
    caller.check("drive:rw")
    with pytest.raises(Forbidden):
        caller.check_unlimited()
