"""`fazt user`, `fazt token`, `fazt settings`, `fazt jobs`, `fazt events`: with a server running and without."""

from __future__ import annotations

import gc
import json

import pytest

from tests.program import Program


def test_people_tokens_and_settings_by_command(shared_program: Program) -> None:
    run = shared_program.call
    shared_program.run("user", "add", "bob@example.org", "--name", "Bob", input="four quiet words here\n")
    people = json.loads(run("user", "list", "--json").stdout)
    assert [(person["email"], person["role"]) for person in people] == [
        ("owner@example.org", "owner"),
        ("bob@example.org", "member"),
    ]
    run("user", "password", "bob", "--password", "other quiet words here")
    secret = run("token", "create", "ci", "--scope", "me:read").stdout
    assert secret.startswith("fazt_")
    assert secret.count("\n") == 1
    assert run("settings", "set", "events.keep_days", "12").stdout == "12\n"
    assert run("settings", "get", "events.keep_days").stdout == "12\n"
    assert "events.keep_days" in run("settings", "list", "--changed").stdout
    assert run("settings", "reset", "events.keep_days").stdout == "30\n"
    assert 'settings.changed  name="events.keep_days"' in run("events").stdout
    assert run("jobs", "list", "--json").exit_code == 0
    with shared_program.client(headers={"authorization": f"Bearer {secret.strip()}"}) as client:
        assert client.get("/api/v1/me").status_code == 200
    with shared_program.client(auth=("bob", "other quiet words here")) as client:
        assert client.get("/api/v1/me").json()["name"] == "Bob"


def test_commands_work_on_the_file_when_no_server_runs(program: Program) -> None:
    program.stop()
    program.run("user", "add", "bob@example.org", "--name", "Bob", input="four quiet words here\n")
    secret = program.run("token", "create", "ci", "--scope", "me:read").stdout
    program.call("user", "password", "bob", "--password", "other quiet words here")
    people = json.loads(program.call("user", "list", "--json").stdout)
    assert [(person["name"], person["role"]) for person in people][1:] == [("Bob", "member")]
    assert program.run("settings", "set", "events.keep_days", "12").stdout == "12\n"
    assert program.call("settings", "get", "events.keep_days").stdout == "12\n"
    assert "events.keep_days" in program.call("settings", "list", "--changed").stdout
    assert program.call("settings", "reset", "events.keep_days").stdout == "30\n"
    assert 'settings.changed  name="events.keep_days"' in program.call("events").stdout
    assert program.call("jobs", "list", "--json").exit_code == 0
    assert gc.isenabled()  # it is off only until the program has started
    program.start()
    with program.client(headers={"authorization": f"Bearer {secret.strip()}"}) as client:
        assert client.get("/api/v1/me").status_code == 200
    with program.client(auth=("bob", "other quiet words here")) as client:
        assert client.get("/api/v1/me").json()["name"] == "Bob"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "add", "not an address", "--password", "four quiet words"), 2, "is not an e-mail address"),
        (("user", "add", "x@example.org", "--password", "short"), 2, "at least 10 characters"),
        (("user", "password", "nobody", "--password", "four quiet words"), 4, "There is no such person."),
        (("user", "suspend", "owner@example.org"), 3, "The owner cannot be suspended"),
        (("token", "create", "x"), 2, "--scope"),
        (("token", "create", "x", "--scope", "nonsense"), 2, "is not a scope"),
        (("settings", "get", "no.such"), 4, "There is no setting"),
        (("settings", "set", "events.keep_days", "0"), 2, "at least 1"),
        (("jobs", "retry", "99"), 4, "no longer in the queue"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    shared_program: Program, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = shared_program.run(*arguments, check=False)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_links_are_printed_to_be_handed_on(shared_program: Program) -> None:
    link = shared_program.run("user", "invite", "ida@example.org").stdout.strip()
    assert "/join?token=" in link
    with shared_program.client() as ida:
        assert "ida@example.org" in ida.get(link[link.index("/join") :]).text


def test_a_cloud_elsewhere_is_reached_with_a_token(shared_program: Program) -> None:
    secret = shared_program.run("token", "create", "remote", "--all").stdout.strip()
    done = shared_program.run("--server", shared_program.url, "--token", secret, "user", "list", "--json")
    assert "owner@example.org" in done.stdout
    refused = shared_program.run("user", "list", "--server", shared_program.url, "--token", "fazt_no", check=False)
    assert refused.returncode == 3
