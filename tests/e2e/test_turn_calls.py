"""A call on the call page, in real browsers, with every packet over the relay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.turn.browsers import Browser, Page, running_browser
from tests.apps.turn.relays import certificate
from tests.program import Program, running_program, wait_until

PICTURES = os.environ.get("FAZT_PICTURES", "")
RELAYED = "Boolean(document.querySelector('.tile:not(.own)[data-path=relay][data-state=connected]'))"
FRAMES = "Number(document.querySelector('.tile:not(.own)')?.dataset.frames ?? 0)"
PLAYING = "(document.querySelector('.tile:not(.own) video')?.videoWidth ?? 0) > 0"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud with a relay that speaks TLS."""
    folder = tmp_path_factory.mktemp("cloud")
    chain, key = certificate()
    (folder / "pair.pem").write_text(chain + key)
    with running_program(folder, "--turn-listen", "localhost:0") as program:
        with program.owner() as owner:
            put = owner.put("/api/v1/settings/turn.certificate_file", json={"value": str(folder / "pair.pem")})
            assert put.status_code < 300, put.text
            wait_until(lambda: owner.get("/api/v1/turn/status").json()["has_tls"], what="TLS")
        yield program


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser("chromium", tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser("firefox-esr", tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def invited(cloud: Program, room: str) -> str:
    """The address by which a guest enters."""
    with cloud.owner() as owner:
        made = owner.post(f"/api/v1/turn/rooms/{room}/invitations", json={"hours": 1})
        assert made.status_code == 201, made.text
    return f"http://localhost:{cloud.port}{made.json()['path']}"


def join(page: Page, address: str, name: str) -> None:
    """Enter a room through the lobby."""
    page.go(address)
    page.wait("document.getElementById('preview').videoWidth > 0")
    page.run(f"document.querySelector('#join input[name=name]').value = {name!r}")
    page.run("document.getElementById('go').click()")


def leave(*pages: Page) -> None:
    for page in pages:
        page.go("about:blank")


def check_call(one: Page, two: Page) -> None:
    """Pictures move on both sides, and the path is the relay's."""
    for page in (one, two):
        page.wait(RELAYED)
        page.wait(PLAYING)
        seen = page.run(FRAMES)
        page.wait(f"{FRAMES} > {seen} + 5")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["udp", "tcp", "tls"])
def test_chromium_calls_over_the_relay(cloud: Program, chromium: Browser, way: str, tmp_path: Path) -> None:
    address = f"{invited(cloud, f'room-{way}')}&relay={way}"
    one, two = chromium.open(), chromium.open()
    join(one, address, "Ana")
    join(two, address, "Bo")
    check_call(one, two)
    with cloud.owner() as owner:
        sessions = owner.get("/api/v1/turn/status").json()["figures"]["sessions"]
    assert {session["transport"] for session in sessions if session["bytes_sent"] > 10_000} == {way}
    if PICTURES:
        for name, width, height in (("phone", 390, 844), ("wide", 1280, 800)):
            one.picture(Path(PICTURES) / f"call-{way}-{name}.png", width, height)
    leave(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_firefox_calls_over_the_relay(cloud: Program, firefox: Browser, way: str) -> None:
    address = f"{invited(cloud, f'fox-{way}')}&relay={way}"
    one, two = firefox.open(), firefox.open()
    join(one, address, "Ana")
    join(two, address, "Bo")
    check_call(one, two)
    leave(one, two)


@pytest.mark.slow
def test_firefox_and_chromium_call_each_other(cloud: Program, chromium: Browser, firefox: Browser) -> None:
    address = f"{invited(cloud, 'mixed')}&relay=udp"
    one, two = chromium.open(), firefox.open()
    join(one, address, "Ana")
    join(two, address, "Bo")
    check_call(one, two)
    leave(one, two)


@pytest.mark.slow
def test_chat_mute_and_a_third_person(cloud: Program, chromium: Browser) -> None:
    address = invited(cloud, "three")
    pages = [chromium.open() for _ in range(3)]
    for page, name in zip(pages, ("Ana", "Bo", "Cy"), strict=True):
        join(page, address, name)
    for page in pages:
        page.wait("document.querySelectorAll('.tile[data-state=connected]').length === 2")
    ana, bo, cy = pages
    ana.run("document.querySelector('#say input').value = 'hello <b>all</b>'")
    ana.run("document.getElementById('say').requestSubmit()")
    for page in (bo, cy):
        page.wait("document.getElementById('messages').textContent.includes('hello <b>all</b>')")
    ana.run("document.getElementById('mic').click()")
    bo.wait("document.querySelectorAll('.tile.quiet').length === 1")
    leave(cy)
    ana.wait("document.querySelectorAll('.tile').length === 2")
    leave(ana, bo)


@pytest.mark.slow
def test_a_call_goes_on_after_the_program_started_again(cloud: Program, chromium: Browser) -> None:
    address = f"{invited(cloud, 'again')}&relay=udp"
    one, two = chromium.open(), chromium.open()
    join(one, address, "Ana")
    join(two, address, "Bo")
    check_call(one, two)
    cloud.kill()
    cloud.start()
    for page in (one, two):
        page.wait("document.getElementById('reconnecting').hidden")
    check_call(one, two)
    leave(one, two)
