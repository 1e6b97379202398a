"""The parts of an upgrade, each by itself: unpacking, rights, places, services, data."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from fazt.apps.upgrade.engine.capability import Ports, give_right, has_right, needs_right
from fazt.apps.upgrade.engine.control import SYSTEMD, gives_ports, to_url
from fazt.apps.upgrade.engine.data import acting_as, bring_back, copy_data, copy_path, find_step, owner_of, sweep
from fazt.apps.upgrade.engine.fetching import check_url
from fazt.apps.upgrade.engine.getting import take_file
from fazt.apps.upgrade.engine.journal import alone, read_journal, write_journal
from fazt.apps.upgrade.engine.packages import Package, find_package
from fazt.apps.upgrade.engine.places import Tree, find_root, is_editable
from fazt.apps.upgrade.engine.running import User, clean_environ, run_program
from fazt.apps.upgrade.engine.unpacking import unpack
from fazt.apps.upgrade.model import Journal, archive_name
from fazt.core.errors import Forbidden, Invalid, Locked, Unavailable
from fazt.core.systemd import Service, read_options, render_options, render_unit
from tests.apps.upgrade.trees import KEY
from tools.release.pack import sign_file

RECEIPT = """
[tool]
requirements = [{ name = "fazt", extras = ["x"] }, { name = "more", extras = ["a"], specifier = ">=1" }]
python = "3.12"
entrypoints = [{ name = "fazt", install-path = "/b/fazt", from = "fazt" }]
"""
PROGRAM = ("versions/1.2.3/fazt", b"#!/bin/sh\n")


def advance(_done: int, _size: int) -> None:
    """Nobody looks on."""


def pack(path: Path, members: list[tuple[str, bytes]], *odd: tarfile.TarInfo) -> Path:
    """An archive with these files, and odd entries."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        for entry in odd:
            tar.addfile(entry)
    return path


