"""The management API, against the real program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from fazt.core.clock import DAY, system_clock
from tests.program import OWNER_EMAIL, Program, wait_until

PASSWORD = "four quiet words here"


@pytest.fixture
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.owner() as client:
        yield client


@pytest.fixture
def member(shared_program: Program, owner: httpx.Client) -> Iterator[httpx.Client]:
    """A member; made once for all tests here."""
    owner.post("/api/v1/users", json={"email": "mia@example.org", "password": PASSWORD, "name": "Mia"})
    with shared_program.client(auth=("mia", PASSWORD)) as client:
        yield client


def bearer(program: Program, secret: str) -> httpx.Client:
    return program.client(headers={"authorization": f"Bearer {secret}"})


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


OWNERS_ONLY = [
    ("GET", "/api/v1/users"),
    ("POST", "/api/v1/users"),
    ("GET", "/api/v1/users/mia"),
    ("DELETE", "/api/v1/users/mia"),
    ("GET", "/api/v1/invitations"),
    ("POST", "/api/v1/invitations"),
    ("GET", "/api/v1/settings"),
    ("PUT", "/api/v1/settings/events.keep_days"),
    ("GET", "/api/v1/jobs"),
    ("POST", "/api/v1/jobs/retry"),
    ("GET", "/api/v1/crons"),
    ("GET", "/api/v1/events"),
]


@pytest.mark.parametrize(("method", "path"), OWNERS_ONLY)
def test_the_house_is_the_owners(member: httpx.Client, shared_program: Program, method: str, path: str) -> None:
    assert member.request(method, path, json={}).status_code == 403
    with shared_program.client() as stranger:
        answer = stranger.request(method, path, json={})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_one_sees_oneself(owner: httpx.Client, member: httpx.Client) -> None:
    assert owner.get("/api/v1/me").json()["role"] == "owner"
    me = member.get("/api/v1/me").json()
    assert (me["email"], me["handle"], me["role"]) == ("mia@example.org", "mia", "member")
    assert not {key for key in me if "hash" in key}


def test_one_changes_ones_name_but_not_to_somebody_elses(member: httpx.Client) -> None:
    assert member.patch("/api/v1/me", json={"name": "Mia B."}).json()["name"] == "Mia B."
    assert member.patch("/api/v1/me", json={"email": OWNER_EMAIL}).status_code == 409
    assert member.patch("/api/v1/me", json={"role": "owner"}).status_code == 400
    assert member.get("/api/v1/me").json()["role"] == "member"


def test_a_password_change_needs_the_one_that_is(shared_program: Program, owner: httpx.Client) -> None:
    owner.post("/api/v1/users", json={"email": "pat@example.org", "password": PASSWORD})
    with shared_program.client(auth=("pat", PASSWORD)) as pat:
        wrong = pat.put("/api/v1/me/password", json={"current": "not it at all", "new": PASSWORD + "!"})
        assert problem(wrong) == (401, "That is not your password.")
        weak = pat.put("/api/v1/me/password", json={"current": PASSWORD, "new": "short"})
        assert weak.status_code == 400
        assert pat.put("/api/v1/me/password", json={"current": PASSWORD, "new": PASSWORD + "!"}).status_code == 204
        assert pat.get("/api/v1/me").status_code == 401
    with shared_program.client(auth=("pat", PASSWORD + "!")) as pat:
        assert pat.get("/api/v1/me").status_code == 200


def test_a_member_comes_changes_rests_and_goes(shared_program: Program, owner: httpx.Client) -> None:
    made = owner.post("/api/v1/users", json={"email": "Tom@Example.org", "password": PASSWORD, "name": "Tom"})
    assert made.status_code == 201
    assert made.json()["email"] == "tom@example.org"
    assert owner.post("/api/v1/users", json={"email": "tom@example.org", "password": PASSWORD}).status_code == 409
    user_id = made.json()["id"]
    for who in (user_id, "tom", "tom@example.org"):
        assert owner.get(f"/api/v1/users/{who}").json()["id"] == user_id
    assert owner.patch("/api/v1/users/tom", json={"handle": "tommy"}).json()["handle"] == "tommy"
    with shared_program.client(auth=("tommy", PASSWORD)) as tom:
        assert tom.get("/api/v1/me").status_code == 200
        assert owner.post("/api/v1/users/tommy/suspend").status_code == 204
        assert tom.get("/api/v1/me").status_code == 401
        assert owner.post("/api/v1/users/tommy/resume").status_code == 204
        assert tom.get("/api/v1/me").status_code == 200
    assert owner.delete("/api/v1/users/tommy").status_code == 204
    assert problem(owner.get("/api/v1/users/tommy")) == (404, "There is no such person.")


def test_the_owner_stays(owner: httpx.Client) -> None:
    me = owner.get("/api/v1/me").json()["id"]
    assert owner.delete(f"/api/v1/users/{me}").status_code == 403
    assert owner.post(f"/api/v1/users/{me}/suspend").status_code == 403


def test_an_invitation_is_a_link_that_works_once(shared_program: Program, owner: httpx.Client) -> None:
    link = owner.post("/api/v1/invitations", json={"email": "ivy@example.org", "name": "Ivy"}).json()
    assert link["url"].startswith(f"{shared_program.url}/join?token=")
    listed = owner.get("/api/v1/invitations").json()
    assert [(i["id"], i["name"]) for i in listed] == [(link["id"], "Ivy")]
    token = parse_qs(urlsplit(link["url"]).query)["token"][0]
    assert token not in json.dumps(listed)
    form = {"token": token, "email": "ivy@example.org", "name": "Ivy", "password": PASSWORD, "again": PASSWORD}
    with shared_program.client() as ivy:
        assert ivy.post("/join", data=form).status_code == 303
        assert ivy.get("/api/v1/me").json()["email"] == "ivy@example.org"
        assert ivy.post("/join", data={**form, "email": "eve@example.org"}).status_code == 404
    assert owner.get("/api/v1/invitations").json() == []
    again = owner.post("/api/v1/invitations", json={"email": "ivy@example.org"})
    assert problem(again) == (400, "This person has an account here.")


def test_an_invitation_is_taken_back(shared_program: Program, owner: httpx.Client) -> None:
    link = owner.post("/api/v1/invitations", json={}).json()
    assert owner.delete(f"/api/v1/invitations/{link['id']}").status_code == 204
    with shared_program.client() as nobody:
        assert nobody.get(urlsplit(link["url"])._replace(scheme="", netloc="").geturl()).status_code == 404


def test_a_token_does_what_its_scopes_say(shared_program: Program, owner: httpx.Client) -> None:
    before = system_clock()
    made = owner.post("/api/v1/tokens", json={"name": "reader", "scopes": ["me:read"], "days": 3})
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert 3 * DAY <= made.json()["expires_at"] - before < 3 * DAY + 60_000
    with bearer(shared_program, secret) as client:
        assert client.get("/api/v1/me").status_code == 200
        assert problem(client.get("/api/v1/users"))[0] == 403
        assert client.post("/api/v1/tokens", json={"name": "more"}).status_code == 403
    listed = {token["id"]: token for token in owner.get("/api/v1/tokens").json()}
    assert listed[made.json()["id"]]["scopes"] == ["me:read"]
    assert secret not in json.dumps(listed)
    assert owner.delete(f"/api/v1/tokens/{made.json()['id']}").status_code == 204
    with bearer(shared_program, secret) as client:
        assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["no scope"]},
        {"name": ""},
        {"name": "x", "days": 0},
        {"name": "x", "days": 100_000},
        {"name": "x", "kind": "other"},
        {"name": "x", "extra": 1},
        {"scopes": ["me:read"]},
        [],
    ],
)
def test_a_token_that_makes_no_sense_is_refused(owner: httpx.Client, body: object) -> None:
    assert owner.post("/api/v1/tokens", json=body).status_code == 400


def test_nobody_ends_somebody_elses_token(owner: httpx.Client, member: httpx.Client) -> None:
    made = owner.post("/api/v1/tokens", json={"name": "mine", "kind": "app"}).json()
    assert made["secret"].startswith("fazt-")
    assert member.delete(f"/api/v1/tokens/{made['id']}").status_code == 404


def test_two_factor_is_turned_on_and_off(shared_program: Program, owner: httpx.Client) -> None:
    owner.post("/api/v1/users", json={"email": "fay@example.org", "password": PASSWORD})
    with shared_program.client() as fay:
        fay.post("/login", data={"login": "fay", "password": PASSWORD})
        begun = fay.post("/api/v1/me/two-factor").json()
        assert begun["uri"].startswith("otpauth://totp/fazt:fay%40example.org?")
        assert fay.post("/api/v1/me/two-factor/confirm", json={"code": "000000"}).status_code == 400
        code = pyotp.TOTP(begun["secret"]).now()
        codes = fay.post("/api/v1/me/two-factor/confirm", json={"code": code}).json()["recovery_codes"]
        assert len(set(codes)) == 10
        assert fay.get("/api/v1/me").json()["has_totp"] is True
        renewed = fay.post("/api/v1/me/two-factor/recovery-codes", json={"password": PASSWORD}).json()
        assert not set(codes) & set(renewed["recovery_codes"])
        assert fay.post("/api/v1/me/two-factor/off", json={"password": "wrong words"}).status_code == 401
        assert fay.post("/api/v1/me/two-factor/off", json={"password": PASSWORD}).status_code == 204
        assert fay.get("/api/v1/me").json()["has_totp"] is False


def test_devices_are_listed_and_logged_out(shared_program: Program, owner: httpx.Client) -> None:
    owner.post("/api/v1/users", json={"email": "dan@example.org", "password": PASSWORD})
    phone, laptop, third = (shared_program.client() for _ in range(3))
    with phone, laptop, third:
        for device in (phone, laptop, third):
            device.post("/login", data={"login": "dan", "password": PASSWORD})
        sessions = phone.get("/api/v1/me/sessions").json()
        assert len(sessions) == 3
        assert {session["name"] for session in sessions} == {"Python"}
        assert owner.delete(f"/api/v1/me/sessions/{sessions[0]['id']}").status_code == 404
        assert phone.delete("/api/v1/me/sessions").status_code == 204
        assert len(phone.get("/api/v1/me/sessions").json()) == 1
        assert laptop.get("/api/v1/me").status_code == third.get("/api/v1/me").status_code == 401


def test_settings_are_chosen_and_forgotten(owner: httpx.Client) -> None:
    name = "events.keep_days"
    path = f"/api/v1/settings/{name}"
    assert name in [view["name"] for view in owner.get("/api/v1/settings").json()]
    default = owner.get(path).json()["default"]
    assert owner.put(path, json={"value": 12}).json()["value"] == 12
    assert owner.put(path, json={"text": "13"}).json()["value"] == 13
    for wrong in ({"value": "12"}, {"value": 0}, {"text": "many"}, {}):
        assert owner.put(path, json=wrong).status_code == 400
    assert owner.get(path).json() == {**owner.get(path).json(), "value": 13, "is_set": True}
    assert owner.delete(path).status_code == 204
    assert owner.get(path).json()["value"] == default
    unknown = owner.get("/api/v1/settings/events.keep_day")
    assert problem(unknown)[0] == 404
    assert unknown.json()["hint"] == "Did you mean events.keep_days?"


def test_what_happens_is_in_the_log(owner: httpx.Client) -> None:
    owner.put("/api/v1/settings/events.keep_days", json={"value": 14})
    newest = owner.get("/api/v1/events", params={"prefix": "settings.", "limit": 1}).json()[0]
    assert (newest["name"], newest["data"]) == ("settings.changed", {"name": "events.keep_days"})
    assert owner.get("/api/v1/events", params={"after_id": newest["id"]}).json() == []
    assert all(e["id"] < newest["id"] for e in owner.get("/api/v1/events", params={"before_id": newest["id"]}).json())
    assert owner.get("/api/v1/events", params={"limit": 0}).status_code == 400
    owner.delete("/api/v1/settings/events.keep_days")


def test_the_clock_is_run_paused_and_resumed(owner: httpx.Client) -> None:
    assert owner.post("/api/v1/crons/events.prune/pause").status_code == 204

    def cron() -> dict[str, object]:
        return next(c for c in owner.get("/api/v1/crons").json() if c["name"] == "events.prune")

    assert cron()["is_paused"] is True
    assert owner.post("/api/v1/crons/events.prune/resume").status_code == 204
    assert cron()["is_paused"] is False
    assert owner.post("/api/v1/crons/events.prune/run").status_code == 204
    wait_until(lambda: cron()["last_at"] is not None, what="a run of events.prune")
    assert cron()["last_error"] == ""
    assert owner.post("/api/v1/crons/none/run").status_code == 404


def test_jobs_that_are_not_there_are_not_found(owner: httpx.Client) -> None:
    assert owner.get("/api/v1/jobs", params={"state": "dead"}).json() == []
    assert owner.get("/api/v1/jobs", params={"state": "sleeping"}).status_code == 400
    assert owner.get("/api/v1/jobs/123456").status_code == 404
    assert owner.post("/api/v1/jobs/123456/run").status_code == 404
    assert owner.delete("/api/v1/jobs/123456").status_code == 404
    assert owner.post("/api/v1/jobs/retry").json() == {"retried": 0}


def test_another_sites_page_cannot_use_the_login(shared_program: Program) -> None:
    with shared_program.client() as browser:
        browser.post("/login", data={"login": OWNER_EMAIL, "password": "correct horse battery"})
        assert browser.get("/api/v1/me").status_code == 200
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "http://blog.localhost"},
        ):
            answer = browser.post("/api/v1/tokens", json={"name": "stolen"}, headers=headers)
            assert answer.status_code == 403
