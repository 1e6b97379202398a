"""Rules for what people choose, how secrets look, and where requests come from."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.auth.model import (
    check_email,
    check_handle,
    check_name,
    check_password,
    coarse_address,
    handle_from,
    is_token_shaped,
    name_device,
    networks_of,
    new_app_password,
    new_recovery_code,
    new_session_secret,
    new_token_secret,
    normalize_code,
    normalize_login,
    normalize_password,
    normalize_secret,
)
from fazt.core.auth.model.credentials import is_session_shaped
from fazt.core.auth.model.rules import DENIED, RESERVED
from fazt.core.errors import Invalid
from tests.core.auth.people import FIREFOX


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        (" ann@localhost ", "ann@localhost"),
        ("o'neil+x@sub.example.co", "o'neil+x@sub.example.co"),
        ("jürgen@müller.example", "jürgen@müller.example"),
        ("ju\u0308rgen@x.de", "jürgen@x.de"),
    ],
)
def test_email(given: str, kept: str) -> None:
    assert check_email(given) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@x.de",
        "ann@",
        "ann@x..de",
        "ann@-x.de",
        "a b@x.de",
        "ann@x.de\0",
        "ann@x.de\nbcc: y",
        "x" * 65 + "@x.de",
        "\ud800@x.de",
    ],
)
def test_no_email(text: str) -> None:
    with pytest.raises(Invalid):
        check_email(text)


@given(st.text(max_size=300))
def test_any_text_is_an_email_or_invalid(text: str) -> None:
    for check in (check_email, check_handle, check_name):
        try:
            kept = check(text)
        except Invalid:
            continue
        assert kept.isprintable()
        assert check(kept) == kept


@pytest.mark.parametrize(
    "text", ["a", "-ann", "ann-", "a..b", "an n", "ännchen", "ann@x", "x" * 33, "postmaster", "Admin"]
)
def test_no_handle(text: str) -> None:
    with pytest.raises(Invalid):
        check_handle(text)


@given(st.emails())
def test_a_handle_can_be_made_from_every_email(email: str) -> None:
    handle = handle_from(email)
    assert handle in RESERVED or check_handle(handle) == handle
    assert len(handle) <= 28


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "ninechars",
        "Password123",
        "QWERTYUIOP",
        "password123!",
        "aaaaaaaaaaaa",
        "121212121212",
        "ann@example.com",
        "Ann@Example.Com",
        "x" * 1025,
    ],
)
def test_no_password(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password, email="ann@example.com", handle="ann")


def test_a_password_is_not_the_own_handle() -> None:
    with pytest.raises(Invalid):
        check_password("annabella.x", email="ann@example.com", handle="annabella.x")
    with pytest.raises(Invalid):
        check_password("annabella.x", email="annabella.x@example.com")


def test_a_password_is_not_taken_for_a_token() -> None:
    for secret in (new_token_secret(), new_app_password()):
        with pytest.raises(Invalid):
            check_password(secret)


@pytest.mark.parametrize("password", ["a pail of green frogs", "Ünïcödé 数字 ok", "x7$kQ2!mZp", " leading space "])
def test_password(password: str) -> None:
    check_password(password, email="ann@example.com", handle="ann")


def test_denied_words_could_be_chosen_otherwise() -> None:
    assert all(len(word) >= 10 and word == word.casefold() for word in DENIED)


def test_a_password_is_the_same_from_a_mac_and_a_pc() -> None:
    assert normalize_password(unicodedata.normalize("NFD", "schöne grüße")) == normalize_password("schöne grüße")


@pytest.mark.parametrize("login", ["a\0b", "\ud800", "x" * 255, "a\nb"])
def test_a_login_that_nobody_can_have(login: str) -> None:
    assert normalize_login(login) == ""


def test_secrets_are_known_by_their_shape() -> None:
    assert is_session_shaped(new_session_secret())
    assert is_token_shaped(new_token_secret())
    assert is_token_shaped(new_app_password())
    assert not is_token_shaped(new_session_secret())
    assert not is_token_shaped("fazt_" + "x" * 31)
    assert not is_token_shaped("fazt_" + "x" * 1_000_000)
    assert not is_token_shaped("a pail of green frogs")


def test_an_app_password_may_be_typed_as_one_likes() -> None:
    secret = new_app_password()
    bare = normalize_secret(secret)
    assert bare is not None
    assert normalize_secret(secret.upper().replace("-", " ")) == bare
    assert normalize_secret(bare) == bare


def test_codes_may_be_typed_as_one_likes() -> None:
    code = new_recovery_code()
    assert normalize_code(code.upper().replace("-", " ")) == code.replace("-", "")
    assert normalize_code(" 123 456 ") == "123456"
    assert normalize_code("12345") is None
    assert normalize_code("١٢٣٤٥٦") is None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("WebDAVFS/3.0.0 (03008000) Darwin/24.0.0 (arm64)", "Finder on Mac"),
        ("rclone/v1.71.0", "rclone"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_name_of_a_device(user_agent: str, name: str) -> None:
    assert name_device(user_agent) == name


@pytest.mark.parametrize(
    ("address", "hint", "near", "far"),
    [
        ("203.0.113.7", "203.0.113.x", "203.0.113.7", ""),
        ("::ffff:203.0.113.7", "203.0.113.x", "203.0.113.7", ""),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48", "fe80::/64", "fe80::/48"),
        ("127.0.0.1", "local", "127.0.0.1", ""),
        ("", "local", "local", ""),
        ("unix:", "local", "local", ""),
    ],
)
def test_place(address: str, hint: str, near: str, far: str) -> None:
    assert coarse_address(address) == hint
    assert networks_of(address) == (near, far)


def test_a_machine_cannot_leave_its_place_by_changing_the_lower_half_of_its_address() -> None:
    assert networks_of("2001:db8:1:2::1") == networks_of("2001:db8:1:2:ffff:ffff:ffff:ffff")
