"""Setting up: the right Python is found, and what only a person can install is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT
from tools.lock import split_entries
from tools.prepare import MARKER, NotReadyError, Package, lock_for, read_packages, run

FAKE = """\
#!/bin/sh
case "$2" in
    *version_info*) exit {old} ;;
    *ensurepip*) exit {bare} ;;
esac
"""


def find_python(folder: Path, *fakes: tuple[str, bool, bool], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run find_python.sh where only these are: name, whether it is too old, whether it lacks ensurepip."""
    for name, old, bare in fakes:
        fake = folder / name
        fake.write_text(FAKE.format(old=int(old), bare=int(bare)))
        fake.chmod(0o755)
    command = ["/bin/sh", str(ROOT / "tools/find_python.sh")]
    env = {"PATH": str(folder), **environ}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("fakes", "found"),
    [
        ([("python3", False, False), ("python3.13", False, False)], "python3"),
        ([("python3", True, False), ("python3.12", False, False)], "python3.12"),
        ([("python3", False, True), ("python3.11", False, False)], "python3.11"),
        ([("python3", True, False), ("python3.11", False, True)], "python3.11"),
        ([("python", False, False)], "python"),
    ],
)
def test_the_first_python_that_will_do_is_found(
    tmp_path: Path, fakes: list[tuple[str, bool, bool]], found: str
) -> None:
    assert find_python(tmp_path, *fakes).stdout.strip() == found


def test_the_python_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    fakes = [("python3", False, False), ("mine", False, False)]
    assert find_python(tmp_path, *fakes, PYTHON="mine").stdout.strip() == "mine"


def test_an_old_python_is_named(tmp_path: Path) -> None:
    done = find_python(tmp_path, ("python3", True, False))
    assert done.stdout.strip() == "false"
    assert "needs Python 3.11 or newer" in done.stderr


def test_packages_are_read_with_their_signs() -> None:
    text = "# all of them\n\ncurl   curl  # speaks HTTP\npostgresql /usr/lib/postgresql/*/bin/initdb psql\n"
    assert read_packages(text) == [
        Package("curl", ("curl",)),
        Package("postgresql", ("/usr/lib/postgresql/*/bin/initdb", "psql")),
    ]


@pytest.mark.parametrize(
    ("signs", "there"),
    [(("sh",), True), (("/bin/s*",), True), (("sh", "no-such-program"), False), (("/no-such/*/path",), False)],
)
def test_signs_are_programs_or_paths(signs: tuple[str, ...], there: bool) -> None:
    assert Package("x", signs).is_there() == there


def test_every_package_has_a_sign() -> None:
    packages = read_packages((ROOT / "tests/packages.txt").read_text())
    assert [package.name for package in packages if not package.signs] == []


def set_up_elsewhere(folder: Path, call: str, **environ: str) -> str:
    """What a function of prepare.py says to a person without apt-get, in a tree of its own."""
    for name in ("tools/__init__.py", "tools/prepare.py", "tests/packages.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "tests/packages.txt").write_text("curl no-such-curl\nfish no-such-fish  # swims\nthere /bin/sh\n")
    code = f"from tools.prepare import *\ntry:\n    {call}\nexcept NotReadyError as error:\n    print(error)"
    env = {**os.environ, "PATH": str(folder), **environ}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def test_missing_packages_are_named_to_who_cannot_install_them(tmp_path: Path) -> None:
    said = set_up_elsewhere(tmp_path, "prepare_packages()")
    assert said == "The tests need these Debian packages: curl fish\nInstall them and try again.\n"


def test_a_python_that_cannot_make_environments_is_named(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/ensurepip.py").write_text("raise ImportError")
    said = set_up_elsewhere(tmp_path, "make_venv()", PYTHONPATH=str(tmp_path / "bare"))
    assert "cannot make a virtual environment with pip in it" in said
    assert f"python3.{sys.version_info.minor}-venv" in said


@pytest.mark.parametrize("command", [("no-such-program", "x"), (sys.executable, "-c", "raise SystemExit(3)")])
def test_a_failing_program_stops_the_setup(command: tuple[str, ...]) -> None:
    with pytest.raises(NotReadyError):
        run(*command)


def test_serving_needs_a_part_of_the_lock() -> None:
    own, everything = split_entries(lock_for("serve")), split_entries(lock_for("test"))
    assert own == everything[: len(own)]
    assert not any(entry.startswith(("pytest==", "mypy==")) for entry in own)
    assert any(entry.startswith("litestar==") for entry in own)
    assert MARKER not in lock_for("serve")
