"""The drive, used by the clients that people have."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from webdav4.client import Client as Webdav4  # type: ignore[import-untyped] # it has no types

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

HERE = Path(__file__).parent
RCLONES = ("rclone", str(Path(sys.executable).parent / "rclone"))
"""Debian's, and the newest."""

ODD = [
    "a & b #1 %41.txt",
    "ümläut é.txt",
    "日本語.txt",
    "semi;colon,comma=1.txt",
    "(round) [square] 'quotes'.txt",
    "€+$@!.txt",
]


def run(*command: str | Path, text: str | None = None, **environ: str) -> str:
    """A program to its end; what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        input=text,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def sums(folder: Path) -> dict[str, str]:
    """Hashes of all files below a folder by their path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def grow(folder: Path, count: int) -> Path:
    """A tree of files with odd names and contents of many sizes."""
    chance = random.Random(7)
    for number in range(count):
        below = folder / f"d{number % 7}" / f"ö{number % 3}"
        below.mkdir(parents=True, exist_ok=True)
        name = f"{number} {ODD[number % len(ODD)]}"
        size = 140_000 if number % 50 == 0 else chance.choice([0, 1, 9, 700, 5_000])
        (below / name).write_bytes(chance.randbytes(size))
    return folder


def test_litmus_passes_without_a_warning(shared_program: Program, tmp_path: Path) -> None:
    done = subprocess.run(
        ["litmus", "-k", f"{shared_program.url}/dav/files/", OWNER_EMAIL, OWNER_PASSWORD],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stdout.count("0 failed. 100.0%") == 5, done.stdout[-3000:]
    assert "WARNING" not in done.stdout


@contextmanager
def mounted(program: Program, folder: Path) -> Iterator[Path]:
    """The drive mounted by davfs2."""
    cache, mount = folder / "cache", folder / "mount"
    for path in (cache, mount):
        path.mkdir()
    for path in (cache, *folder.parents[:1], folder):
        path.chmod(0o755)
    cache.chmod(0o777)
    secrets, conf = folder / "secrets", folder / "davfs2.conf"
    url = f"{program.url}/dav/files/"
    secrets.write_text(f'{url} "{OWNER_EMAIL}" "{OWNER_PASSWORD}"\n')
    secrets.chmod(0o600)
    # buf_size: with its default davfs2 cannot list a folder on newer kernels
    conf.write_text(f"ask_auth 0\nbuf_size 1024\ncache_dir {cache}\nsecrets {secrets}\ndelay_upload 0\n")
    run("mount.davfs", "-o", f"conf={conf}", url, mount)
    try:
        yield mount
    finally:
        run("umount", mount)


@pytest.mark.slow
def test_davfs2_keeps_a_tree_through_copy_rename_append_and_delete(shared_program: Program) -> None:
    work = Path(os.environ.get("TMPDIR", "/tmp")) / f"fazt-davfs-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    count = 500 if os.environ.get("FAZT_TEST_LONG") else 60
    source = grow(work / "source", count)
    try:
        with mounted(shared_program, work) as mount:
            shutil.copytree(source, mount / "tree")
            for base in (source, mount / "tree"):
                (base / "d0").rename(base / "renamed ä")
                victim = sorted(path for path in base.rglob("*") if path.is_file())[3]
                with victim.open("ab") as file:
                    file.write(b"appended")
                sorted(path for path in base.rglob("*") if path.is_file())[5].unlink()
                shutil.rmtree(base / "d1")
            assert sums(mount / "tree") == sums(source)
        expected = sums(source)
        with shared_program.owner() as client:
            for name, expected_sum in expected.items():
                answer = client.get(f"/dav/files/tree/{quote(name)}")
                assert hashlib.sha256(answer.content).hexdigest() == expected_sum, name
    finally:
        shutil.rmtree(work, ignore_errors=True)


@pytest.fixture(scope="module")
def rclone_conf(shared_program: Program, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Remotes `owncloud` and `nextcloud` (which sends large files in pieces)."""
    conf = tmp_path_factory.mktemp("rclone") / "rclone.conf"
    secret = run("rclone", "obscure", OWNER_PASSWORD).strip()
    text = ""
    for vendor, path in (("owncloud", "/dav/files"), ("nextcloud", "/dav/files/nc")):
        text += f"[{vendor}]\ntype = webdav\nurl = {shared_program.url}{path}\nvendor = {vendor}\n"
        text += f"user = {OWNER_EMAIL}\npass = {secret}\nnextcloud_chunk_size = 1Mi\n\n"
    conf.write_text(text)
    with shared_program.owner() as client:
        client.request("MKCOL", "/dav/files/nc")
    return str(conf)


@pytest.mark.parametrize("rclone", RCLONES, ids=["debian", "newest"])
@pytest.mark.parametrize("vendor", ["owncloud", "nextcloud"])
def test_rclone_copies_checks_and_keeps_times(rclone_conf: str, tmp_path: Path, vendor: str, rclone: str) -> None:
    source = grow(tmp_path / "source", 12)
    large = source / "large.bin"
    large.write_bytes(random.Random(1).randbytes(2_500_000))
    os.utime(large, (1_500_000_000, 1_500_000_000))
    there = f"{vendor}:rclone"
    run(rclone, "copy", source, there, RCLONE_CONFIG=rclone_conf)
    said = run(rclone, "check", source, there, RCLONE_CONFIG=rclone_conf)
    assert "0 differences found" in said
    assert "could not be checked" not in said
    assert "2017-07-14 02:40:00.000000000 large.bin" in run(rclone, "lsl", there, RCLONE_CONFIG=rclone_conf, TZ="UTC")
    assert run(rclone, "copy", "-v", source, there, RCLONE_CONFIG=rclone_conf).count("Copied") == 0
    run(rclone, "moveto", f"{there}/large.bin", f"{there}/moved.bin", RCLONE_CONFIG=rclone_conf)
    assert "2017-07-14" in run(rclone, "lsl", f"{there}/moved.bin", RCLONE_CONFIG=rclone_conf)
    run(rclone, "purge", there, RCLONE_CONFIG=rclone_conf)


@pytest.mark.parametrize("rclone", RCLONES, ids=["debian", "newest"])
def test_rclone_bisync(rclone_conf: str, tmp_path: Path, rclone: str) -> None:
    one, work = tmp_path / "one", tmp_path / "state"
    one.mkdir()
    (one / "first.txt").write_text("first")
    there = f"owncloud:bisync{RCLONES.index(rclone)}"
    run(rclone, "mkdir", there, RCLONE_CONFIG=rclone_conf)
    sync: list[str | Path] = [rclone, "bisync", one, there, "--workdir", work]
    run(*sync, "--resync", RCLONE_CONFIG=rclone_conf)
    (one / "here.txt").write_text("here")
    run(rclone, "rcat", f"{there}/there.txt", text="there", RCLONE_CONFIG=rclone_conf)
    run(*sync, RCLONE_CONFIG=rclone_conf)
    assert (one / "there.txt").read_text() == "there"
    assert run(rclone, "cat", f"{there}/here.txt", RCLONE_CONFIG=rclone_conf) == "here"


def test_cadaver(shared_program: Program, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(f'machine 127.0.0.1 login {OWNER_EMAIL} password "{OWNER_PASSWORD}"\n')
    (tmp_path / ".netrc").chmod(0o600)
    (tmp_path / "local.txt").write_text("from cadaver")
    steps = [
        "mkcol cadaver",
        "cd cadaver",
        f"put {tmp_path}/local.txt",
        "copy local.txt two.txt",
        "move two.txt three.txt",
        "lock three.txt",
        "discover three.txt",
        "unlock three.txt",
        "propset three.txt colour blue",
        "propget three.txt colour",
        "delete local.txt",
        f"get three.txt {tmp_path}/back.txt",
        "quit",
    ]
    said = run("cadaver", f"{shared_program.url}/dav/files/", text="\n".join(steps), HOME=str(tmp_path))
    assert "failed" not in said
    assert "Scope: exclusive  Type: write  Timeout: 3600 seconds" in said
    assert "Value of colour is: blue" in said
    assert (tmp_path / "back.txt").read_text() == "from cadaver"


def test_webdav4(shared_program: Program) -> None:
    client = Webdav4(f"{shared_program.url}/dav/files/", auth=(OWNER_EMAIL, OWNER_PASSWORD))
    client.mkdir("w4")
    client.upload_fileobj(io.BytesIO(b"x" * 200_000), "w4/a.txt")
    assert [entry["name"] for entry in client.ls("w4")] == ["w4/a.txt"]
    assert client.info("w4")["type"] == "directory"
    client.copy("w4/a.txt", "w4/b.txt")
    client.move("w4/b.txt", "w4/c.txt")
    assert (client.exists("w4/b.txt"), client.content_length("w4/c.txt")) == (False, 200_000)
    with client.open("w4/c.txt", mode="rb") as file:
        file.seek(199_990)
        assert file.read() == b"x" * 10
    client.remove("w4")
    client.http.close()


def test_the_npm_package(shared_program: Program) -> None:
    script = HERE / "drive_client.mjs"
    assert run("node", script, f"{shared_program.url}/dav/files/", OWNER_EMAIL, OWNER_PASSWORD).strip() == "ok"