def link_to(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def test_a_release_is_unpacked_beside_the_others(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    (versions / "1.2.3").mkdir(parents=True)
    (versions / "1.2.3" / "left").touch()
    archive = pack(tmp_path / "a.tar.gz", [PROGRAM, ("versions/1.2.3/x/y", b"y")], link_to("current", "versions/1.2.3"))
    before = os.umask(0o077)
    folder = unpack(archive, versions, "1.2.3", advance)
    os.umask(before)
    assert sorted(path.name for path in folder.rglob("*")) == ["fazt", "x", "y"]
    assert [path.name for path in versions.iterdir()] == ["1.2.3"]
    assert (folder / "x").stat().st_mode & 0o777 == 0o755  # the service's user has to get in


@pytest.mark.parametrize(
    "odd",
    [
        [("../outside", b"x")],
        [("/etc/outside", b"x")],
        [("versions/1.2.4/fazt", b"x")],
        [("versions/1.2.3/../../outside", b"x")],
        [link_to("versions/1.2.3/link", "/etc/passwd")],
        [link_to("versions/1.2.3/link", "../../../outside")],
        [link_to("versions/1.2.3/hard", "/etc/passwd", tarfile.LNKTYPE)],
        [link_to("versions/1.2.3/device", "", tarfile.CHRTYPE)],
    ],
)
def test_an_archive_that_reaches_outside_leaves_nothing(tmp_path: Path, odd: list[object]) -> None:
    versions = tmp_path / "tree" / "versions"
    versions.mkdir(parents=True)
    files = [one for one in odd if isinstance(one, tuple)]
    archive = pack(tmp_path / "a.tar.gz", [PROGRAM, *files], *[one for one in odd if isinstance(one, tarfile.TarInfo)])
    with pytest.raises(Invalid):
        unpack(archive, versions, "1.2.3", advance)
    assert list(versions.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "tree"]


def test_an_archive_that_is_endless_or_empty_or_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    with pytest.raises(Invalid, match="no program"):
        unpack(pack(tmp_path / "a", [("versions/1.2.3/x", b"")]), versions, "1.2.3", advance)
    monkeypatch.setattr("fazt.apps.upgrade.engine.unpacking.MAX_BYTES", 20)
    with pytest.raises(Invalid, match="more than a release"):
        unpack(pack(tmp_path / "b", [PROGRAM, ("versions/1.2.3/x", b"0" * 20)]), versions, "1.2.3", advance)
    (tmp_path / "c").write_bytes(b"no archive")
    with pytest.raises(Invalid, match="cannot be unpacked"):
        unpack(tmp_path / "c", versions, "1.2.3", advance)
    assert list(versions.iterdir()) == []


def test_the_right_to_low_ports_is_carried_over(tmp_path: Path) -> None:
    program = Path(shutil.copy("/bin/true", tmp_path / "fazt"))
    assert not needs_right(program, Ports())
    assert needs_right(program, Ports(ports=(0, 443)))
    assert not needs_right(program, Ports(ports=(443,), is_root=True))
    assert not needs_right(program, Ports(ports=(443,), has_ambient=True))
    if os.geteuid() != 0:
        with pytest.raises(Forbidden, match="Only root"):
            give_right(program)
        return
    (tmp_path / "link").symlink_to(program)
    give_right(tmp_path / "link")  # setcap itself follows no link
    assert has_right(program)
    assert needs_right(program, Ports())


def test_a_program_knows_the_tree_that_it_lies_in(tmp_path: Path) -> None:
    assert find_root(tmp_path / "versions" / "1.2.3" / "_internal" / "fazt" / "__init__.pyc") == tmp_path
    assert find_root(tmp_path / "versions" / "src" / "fazt" / "__init__.py") is None
    assert find_root() is None  # the tests run from the source


def test_the_switch_is_one_rename(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for version in ("1.0.0", "1.1.0"):
        (tree.versions / version).mkdir(parents=True)
        (tree.versions / version / "fazt").touch()
    tree.switch("1.0.0")
    tree.switch("1.1.0")
    tree.switch("1.1.0")
    assert tree.current() == "1.1.0"
    assert (tmp_path / "current").readlink() == Path("versions/1.1.0")
    tree.drop("1.1.0")
    tree.sweep({"1.1.0"})
    assert [path.name for path in tree.versions.iterdir()] == ["1.1.0"]


def test_each_installer_is_asked_in_its_own_way(tmp_path: Path) -> None:
    assert Package("pip", tmp_path).command("1.2.3")[1:4] == ("-m", "pip", "install")
    assert Package("pipx", Path("/p/venvs/mine")).command("1.2.3")[:4] == ("pipx", "runpip", "mine", "install")
    assert Package("uv", tmp_path).command("1.2.3")[:3] == ("uv", "pip", "install")
    prefix = tmp_path / "tools" / "fazt"
    prefix.mkdir(parents=True)
    (prefix / "uv-receipt.toml").write_text(RECEIPT)
    tool = find_package("uv", prefix)
    again = ("uv", "tool", "install", "--force", "--python", "3.12", "--with", "more[a]>=1", "fazt[x]==1.2.3")
    assert tool.command("1.2.3") == again
    assert (tool.environ()["UV_TOOL_DIR"], tool.environ()["UV_TOOL_BIN_DIR"]) == (str(prefix.parent), "/b")
    assert not tool.journal.is_relative_to(prefix)  # uv makes the environment anew
    (prefix / "uv-receipt.toml").write_text("tool = 1")
    assert find_package("uv", prefix).command("1.2.3") == ("uv", "tool", "install", "--force", "fazt==1.2.3")
    assert is_editable('{"dir_info": {"editable": true}, "url": "file:///x"}')
    assert not any(is_editable(text) for text in ("", "[]", "{}", '{"dir_info": {}}', "x"))


def test_the_unit_that_fazt_writes_needs_no_file_capability() -> None:
    service = Service(("/opt/fazt/current/fazt",), domain="example.com", listen="0.0.0.0:80")
    assert gives_ports(render_unit(service))
    assert not gives_ports("[Service]\nAmbientCapabilities=CAP_CHOWN\n")
    options = read_options(render_options(service))
    assert options["FAZT_LISTEN"] == "0.0.0.0:80"
    assert to_url(options["FAZT_LISTEN"]) == "http://127.0.0.1:80/health"
    assert [to_url(text) for text in ("", "127.0.0.1:0", "[::]:8080")] == ["", "", "http://[::1]:8080/health"]
    assert "--no-block" in SYSTEMD.start  # whoever waited for a unit that never gets ready would hang


def test_only_https_and_this_machine_are_asked() -> None:
    for url in ("https://example.org/x", "http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]/"):
        check_url(url)
    for url in (
        "http://example.org/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "https://",
        "x",
        "http://127.0.0.1.nip.io/",
    ):
        with pytest.raises(Invalid):
            check_url(url)


def test_the_journal_is_whole_and_one_alone_writes_it(tmp_path: Path) -> None:
    journal = Journal(id="x", old="1.0.0", new="1.1.0", state="switching", data="/d", began_at=1)
    path = tmp_path / "upgrade.json"
    assert read_journal(path) is None
    write_journal(path, journal)
    assert read_journal(path) == journal
    assert path.stat().st_mode & 0o777 == 0o644  # the service's user reads it
    path.write_text("{")
    with pytest.raises(Invalid, match="damaged"):
        read_journal(path)
    with alone(tmp_path / "lock"), pytest.raises(Locked), alone(tmp_path / "lock"):
        pass


def test_the_data_comes_back_once_and_what_replaced_it_is_kept(data_file: Path) -> None:
    copy = copy_path(data_file, "1.1.0")
    copy_data(data_file, copy, advance)
    step = find_step(copy)
    with closing(sqlite3.connect(data_file)) as conn, conn:
        conn.execute("UPDATE alembic_version SET version_num = 'later'")
    assert bring_back(data_file, copy, 1_800_000_000_000)
    assert not bring_back(data_file, copy, 1_800_000_000_001)
    assert find_step(data_file) == step
    (kept,) = data_file.parent.glob("data.db.replaced-*")
    assert find_step(kept) == "later"
    copy_data(data_file, copy_path(data_file, "1.2.0"), advance)
    data_file.with_name("data.db.before-1.3.0.partial").touch()
    own = data_file.with_name("data.db.before-christmas")
    own.touch()
    sweep(data_file, keep=None)
    assert list(data_file.parent.glob("data.db.before-*")) == [own]  # a copy that the owner has made


def test_nobody_else_may_read_a_copy_while_it_is_made(data_file: Path) -> None:
    seen = set()
    copy = copy_path(data_file, "1.1.0")

    def look(_done: int, _size: int) -> None:
        seen.add(copy.with_name(f"{copy.name}.partial").stat().st_mode & 0o777)

    before = os.umask(0o022)
    copy_data(data_file, copy, look)
    os.umask(before)
    assert seen == {0o600}


def test_a_release_from_a_file_is_what_was_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.apps.upgrade.engine.getting.check_archive.__defaults__", ((KEY.public,),))
    archive = tmp_path / archive_name("1.2.3")
    archive.write_bytes(b"good")
    sign_file(archive, "1.2.3", KEY)

    def tell(_doing: str, _done: int, _size: int) -> None:
        archive.write_bytes(b"evil")  # whoever owns the file changes it while it is looked at

    version, taken = take_file(archive, tmp_path / "downloads", "1.0.0", tell)
    assert (version, taken.read_bytes()) == ("1.2.3", b"good")
    assert taken.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(Forbidden, match="signature is wrong"):
        take_file(archive, tmp_path / "downloads", "1.0.0", tell)
    assert not taken.exists()


def test_root_works_on_the_data_with_the_rights_of_its_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        assert owner_of(tmp_path / "data.db").is_me
        return
    tmp_path.chmod(0o755)
    home, secret = tmp_path / "home", tmp_path / "secret"
    home.mkdir()
    os.chown(home, 65_534, 65_534)
    secret.write_text("root's")
    secret.chmod(0o600)
    (home / "data.db.before-1.1.0").symlink_to(secret)
    with acting_as(owner_of(home / "data.db")):
        assert (os.geteuid(), os.getegid()) == (65_534, 65_534)
        with pytest.raises(PermissionError):
            (home / "data.db.before-1.1.0").write_text("x")
    assert os.geteuid() == 0
    assert secret.read_text() == "root's"
    said = run_program(["id", "-u"], timeout_s=10, user=User(65_534, 65_534)).stdout
    assert said.strip() == "65534"


def test_other_programs_get_no_libraries_and_secrets_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_LIBRARY_PATH", "PYTHONPATH", "_PYI_ARCHIVE_FILE", "FAZT_TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/own")
    environ = clean_environ(MORE="1")
    assert environ["LD_LIBRARY_PATH"] == "/own"
    assert not {"PYTHONPATH", "_PYI_ARCHIVE_FILE", "FAZT_TOKEN"} & environ.keys()
    with pytest.raises(Unavailable, match="cannot be run"):
        run_program(["/no/such/program"], timeout_s=1)
    with pytest.raises(Unavailable, match="has not ended"):
        run_program(["tail", "-f", "/dev/null"], timeout_s=0.1)
    with pytest.raises(Unavailable, match="it ended with 1"):
        run_program(["false"], timeout_s=5)
