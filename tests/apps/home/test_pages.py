"""Pages and their forms, as a browser without script uses them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, running_program, wait_until

PASSWORD = "four quiet words here"


@pytest.fixture
def browser(shared_program: Program) -> Iterator[httpx.Client]:
    """A browser in which the owner is logged in."""
    with shared_program.client(follow_redirects=True, headers={"accept": "text/html"}) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD})
        yield client


@pytest.fixture
def stranger(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}) as client:
        yield client


def find(pattern: str, page: httpx.Response) -> str:
    """The first group of `pattern` in a page, unescaped."""
    found = re.search(pattern, page.text, re.DOTALL)
    assert found is not None, page.text
    return html.unescape(found[1])


def copied(page: httpx.Response) -> str:
    """What the page shows to be copied."""
    return find(r'<div class="copy[^>]*><code[^>]*>(.*?)</code>', page)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


PAGES = [
    "/",
    "/account",
    "/account/tokens",
    "/account/two-factor",
    "/people",
    "/settings",
    "/jobs",
    "/jobs?state=dead",
    "/certificates",
    "/activity",
]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_for_those_who_are_logged_in(browser: httpx.Client, stranger: httpx.Client, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    refused = stranger.get(path)
    assert refused.status_code == 303
    assert refused.headers["location"].startswith("/login")


def test_login_leads_where_one_wanted_to_go(stranger: httpx.Client) -> None:
    wanted = stranger.get("/jobs?state=dead").headers["location"]
    page = stranger.get(wanted)
    assert find(r'name="next" value="([^"]*)"', page) == "/jobs?state=dead"
    form = {"login": OWNER_EMAIL, "password": OWNER_PASSWORD, "next": "/jobs?state=dead"}
    answer = stranger.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?state=dead")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain=" not in cookie
    assert stranger.get("/login?next=/people").headers["location"] == "/people"


def test_login_leads_nowhere_else(stranger: httpx.Client) -> None:
    form = {"login": OWNER_EMAIL, "password": OWNER_PASSWORD, "next": "//evil.example"}
    assert stranger.post("/login", data=form).headers["location"] == "/"


def test_a_wrong_password_is_told_in_the_same_words_as_a_wrong_name(stranger: httpx.Client) -> None:
    pages = [
        stranger.post("/login", data={"login": login, "password": "not the right one"})
        for login in (OWNER_EMAIL, "nobody@example.org")
    ]
    assert [page.status_code for page in pages] == [401, 401]
    assert {find(r'role="alert">.*?<p>(.*?)</p>', page) for page in pages} == {
        "The e-mail, name or password is not right."
    }
    assert "not the right one" not in pages[0].text


def test_logout_ends_the_session(browser: httpx.Client) -> None:
    cookie = dict(browser.cookies)
    page = browser.post("/logout")
    assert "You are logged out." in page.text
    assert browser.get("/account").url.path == "/login"
    browser.cookies.update(cookie)
    assert browser.get("/account").url.path == "/login"


def test_a_message_is_said_once(browser: httpx.Client) -> None:
    form = {"name": "Ada", "handle": "ada", "email": OWNER_EMAIL}
    assert "Saved." in browser.post("/account/profile", data=form).text
    assert "Saved." not in browser.get("/account").text


def test_a_script_does_not_use_up_the_message(browser: httpx.Client) -> None:
    browser.post(
        "/account/profile", data={"name": "Ada", "handle": "ada", "email": OWNER_EMAIL}, follow_redirects=False
    )
    assert "Saved." not in browser.get("/account", headers={"sec-fetch-dest": "empty"}).text
    assert "Saved." in browser.get("/account").text


def test_what_was_typed_wrong_is_said_beside_it(browser: httpx.Client) -> None:
    page = browser.post("/account/profile", data={"name": "Ada", "handle": "a", "email": OWNER_EMAIL})
    assert page.status_code == 400
    assert "is not a name to log in with" in page.text
    page = browser.post("/account/password", data={"current": OWNER_PASSWORD, "new": PASSWORD, "again": "other"})
    assert page.status_code == 400
    assert "The two new passwords are not the same." in page.text


def test_first_set_up(tmp_path: Path) -> None:
    with running_program(tmp_path, FAZT_OWNER_EMAIL="", FAZT_OWNER_PASSWORD="") as program:
        found = wait_until(lambda: re.search(r"(/setup\?token=\w+)\n", program.log), what="the link")
        with program.client(headers={"accept": "text/html"}) as browser:
            assert browser.get("/").headers["location"] == "/login"
            assert "This cloud has no owner yet" in browser.get("/login").text
            assert browser.get("/setup?token=guess").status_code == 404
            token = find(r'name="token" value="([^"]*)"', browser.get(found[1]))
            form = {"token": token, "name": "Ada", "email": "ada@example.org", "password": PASSWORD, "again": PASSWORD}
            differing = browser.post("/setup", data={**form, "again": "x"})
            assert differing.status_code == 400
            assert 'value="ada@example.org"' in differing.text
            assert PASSWORD not in differing.text
            assert find(r'<input id="f-(\w+)"[^>]* autofocus', differing) == "password"
            assert browser.post("/setup", data={**form, "token": "guess"}).status_code == 404
            assert browser.post("/setup", data=form).headers["location"] == "/"
            assert "Hello, Ada" in browser.get("/").text
            assert browser.get(found[1]).headers["location"] == "/login"
            again = browser.post("/setup", data={**form, "email": "eve@example.org"})
            assert again.status_code in {404, 409}


def test_a_token_is_shown_once(browser: httpx.Client, shared_program: Program) -> None:
    form = {
        "name": "Phone",
        "kind": "token",
        "all": "no",
        "scope": ["me:read"],
        "more": "textdb:read:posts",
        "days": "30",
    }
    page = browser.post("/account/tokens", data=form)
    secret = copied(page)
    assert secret.startswith("fazt_")
    listed = browser.get("/account/tokens")
    assert secret not in listed.text
    assert "textdb:read:posts" in listed.text
    with shared_program.client(headers={"authorization": f"Bearer {secret}"}) as client:
        assert client.get("/api/v1/me").status_code == 200
        token_id = find(r'action="/account/tokens/delete"><input type="hidden" name="id" value="(\w+)"', listed)
        browser.post("/account/tokens/delete", data={"id": token_id})
        assert client.get("/api/v1/me").status_code == 401


def test_a_token_that_may_do_nothing_is_refused(browser: httpx.Client) -> None:
    page = browser.post("/account/tokens", data={"name": "x", "all": "no"})
    assert page.status_code == 400
    assert "A token needs at least one scope." in page.text


def test_an_app_password_opens_the_api(browser: httpx.Client, shared_program: Program) -> None:
    secret = copied(browser.post("/account/tokens", data={"name": "WebDAV", "kind": "app", "all": "yes"}))
    with shared_program.client(auth=(OWNER_EMAIL, secret)) as client:
        assert client.get("/api/v1/me").json()["role"] == "owner"


def test_somebody_is_invited_loses_the_password_and_gets_a_new_one(
    browser: httpx.Client, stranger: httpx.Client
) -> None:
    link = path_of(copied(browser.post("/people/invite", data={"name": "Ben", "email": "ben@example.org"})))
    form_page = stranger.get(link)
    assert 'value="ben@example.org"' in form_page.text
    token = find(r'name="token" value="([^"]*)"', form_page)
    form = {"token": token, "name": "Ben", "email": "ben@example.org", "password": PASSWORD, "again": PASSWORD}
    assert stranger.post("/join", data={**form, "password": "short", "again": "short"}).status_code == 400
    assert stranger.post("/join", data=form).headers["location"] == "/"
    assert "Hello, Ben" in stranger.get("/").text
    assert stranger.get("/people").status_code == 403
    assert stranger.get(link).status_code == 404

    row = find(r"<tr>\s*<td class=\"lead\">Ben (.*?)</tr>", browser.get("/people"))
    found = re.search(r'action="/people/reset"><input type="hidden" name="id" value="(\w+)"', row)
    assert found is not None
    reset = path_of(copied(browser.post("/people/reset", data={"id": found[1]})))
    token = find(r'name="token" value="([^"]*)"', stranger.get(reset))
    new = "entirely other words"
    answer = stranger.post("/reset", data={"token": token, "password": new, "again": new})
    assert answer.headers["location"] == "/login"
    assert stranger.get("/account").status_code == 303
    assert stranger.post("/login", data={"login": "ben", "password": new}).status_code == 303
    assert stranger.get(reset).status_code == 404


def test_two_factor_from_the_qr_code_to_a_recovery_code(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        owner.post("/api/v1/users", json={"email": "kim@example.org", "password": PASSWORD})
    with shared_program.client(follow_redirects=True, headers={"accept": "text/html"}) as kim:
        kim.post("/login", data={"login": "kim", "password": PASSWORD})
        begun = kim.post("/account/two-factor/start")
        assert 'class="qrline"' in begun.text
        secret = find(r'name="secret" value="([^"]*)"', begun)
        wrong = kim.post("/account/two-factor/confirm", data={"secret": secret, "code": "12"})
        assert wrong.status_code == 400
        assert "That code is not right." in wrong.text
        code = pyotp.TOTP(secret).now()
        codes = copied(kim.post("/account/two-factor/confirm", data={"secret": secret, "code": code})).split()
        assert len(codes) == 10
        kim.post("/logout")
        step = kim.post("/login", data={"login": "kim", "password": PASSWORD, "next": "/account"})
        assert "One more step" in step.text
        assert PASSWORD not in step.text
        sealed = find(r'name="sealed" value="([^"]*)"', step)
        assert kim.get("/account").url.path == "/login"
        bad = kim.post("/login/code", data={"sealed": sealed, "code": "", "next": "/account"})
        assert bad.status_code == 401
        again = kim.post("/login/code", data={"sealed": "forged", "code": codes[0]})
        assert again.status_code == 400
        done = kim.post("/login/code", data={"sealed": sealed, "code": codes[0], "next": "/account"})
        assert (done.status_code, done.url.path) == (200, "/account")
        kim.post("/logout")
        assert kim.post("/login/code", data={"sealed": sealed, "code": codes[0]}).status_code == 401


def settings_form(page: httpx.Response, group: str) -> dict[str, Any]:
    """What the browser would send for a group of settings, unchanged."""
    form = find(rf'action="/settings/group/{group}">(.*?)</form>', page)
    boxes = re.findall(r'<input[^>]*type="checkbox" name="([^"]+)"[^>]*checked', form)
    fields = re.findall(r'<input id="[^"]*" name="([^"]+)" type="(?:text|number)"(?: value="([^"]*)")?', form)
    return {**{name: html.unescape(value) for name, value in fields}, **dict.fromkeys(boxes, "on")}


def test_settings_are_saved_checked_and_reset(browser: httpx.Client) -> None:
    page = browser.get("/settings")
    form = settings_form(page, "events")
    assert form["events.keep_days"] == "30"
    assert "Quota (MiB)</label>" in page.text
    saved = browser.post("/settings/group/events", data={**form, "events.keep_days": "45"})
    assert "Saved." in saved.text
    assert settings_form(saved, "events")["events.keep_days"] == "45"
    assert "Changed from 30." in saved.text
    wrong = browser.post("/settings/group/events", data={**form, "events.keep_days": "none"})
    assert wrong.status_code == 400
    assert 'value="none"' in wrong.text
    assert 'aria-invalid="true"' in wrong.text
    assert settings_form(browser.get("/settings"), "events")["events.keep_days"] == "45"
    browser.post("/settings/reset/events.keep_days")
    assert settings_form(browser.get("/settings"), "events")["events.keep_days"] == "30"


def test_saving_what_was_not_changed_changes_nothing(browser: httpx.Client) -> None:
    page = browser.get("/settings")
    for group in re.findall(r'action="/settings/group/(\w+)"', page.text):
        browser.post(f"/settings/group/{group}", data=settings_form(page, group))
    assert "Changed from" not in browser.get("/settings").text


def test_the_log_of_events_grows_at_its_top(browser: httpx.Client) -> None:
    browser.post("/settings/group/events", data={"events.keep_days": "46"})
    browser.post("/settings/reset/events.keep_days")
    page = browser.get("/activity?prefix=settings.")
    newest = int(find(r'data-id="(\d+)"', page))
    rows = browser.get("/activity/rows", params={"after": newest - 1, "prefix": "settings."})
    assert re.findall(r'data-id="(\d+)"', rows.text) == [str(newest)]
    assert "<html" not in rows.text
    assert browser.get("/activity/rows", params={"after": newest}).text.strip() == ""


def test_the_log_of_events_shows_names_and_keeps_ids_for_the_details(
    browser: httpx.Client, shared_program: Program
) -> None:
    with shared_program.owner() as owner:
        owner.post("/hub/log/names", content="1").raise_for_status()
        person = owner.get("/api/v1/users").json()[0]["id"]
    browser.post("/settings/group/events", data={"events.keep_days": "47"})
    browser.post("/settings/reset/events.keep_days")
    assert "settings.changed · events.keep_days" in browser.get("/activity?prefix=settings.").text
    logins = browser.get("/activity?prefix=auth.").text
    assert f"· {person}" not in logins
    assert person in logins


def test_what_a_pad_says_is_found_under_pads(browser: httpx.Client, shared_program: Program) -> None:
    with shared_program.owner() as owner:
        owner.put("/pad/quince", content=b"quince jelly").raise_for_status()
    wait_until(lambda: "quince" in browser.get("/search?q=jelly").text, what="the pad is found")
    found = browser.get("/search?q=jelly").text
    assert re.search(r'id="in-pad">.*?</svg>Pads</h2>', found, re.DOTALL)


def test_jobs_of_the_clock_are_paused_on_their_page(browser: httpx.Client) -> None:
    assert "Paused." in browser.post("/jobs/cron", data={"name": "events.prune", "do": "pause"}).text
    assert ">paused</span>" in browser.get("/jobs").text
    assert "Resumed." in browser.post("/jobs/cron", data={"name": "events.prune", "do": "resume"}).text
    rows = browser.get("/jobs?part=rows")
    assert 'id="queue"' in rows.text
    assert "<html" not in rows.text


def test_colours_are_kept_without_script(browser: httpx.Client) -> None:
    assert '<html lang="en" data-theme="dark">' in browser.post("/account/theme", data={"theme": "dark"}).text
    assert '<html lang="en">' in browser.post("/account/theme", data={"theme": "auto"}).text


def test_an_error_is_a_page_for_people_and_json_for_programs(browser: httpx.Client) -> None:
    page = browser.get("/nothing/here")
    assert page.status_code == 404
    assert "<h1>Not found</h1>" in page.text
    program = browser.get("/nothing/here", headers={"accept": "application/json"})
    assert program.json()["title"] == "Not found"


def test_another_site_logs_nobody_in(stranger: httpx.Client) -> None:
    form = {"login": OWNER_EMAIL, "password": OWNER_PASSWORD}
    answer = stranger.post("/login", data=form, headers={"sec-fetch-site": "same-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_form_from_another_site_is_refused(browser: httpx.Client) -> None:
    answer = browser.post("/people/invite", data={}, headers={"sec-fetch-site": "same-site"})
    assert answer.status_code == 403


def test_a_notice_is_read_where_it_was_told(browser: httpx.Client) -> None:
    assert "Sent." in browser.post("/account/notices/test").text
    assert "It works" in browser.get("/account/notices").text
    worker = browser.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    garbled = {"endpoint": "http://x/", "public_key": "", "auth_secret": ""}
    assert "https address" in browser.post("/account/notices/devices", data=garbled).text
