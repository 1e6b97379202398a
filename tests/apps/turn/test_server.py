"""The relay inside the program: API, commands, settings that reach it, and its process started again."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from fazt.apps.turn.engine.client import TurnClient, TurnError
from fazt.apps.turn.engine.probe import parse_uri
from fazt.apps.turn.wire import attributes as a
from tests.apps.turn.relays import address_of, certificate
from tests.program import Program, running_program, wait_until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running_program(tmp_path_factory.mktemp("cloud"), "--turn-listen", "localhost:0") as program:
        yield program


@pytest.fixture
def owner(cloud: Program) -> Iterator[httpx.Client]:
    with cloud.owner() as client:
        yield client


def status(owner: httpx.Client) -> Any:
    return owner.get("/api/v1/turn/status").json()


def put(owner: httpx.Client, name: str, value: Any) -> None:
    answer = owner.put(f"/api/v1/settings/{name}", json={"value": value})
    assert answer.status_code < 300, answer.text


def connect(owner: httpx.Client) -> tuple[TurnClient, str, str]:
    """A client of the relay, with credentials of the owner."""
    given = owner.get("/api/v1/turn/credentials").json()
    way = parse_uri(given["uris"][0])
    assert way is not None
    return TurnClient.connect("127.0.0.1", way.port, way.transport), given["username"], given["password"]


def find_relay(cloud: Program) -> int:
    """The process id of the relay."""
    assert cloud.process is not None
    main = cloud.process.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return next(int(child) for child in children if b"turn" in Path(f"/proc/{child}/cmdline").read_bytes())


def is_gone(process: int) -> bool:
    """Whether a process has ended, be it that nobody has asked how."""
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or ") Z " in state.read_text()


def test_credentials(owner: httpx.Client) -> None:
    given = owner.get("/api/v1/turn/credentials").json()
    assert given.keys() == {"username", "password", "ttl", "uris"}
    assert given["ttl"] == 12 * 3_600
    assert [uri.partition("?")[2] for uri in given["uris"]] == ["transport=udp", "transport=tcp"]
    client, username, password = connect(owner)
    with client:
        assert client.allocate(username, password).get(a.XOR_RELAYED_ADDRESS) is not None


def test_who_may_have_credentials(cloud: Program, owner: httpx.Client) -> None:
    with cloud.client() as stranger:
        assert stranger.get("/api/v1/turn/credentials").status_code == 401
        assert stranger.get("/api/v1/turn/status").status_code == 401
    token = cloud.run("token", "create", "phone", "--scope", "turn:use").stdout.strip()
    with cloud.client(headers={"authorization": f"Bearer {token}"}) as phone:
        assert phone.get("/api/v1/turn/credentials").status_code == 200
        assert phone.get("/api/v1/turn/status").status_code == 403


def test_settings_reach_the_relay_while_it_runs(owner: httpx.Client) -> None:
    client, username, password = connect(owner)
    with client:
        client.allocate(username, password)
        with pytest.raises(TurnError):
            client.permit(address_of("192.168.7.7", 9))
        put(owner, "turn.allow_peers", ["192.168.7.0/24"])

        def is_permitted() -> bool:
            try:
                client.permit(address_of("192.168.7.7", 9))
            except TurnError:
                return False
            return True

        wait_until(is_permitted, what="the permission")
        put(owner, "turn.allow_peers", [])


def test_a_certificate_brings_tls(cloud: Program, owner: httpx.Client) -> None:
    file = cloud.data.parent / "pair.pem"
    file.write_text("".join(certificate()))
    assert not status(owner)["has_tls"]
    put(owner, "turn.certificate_file", str(file))
    wait_until(lambda: status(owner)["has_tls"], what="TLS")
    assert owner.get("/api/v1/turn/credentials").json()["uris"][-1].startswith("turns:localhost:")
    put(owner, "turn.certificate_file", "/nowhere")
    wait_until(lambda: not status(owner)["has_tls"], what="no TLS")
    assert "the certificate for turns: cannot be read" in cloud.log


def test_the_status_tells_who_uses_the_relay(owner: httpx.Client) -> None:
    client, username, password = connect(owner)
    with client:
        client.allocate(username, password)
        found = wait_until(lambda: status(owner)["figures"]["sessions"], what="a session")
        assert {session["user"] for session in found} == {username.partition(":")[2]}
        metrics = owner.get("/metrics").text
        assert "fazt_turn_allocations" in metrics
        client.refresh(0)


def test_the_relay_is_started_again_on_the_same_port(cloud: Program, owner: httpx.Client) -> None:
    before = status(owner)
    os.kill(find_relay(cloud), signal.SIGKILL)
    wait_until(lambda: status(owner)["restarts"] > before["restarts"] and status(owner)["is_running"], what="a restart")
    assert status(owner)["uris"][0] == before["uris"][0]
    client, username, password = connect(owner)
    with client:
        client.allocate(username, password)


def test_commands(cloud: Program) -> None:
    assert "transport=udp" in cloud.run("turn", "status").stdout
    assert json.loads(cloud.run("turn", "credentials", "--json").stdout)["ttl"] > 0
    made = cloud.run("turn", "invite", "tea", "--hours", "2").stdout.strip()
    assert made.startswith("/call/tea?key=")
    tested = cloud.run("turn", "test")
    assert tested.stdout.count("ok  ") == 5, tested.stdout
    as_json = json.loads(cloud.run("turn", "test", "--json").stdout)
    assert all(finding["is_good"] for finding in as_json)


def test_the_relay_has_no_secrets_of_the_program_in_its_environment(cloud: Program) -> None:
    environment = Path(f"/proc/{find_relay(cloud)}/environ").read_text()
    assert "FAZT_" not in environment


def test_without_the_option_there_is_no_relay(shared_program: Program) -> None:
    with shared_program.owner() as owner:
        assert not status(owner)["is_on"]
        refused = owner.get("/api/v1/turn/credentials")
        assert refused.status_code == 503
        assert "--turn-listen" in refused.json()["hint"]
    assert "not running" in shared_program.run("turn", "status").stdout


def test_without_a_server_there_is_no_relay_either(tmp_path: Path) -> None:
    program = Program(tmp_path)
    assert "not running" in program.run("turn", "status").stdout
    assert program.run("turn", "credentials", check=False).returncode == 7


def test_a_port_that_is_taken_is_said_and_tried_again(cloud: Program, owner: httpx.Client, tmp_path: Any) -> None:
    way = parse_uri(status(owner)["uris"][0])
    assert way is not None
    with running_program(tmp_path, "--turn-listen", f"localhost:{way.port}", FAZT_LOG_LEVEL="info") as second:
        with second.owner() as other:
            found = wait_until(lambda: status(other)["problem"], what="the problem")
        assert "Address already in use" in found


def test_the_program_leaves_no_relay_behind(tmp_path: Any) -> None:
    for how in ("stop", "kill"):
        with running_program(tmp_path, "--turn-listen", "localhost:0") as program:
            relay = find_relay(program)
            getattr(program, how)()
            wait_until(partial(is_gone, relay), what="its end")
