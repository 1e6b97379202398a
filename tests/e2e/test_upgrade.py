"""Upgrades of a serving cloud, against releases on loopback: the old version serves afterwards, or the new one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fazt.apps.upgrade.model import archive_name
from tests.apps.upgrade.trees import DIES, KEY, Release, Server, serving
from tests.conftest import LONG
from tests.e2e.upgrade_scene import KILLED, NEW, OLD, Scene
from tests.program import wait_until
from tools.release.pack import SUMS, new_key, write_sums

ENDED = {"done", "failed", "rolled back"}


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Release]:
    """One that is well and changes the data's form, and others that are not well."""
    folder = tmp_path_factory.mktemp("releases")
    return {
        "good": Release(folder / "good", NEW, migrates=True),
        "broken": Release(folder / "broken", "0.9.1", migrates=True, trouble=DIES),
        "liar": Release(folder / "liar", "0.9.2", says="0.0.9"),
    }


@pytest.fixture(scope="module")
def server(releases: dict[str, Release]) -> Iterator[Server]:
    with serving([releases["good"]]) as running:
        yield running


@pytest.fixture
def scene(tmp_path: Path, template_file: Path, server: Server, releases: dict[str, Release]) -> Iterator[Scene]:
    server.releases, server.listed = [releases["good"]], None
    with Scene(tmp_path / "scene", template_file, server.releases_url) as made:
        yield made


@pytest.mark.slow
def test_an_upgrade_a_version_that_is_not_well_and_the_way_back(
    scene: Scene, server: Server, releases: dict[str, Release]
) -> None:
    scene.start()
    scene.write()
    server.cut_after, server.cuts = 300_000, 2
    server.asked.clear()
    done = scene.upgrade()
    assert done.returncode == 0, done.stderr
    assert f"fazt {NEW} is in place" in done.stdout
    ranges = [asked for path, asked in server.asked if path.endswith(archive_name(NEW))]
    assert ranges == ["", "bytes=300000-", "bytes=600000-"]  # the line was cut twice
    assert (scene.version(), scene.in_place()) == (NEW, NEW)
    scene.write()
    scene.check_data()
    with scene.owner() as owner:
        status = owner.get("/api/v1/upgrade").json()
        assert [(run["old"], run["new"], run["state"]) for run in status["runs"]] == [(OLD, NEW, "done")]

    server.releases = [releases["broken"]]
    scene.wait_s = 4
    refused = scene.upgrade()
    assert refused.returncode == 7
    assert "0.9.1 did not take over" in refused.stderr
    assert (scene.version(), scene.in_place()) == (NEW, NEW)
    scene.check_data()
    assert sorted(path.name for path in (scene.root / "versions").iterdir()) == [OLD, NEW]
    with scene.owner() as owner:
        assert owner.get("/api/v1/upgrade").json()["runs"][0]["state"] == "failed"

    scene.wait_s = 20
    disturb_rollback(scene)
    assert (scene.version(), scene.in_place()) == (OLD, OLD)
    scene.writes = 1  # what came after the upgrade has gone with it
    scene.check_data()
    assert len(list(scene.data.parent.glob("data.db.replaced-*"))) == 1
    assert scene.upgrade("--rollback", "--yes").returncode == 5


