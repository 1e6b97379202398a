"""Foreign clients of the relay: coturn's own tools in their many ways, and aioice."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import aioice.stun
import aioice.turn
import pytest

from fazt.apps.turn.model import Limits
from tests.apps.turn.relays import PASSWORD, USER, RelayUnderTest, allocated, certificate, running_relay, trusting
from tests.program import running_program

MESSAGES = 20
HOSTS = ("127.0.0.1", "::1")
WAYS = {
    "udp, channels": "-y",
    "udp, indications": "-y -s",
    "udp, no rtcp": "-y -c",
    "udp, don't fragment": "-y -c -g",
    "udp, both families": "-y -Z",
    "udp, padded channels": "-y -D",
    "udp, extra requests": "-y -G",
    "udp, ipv6 relay": "-y -x",
    "udp, ipv4 relay asked for": "-y -X",
    "udp, large": "-y -l 1400",
    "tcp, channels": "-t -y",
    "tcp, indications": "-t -y -s",
    "tcp, ipv6 relay": "-t -y -x",
    "tcp, padded": "-t -y -c -D",
    "tls, channels": "-t -S -y",
    "tls, indications": "-t -S -y -s",
}


@pytest.fixture(scope="module")
def relay() -> Iterator[RelayUnderTest]:
    chain, key = certificate()
    limits = Limits(refusals_per_second=1_000, allocations_per_user=200)
    with running_relay(certificate_chain=chain, certificate_key=key, limits=limits) as running:
        yield running


def run_uclient(relay: RelayUnderTest, options: str, host: str) -> str:
    """What coturn's client says after it has sent MESSAGES over each of its sessions."""
    command = f"turnutils_uclient {options} -u {USER} -w {PASSWORD} -p {relay.port} -n {MESSAGES} -m 2 {host}"
    done = subprocess.run(command.split(), capture_output=True, text=True, timeout=100, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def outputs(relay: RelayUnderTest) -> dict[tuple[str, str], Future[str]]:
    """What coturn's client says in each of its ways. It mostly waits, so several run at once."""
    with ThreadPoolExecutor(6) as pool:
        return {
            (way, host): pool.submit(run_uclient, relay, options, host)
            for way, options in WAYS.items()
            for host in HOSTS
        }


@pytest.mark.slow
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("way", WAYS)
def test_coturns_client_loses_nothing(outputs: dict[tuple[str, str], Future[str]], way: str, host: str) -> None:
    said = outputs[way, host].result()
    counts = re.findall(r"start_mclient: tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", said)
    assert counts, said
    sent, received = map(int, counts[-1])
    assert sent == received > 0, said
    assert "Total lost packets 0 (0.000000%)" in said, said


def test_coturns_client_with_time_limited_credentials(relay: RelayUnderTest) -> None:
    command = f"turnutils_uclient -y -u bob -W north -p {relay.port} -n {MESSAGES} 127.0.0.1"
    done = subprocess.run(command.split(), capture_output=True, text=True, timeout=100, check=False)
    assert "Total lost packets 0 (0.000000%)" in done.stdout + done.stderr, done.stdout


@pytest.mark.parametrize("option", ["-N", "-R"])
def test_coturns_negative_tests_do_no_harm(relay: RelayUnderTest, option: str) -> None:
    """It asks what must not be asked, for ever where it is refused; ten seconds of that are enough."""
    command = ["turnutils_uclient", option, "-y", "-u", USER, "-w", PASSWORD, "-p", str(relay.port), "127.0.0.1"]
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, timeout=10, check=False)
    with relay.client() as client:
        allocated(client)


@pytest.mark.parametrize("host", HOSTS)
def test_coturns_stun_client(relay: RelayUnderTest, host: str) -> None:
    command = ["turnutils_stunclient", "-p", str(relay.port), host]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert f"reflexive addr: {host}" in done.stdout.replace("[", "").replace("]", ""), done.stdout


class Echo(asyncio.DatagramProtocol):
    """Sends everything back."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


class Ear(asyncio.DatagramProtocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, _address: Any) -> None:
        self.heard.put_nowait(data)


@pytest.mark.parametrize(("transport", "with_tls"), [("udp", False), ("tcp", False), ("tcp", True)])
async def test_aioice(relay: RelayUnderTest, transport: str, with_tls: bool) -> None:
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    ear = Ear()
    client, _ = await aioice.turn.create_turn_endpoint(
        lambda: ear,
        server_addr=("127.0.0.1", relay.port),
        username=USER,
        password=PASSWORD,
        transport=transport,
        ssl=trusting() if with_tls else False,
    )
    there = echo.get_extra_info("sockname")
    for size in (1, 160, 1_200):
        data = bytes(size)
        client.sendto(data, there)
        assert await asyncio.wait_for(ear.heard.get(), 10) == data
    client.close()
    echo.close()


def test_credentials_from_the_api_open_the_relay(tmp_path: Path) -> None:
    with running_program(tmp_path, "--turn-listen", "localhost:0") as program:
        with program.owner() as owner:
            given = owner.get("/api/v1/turn/credentials").json()
        port = given["uris"][0].partition("?")[0].rpartition(":")[2]
        command = ["turnutils_uclient", "-y", "-u", given["username"], "-w", given["password"], "-p", port]
        done = subprocess.run(
            [*command, "-n", str(MESSAGES), "127.0.0.1"], capture_output=True, text=True, timeout=100, check=False
        )
        assert "Total lost packets 0 (0.000000%)" in done.stdout + done.stderr, done.stdout
