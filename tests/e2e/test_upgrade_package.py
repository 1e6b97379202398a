"""fazt as a package of pip, pipx or uv: their way of upgrading, and the places where nothing is upgraded."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.apps.upgrade.trees import DIES, MIGRATION, serving
from tests.conftest import LONG
from tests.e2e.package_scene import BAD_MIGRATION, PackageScene, make_index, make_wheel
from tests.e2e.upgrade_scene import KILLED, NEW, OLD

WAYS = ("pip", "uv pip", "pipx", "uv") if LONG else ("pip",)
DEAD, UNPROVED = "0.9.1", "0.9.2"


class Quiet(SimpleHTTPRequestHandler):
    """Files, and no word of it."""

    def log_message(self, *args: object) -> None:
        """Nothing."""


class Index:
    """An index of packages, with what is in it."""

    def __init__(self, folder: Path, url: str, wheels: dict[str, Path]) -> None:
        self.folder, self.url, self.wheels = folder, url, wheels

    def offer(self, *versions: str) -> None:
        """Only these."""
        make_index(self.folder, [self.wheels[version] for version in versions])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """One old version, one that is well, one that dies, and one that cannot change the data."""
    folder = tmp_path_factory.mktemp("index")
    how: dict[str, dict[str, Any]] = {
        OLD: {},
        NEW: {"migration": MIGRATION},
        DEAD: {"migration": MIGRATION, "trouble": DIES},
        UNPROVED: {"migration": BAD_MIGRATION},
    }
    wheels = {version: make_wheel(folder, version, **more) for version, more in how.items()}
    http = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    made = Index(folder, f"http://127.0.0.1:{http.server_port}/simple", wheels)
    made.offer(*wheels)
    yield made
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Where pipx and uv are; only in the long form."""
    if not LONG:
        return None
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", "pipx", "uv"], check=True, capture_output=True)
    return folder / "bin"


@pytest.fixture
def releases_url() -> Iterator[str]:
    """A list of releases that knows of the new version."""
    with serving([]) as server:
        server.listed = [{"tag_name": f"v{NEW}", "assets": []}]
        yield server.releases_url


@pytest.fixture(params=WAYS)
def scene(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    template_file: Path,
    index: Index,
    tools: Path | None,
    releases_url: str,
) -> Iterator[PackageScene]:
    index.offer(*index.wheels)
    with PackageScene(
        tmp_path / "scene", template_file, releases_url, way=request.param, index=index.url, tools=tools
    ) as made:
        yield made


def check(scene: PackageScene, version: str) -> None:
    """That version serves, with all data, and nothing is left over."""
    assert scene.version() == version, scene.log
    assert scene.in_place() == version
    scene.check_data()
    assert not (scene.prefix / "fazt-trial").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_package_is_upgraded_as_it_was_installed_and_comes_back(scene: PackageScene, index: Index) -> None:
    scene.start()
    scene.write()
    told = json.loads(scene.run_python("-m", "fazt", "--json", "upgrade", "--check").stdout)
    assert (told["newest"], told["way"]) == (NEW, scene.way.split()[0])
    failing = ((UNPROVED, "this step is broken"), (DEAD, "was not well"))
    for version, said in failing if LONG else failing[:1]:
        scene.wait_s = 2 if version == DEAD else 20
        failed = scene.upgrade("--to", version)
        assert failed.returncode != 0
        assert said in failed.stderr, failed.stderr
        assert ("Stopping" in failed.stderr) == (version == DEAD)
        check(scene, OLD)
        scene.write()
    scene.wait_s = 20
    done, late = scene.upgrade_watched()
    assert done.returncode == 0, done.stderr
    assert late == []
    check(scene, NEW)
    with scene.owner() as client:
        runs = client.get("/api/v1/upgrade").json()["runs"]
    assert [run["state"] for run in runs] == ["done", "failed", "failed"][: len(runs)]
    assert len(runs) == (3 if LONG else 2)
    back, late = scene.upgrade_watched("--rollback", "--yes")
    assert back.returncode == 0, back.stderr
    assert late == []
    check(scene, OLD)
    again = scene.upgrade("--rollback", "--yes")
    assert "no version to go back to" in again.stderr
    for state in ("stopping", "switching", "starting") if LONG else ():
        kill(scene, state)


def kill(scene: PackageScene, state: str) -> None:
    """Killed in mid-upgrade and in mid-way back, a package is old or new, with its data."""
    killed = scene.upgrade_killed(state)
    assert killed.returncode == KILLED, killed.stderr
    assert scene.journal()["state"] == state
    scene.upgrade()  # brings it to its end first
    check(scene, NEW)
    scene.write()
    back = scene.upgrade_killed("going back", "--rollback", "--yes")
    assert back.returncode == KILLED, back.stderr
    scene.stop()
    scene.start()  # the machine comes up, and nobody settles anything
    assert scene.version() in {OLD, NEW}, scene.log
    scene.upgrade("--rollback", "--yes")
    scene.writes -= 1  # the form of the data was changed: what came since the upgrade goes with it, as it was confirmed
    check(scene, OLD)


def list_files(folder: Path) -> list[tuple[str, int]]:
    """What is there, and when it was changed; but for compiled files."""
    found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts and path.is_file())
    return sorted((str(path), path.stat().st_mtime_ns) for path in found)


READ_ONLY = "mount --bind {0} {0} && mount -o remount,ro,bind {0}"
IMAGE = """
mount -t tmpfs none /run && touch /run/.containerenv && mkdir /run/up /run/work &&
mount -t overlay -o lowerdir={0},upperdir=/run/up,workdir=/run/work overlay {0}"""


@pytest.mark.parametrize(
    ("mounts", "said"),
    [(READ_ONLY, "is read-only"), (IMAGE, "in the image of a container")],
    ids=["read-only", "image"],
)
def test_read_only_places_and_images_are_told_and_left_alone(
    mounts: str, said: str, tmp_path: Path, template_file: Path, index: Index, releases_url: str
) -> None:
    made = PackageScene(tmp_path / "scene", template_file, releases_url, way="pip", index=index.url)
    made.set()
    before = list_files(made.prefix)
    alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    words = mounts.format(made.prefix)
    for arguments in (["upgrade"], ["upgrade", "--rollback", "--yes"]):
        script = f'{words} && exec "$@"'
        command = [*alone, "sh", "-ec", script, "sh", str(made.python), "-m", "fazt", *arguments]
        done = subprocess.run(command, env=made.environ(), capture_output=True, text=True, check=False)
        assert (done.returncode, said in done.stderr) == (5, True), (done.returncode, done.stderr)
    assert list_files(made.prefix) == before