def disturb_rollback(scene: Scene) -> None:
    """Go back, while the line to the terminal is cut, and somebody presses Ctrl-C."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [str(scene.root / "current" / "fazt"), *scene.command("--rollback", "--yes")]
    process = subprocess.Popen(command, env=scene.environ(), stdout=writing, stderr=writing)
    os.close(writing)
    wait_until(lambda: scene.journal()["state"] == "going back", 30, "the way back")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
    process.wait(60)
    assert scene.journal()["state"] == "rolled back"


def test_nothing_that_was_not_released_is_run(scene: Scene, server: Server, releases: dict[str, Release]) -> None:
    good = releases["good"]
    archive, text = good.archive, good.archive.read_bytes()
    signature = archive.with_name(f"{archive.name}.minisig")
    refusals = {}

    archive.write_bytes(text[:-1] + bytes([text[-1] ^ 1]))
    server.listed = [good.describe(server.url)]  # the sums are those of before
    for asset in server.listed[0]["assets"]:
        asset["digest"] = None
    refusals["checksum"] = scene.upgrade().stderr
    write_sums(good.folder, [archive.name])
    refusals["signature"] = scene.upgrade().stderr
    archive.write_bytes(text)
    good.finish(key=new_key())
    server.listed = None
    refusals["key"] = scene.upgrade().stderr
    good.finish(version=OLD, name=archive_name(OLD))
    refusals["replay"] = scene.upgrade().stderr
    good.finish()
    server.listed = [{**good.describe(server.url), "tag_name": f"v{OLD}"}]
    refusals["downgrade"] = scene.upgrade().stderr
    server.releases, server.listed = [releases["liar"]], None
    refusals["liar"] = scene.upgrade().stderr
    server.releases = [good]
    assert signature.exists()
    assert "checksum of" in refusals["checksum"]
    assert "signature is wrong" in refusals["signature"]
    assert "a key that this fazt does not know" in refusals["key"]
    assert f"was signed as {archive_name(OLD)}" in refusals["replay"]
    assert "runs already" in refusals["downgrade"]
    assert "says that it is another version" in refusals["liar"]
    assert scene.in_place() == OLD
    assert [path.name for path in (scene.root / "versions").iterdir()] == [OLD]
    assert not (scene.root / "upgrade.json").exists()


def test_a_full_disk_is_said_and_changes_nothing(scene: Scene, releases: dict[str, Release]) -> None:
    size = releases["good"].archive.stat().st_size
    small = scene.upgrade(prefix=("prlimit", f"--fsize={size // 2}"))
    assert small.returncode in {6, 7}, small.stderr
    assert "cannot be written" in small.stderr
    assert scene.in_place() == OLD
    assert [path.name for path in (scene.root / "versions").iterdir()] == [OLD]
    with closing(sqlite3.connect(scene.data)) as conn, conn:
        conn.execute("INSERT INTO core_setting VALUES ('large', zeroblob(?), 1)", (size * 2,))
    room = scene.data.stat().st_size - size // 2  # enough for every file of the release, not for the data
    little = scene.upgrade(f"--from={releases['good'].archive}", prefix=("prlimit", f"--fsize={room}"))
    assert little.returncode in {6, 7}, little.stderr
    assert scene.journal()["state"] == "failed", little.stderr  # the release was put there; the data could not
    assert [path.name for path in (scene.root / "versions").iterdir()] == [OLD]
    assert list((scene.root / "downloads").iterdir()) == []
    assert [path.name for path in scene.data.parent.iterdir() if ".before" in path.name] == []


def settle(scene: Scene) -> str:
    """Bring what was cut off to its end with the next command; the version that is then in place."""
    if scene.journal()["state"] not in ENDED:
        settled = scene.upgrade("--rollback", "--yes")
        assert settled.returncode == 0, settled.stderr
    assert scene.journal()["state"] in ENDED
    return scene.in_place()


@pytest.mark.slow
@pytest.mark.timeout(3600 if LONG else 400)
def test_killed_in_any_state_a_served_cloud_is_served_by_the_old_version_or_the_new_one(
    scene: Scene, releases: dict[str, Release]
) -> None:
    ended = {}
    for state in ("preparing", "stopping", "switching", "starting", "done") if LONG else ("starting",):
        scene.stop()
        scene.set()
        scene.start()
        scene.write()
        killed = scene.upgrade_killed(state, f"--from={releases['good'].archive}")
        assert killed.returncode == KILLED, (state, killed.stderr)
        ended[state] = settle(scene)
        assert scene.version() == ended[state], scene.log
        scene.check_data()
    back = scene.upgrade_killed("going back", "--rollback", "--yes")
    if ended[state] == NEW:
        assert back.returncode == KILLED
        scene.stop()
        scene.start()  # the machine comes up, and nobody settles anything
        assert scene.version() == OLD, scene.log
        assert settle(scene) == OLD
        scene.check_data()
    sys.stdout.write(f"{ended}\n")


def is_whole(scene: Scene) -> bool:
    """Whether program and data fit: what is in place proves itself on a copy of the data."""
    copy = scene.folder / "copy.db"
    shutil.copy(scene.data, copy)
    program = scene.root / "current" / "fazt"
    done = subprocess.run(
        [program, "upgrade", "--prove", copy, "--json"],
        env=scene.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return bool(json.loads(done.stdout)["version"] == scene.in_place())


@pytest.mark.slow
@pytest.mark.timeout(7200 if LONG else 400)
def test_killed_at_any_step_program_and_data_fit(scene: Scene, releases: dict[str, Release]) -> None:
    archive = f"--from={releases['good'].archive}"
    for arguments in ([archive], ["--rollback", "--yes"]):
        before = scene.folder.with_name("before")
        shutil.copytree(scene.folder, before, symlinks=True)
        whole = scene.upgrade_killed(0, *arguments)
        assert whole.returncode == 0, whole.stderr
        after, count = scene.folder.with_name("after"), int(re.findall(r"steps (\d+)", whole.stderr)[0])
        scene.folder.rename(after)
        ended = []
        for step in range(1, count + 1) if LONG else [count - 6]:
            shutil.rmtree(scene.folder, ignore_errors=True)
            shutil.copytree(before, scene.folder, symlinks=True)
            assert scene.upgrade_killed(step, *arguments).returncode == KILLED
            assert is_whole(scene)  # as a machine that comes up would start it
            if (scene.root / "upgrade.json").exists():
                settle(scene)
                assert is_whole(scene)
            ended.append(scene.in_place())
        sys.stdout.write(f"{arguments[0][:10]}: {count} steps, {ended.count(NEW)} of {len(ended)} ended new\n")
        shutil.rmtree(scene.folder)
        shutil.rmtree(before)
        after.rename(scene.folder)


def test_the_key_of_the_tests_is_in_no_program_but_theirs() -> None:
    from fazt.apps.upgrade.wire import KEYS

    assert KEY.public not in KEYS
    assert SUMS == "SHA256SUMS"
