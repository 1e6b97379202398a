"""What `make release` makes: its packing; in the long run a real build, upgraded by root, served by nobody."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from fazt import __version__
from fazt.apps.upgrade.engine.capability import give_right, has_right
from fazt.apps.upgrade.model import archive_name
from tests.apps.upgrade.trees import Release, make_tree, serving
from tests.conftest import LONG
from tests.e2e.upgrade_scene import NEW, Scene
from tools.release.build import BUILD, LOCK, ROOT, TOOLS, choose_lock
from tools.release.pack import SUMS, pack_tree, read_key, sign_file, write_sums


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, "1.2.3")
    os.environ["SOURCE_DATE_EPOCH"] = "1800000000"
    try:
        one, other = (pack_tree(tree, "1.2.3", tmp_path / name, level=1).read_bytes() for name in "ab")
    finally:
        del os.environ["SOURCE_DATE_EPOCH"]
    assert one == other
    with tarfile.open(tmp_path / "a" / archive_name("1.2.3")) as tar:
        members = tar.getmembers()
    assert {member.uid for member in members} == {0}
    assert members[-1].linkname == "versions/1.2.3"
    write_sums(tmp_path / "a", [archive_name("1.2.3")])
    checked = subprocess.run(["sha256sum", "-c", SUMS], cwd=tmp_path / "a", capture_output=True, check=False)
    assert checked.returncode == 0


def test_a_release_is_built_from_what_the_lock_names() -> None:
    chosen = choose_lock(LOCK.read_text())
    for name in (*TOOLS, "deno", "ifaddr", "litestar"):
        assert f"\n{name}==" in chosen, name
    assert "\npytest==" not in chosen


class RealScene(Scene):
    """A real release, installed by root, served at port 80 by nobody."""

    def install(self) -> None:
        """See Scene."""
        self.root.mkdir()
        with tarfile.open(find_release()) as tar:
            tar.extractall(self.root, filter="data")
        give_right(self.root / "current" / "fazt")
        (self.folder / "user").write_text("nobody")

    def set(self) -> None:
        """See Scene."""
        super().set()
        for path in (self.folder, self.data.parent):
            path.chmod(0o755)
        for path in (self.data.parent, self.data):
            shutil.chown(path, "nobody", "nogroup")


def find_release() -> Path:
    """A release of this version; built where there is none."""
    archive = ROOT / "dist" / archive_name(__version__)
    if not archive.exists():
        subprocess.run([sys.executable, "-m", "tools.release"], cwd=ROOT, check=True)
    return archive


class RealRelease(Release):
    """A release as it was built, for the server."""

    def __init__(self, archive: Path, version: str) -> None:
        self.version, self.folder, self.archive = version, archive.parent, archive


def derive(folder: Path, version: str) -> RealRelease:
    """Another version of the same build: the one file that holds the number is another, and it is packed and signed."""
    with tarfile.open(find_release()) as tar:
        tar.extractall(folder, filter="data")
    tree = folder / "versions" / version
    (folder / "versions" / __version__).rename(tree)
    source = folder / "__init__.py"
    source.write_text(f'"""fazt."""\n\n__version__ = "{version}"\n')
    compiled = tree / "_internal" / "fazt" / "__init__.pyc"
    assert compiled.exists()
    py_compile.compile(str(source), str(compiled), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    archive = pack_tree(tree, version, folder / "release", level=1)
    for path in (archive, write_sums(archive.parent, [archive.name])):
        sign_file(path, version, read_key(BUILD)[0])
    return RealRelease(archive, version)


if LONG and os.geteuid() == 0:

    @pytest.mark.timeout(1_800)  # building takes minutes
    def test_a_real_release_is_upgraded_by_root_and_serves_port_80_as_nobody(template_file: Path) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            release = derive(folder / "new", NEW)
            with (
                serving([release]) as server,
                RealScene(folder / "scene", template_file, server.releases_url, wait_s=120) as scene,
            ):
                scene.port = 80
                (scene.folder / "port").write_text("80")
                scene.start()
                scene.write()
                half = release.archive.stat().st_size // 2
                server.cut_after, server.cuts = half, 1
                done = scene.upgrade()
                assert done.returncode == 0, done.stderr
                ranges = [asked for path, asked in server.asked if path.endswith(release.archive.name)]
                assert ranges == ["", f"bytes={half}-"]
                assert (scene.version(), scene.in_place()) == (NEW, NEW)
                assert has_right(scene.root / "current" / "fazt")
                pid = int((scene.folder / "pid").read_text())
                assert Path(f"/proc/{pid}").stat().st_uid == 65_534
                scene.write()
                scene.check_data()
                back = scene.upgrade("--rollback", "--yes")
                assert back.returncode == 0, back.stderr
                assert (scene.version(), scene.in_place()) == (__version__, __version__)
                scene.check_data()
