"""A machine with fazt as a Python package: an index on loopback, wheels, and an environment of pip, pipx or uv."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.apps.upgrade import kill_at
from tests.apps.upgrade.trees import make_tree
from tests.conftest import LONG
from tests.e2e.upgrade_scene import OLD, Scene

BAD_MIGRATION = 'raise RuntimeError("this step is broken")\n'
METADATA = "Metadata-Version: 2.1\nName: fazt\nVersion: {version}\nProvides-Extra: more\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
COMMANDS = "[console_scripts]\nfazt = fazt.__main__:main\n"
LATE = """\
import sys
from fazt.cli import cli
late, switching = [], False
def hear(event, arguments):
    global switching
    if event == "os.rename" and str(arguments[1]).endswith("upgrade.json"):
        state = open(arguments[0]).read()
        switching = switching or '"switching"' in state or '"going back"' in state
    elif event == "import" and switching:
        late.append(arguments[0])
sys.addaudithook(hear)
try:
    cli(sys.argv[1:])
finally:
    sys.stderr.write(f"\\nheard: {switching}, late: {' '.join(late)}\\n")
"""


def make_wheel(folder: Path, version: str, *, trouble: str = "", migration: str = "", **how: Any) -> Path:
    """The source as it is, as a wheel of some version, whose libraries are those of the tests' environment."""
    built = folder / f"wheel-{version}"
    package = make_tree(built, version, **how) / "_internal" / "fazt"
    if trouble:
        main = package / "__main__.py"
        text = main.read_text()
        main.unlink()  # it is a second name of the source
        main.write_text(f"{text}\nimport sys\n{trouble}\n")
    if migration:
        (package / "migrations" / "versions" / "9999_later.py").write_text(migration)
    about = f"fazt-{version}.dist-info"
    files = {
        f"{about}/METADATA": METADATA.format(version=version),
        f"{about}/WHEEL": WHEEL,
        f"{about}/entry_points.txt": COMMANDS,
        "fazt_libraries.pth": sysconfig.get_path("purelib") + "\n",
    }
    target = folder / f"fazt-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as wheel:
        for path in sorted(package.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                wheel.write(path, str(path.relative_to(package.parent)))
        for name, content in files.items():
            wheel.writestr(name, content)
        names = [*wheel.namelist(), f"{about}/RECORD"]
        wheel.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in names))
    shutil.rmtree(built)
    return target


def make_index(folder: Path, wheels: list[Path]) -> None:
    """`simple/fazt/`, as PEP 503 has it; wheels that are not given are in it no more."""
    page = folder / "simple" / "fazt"
    shutil.rmtree(page, ignore_errors=True)
    page.mkdir(parents=True)
    for wheel in wheels:
        os.link(wheel, page / wheel.name)


class PackageScene(Scene):
    """Like Scene, installed by `way`. `tools` is where pipx and uv lie."""

    def __init__(
        self, folder: Path, template: Path, releases_url: str, *, way: str, index: str, tools: Path | None = None
    ) -> None:
        super().__init__(folder, template, releases_url, wait_s=10)
        self.way, self.index, self.tools = way, index, tools
        self.tool_home = folder / "home" / "tools"

    def environ(self) -> dict[str, str]:
        """Of commands: the index, and nothing of this machine's own configuration."""
        kept = {name: value for name, value in super().environ().items() if not name.startswith(("PIP", "UV_"))}
        path = f"{self.tools}:{os.environ['PATH']}" if self.tools else os.environ["PATH"]
        pip = {"PIP_INDEX_URL": self.index, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        uv = {"UV_DEFAULT_INDEX": self.index, "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
        home = str(self.folder / "home")
        return {**kept, **pip, **uv, "PATH": path, "HOME": home, "PIP_NO_CACHE_DIR": "1", "NO_PROXY": "127.0.0.1"}

    @property
    def prefix(self) -> Path:
        """The environment."""
        return {
            "pip": self.folder / "venv",
            "uv pip": self.folder / "venv",
            "pipx": self.tool_home / "venvs" / "fazt",
            "uv": self.tool_home / "fazt",
        }[self.way]

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.prefix / "bin" / "python"

    def install(self) -> None:
        """The old version, as its installer puts it there; the folders are not those that it would take by itself."""
        (self.folder / "home").mkdir()
        base = getattr(sys, "_base_executable", sys.executable)
        binaries, wanted = self.folder / "home" / "bin", f"fazt[more]=={OLD}"
        places = {
            "PIPX_HOME": str(self.tool_home),
            "PIPX_BIN_DIR": str(binaries),
            "UV_TOOL_DIR": str(self.tool_home),
            "UV_TOOL_BIN_DIR": str(binaries),
        }
        python, venv, command = str(self.python), [base, "-m", "venv", str(self.prefix)], self.prefix / "bin" / "fazt"
        bare = [*venv, "--without-pip"]  # the quick form takes pip from the tests' environment, like the libraries
        steps: dict[str, list[list[str]]] = {
            "pip": [venv, [python, "-m", "pip", "install", "-q", wanted]]
            if LONG
            else [bare, [sys.executable, "-m", "pip", "--python", python, "install", "-q", wanted]],
            "uv pip": [bare, ["uv", "pip", "install", "--python", python, wanted]],
            "pipx": [["pipx", "install", "--python", base, wanted]],
            "uv": [["uv", "tool", "install", "--python", base, wanted]],
        }
        for step in steps[self.way]:
            done = subprocess.run(
                step, env={**self.environ(), **places}, capture_output=True, text=True, check=False, cwd=self.folder
            )
            assert done.returncode == 0, done.stderr
        if self.way in {"pipx", "uv"}:
            command = binaries / "fazt"
        (self.root / "current").mkdir(parents=True)
        (self.root / "current" / "fazt").symlink_to(command)

    def in_place(self) -> str:
        """See Scene."""
        done = subprocess.run([self.python, "-m", "fazt", "--version"], capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]

    @property
    def records(self) -> Path:
        """Where the journal lies."""
        if self.way in {"pipx", "uv"}:
            return self.prefix.parent / ".fazt-upgrade.json"
        return self.prefix / "fazt-upgrade.json"

    def journal(self) -> dict[str, Any]:
        """See Scene."""
        found: dict[str, Any] = {}
        with suppress(FileNotFoundError):
            found = json.loads(self.records.read_text())
        return found

    def run_python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The environment's Python."""
        return subprocess.run(
            [str(self.python), *words], env=self.environ(), capture_output=True, text=True, check=False, timeout=300
        )

    def upgrade_killed(self, when: int | str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """See Scene."""
        return self.run_python(kill_at.__file__, str(when), "/", *self.command(*arguments))

    def upgrade_watched(self, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """The same, and what of other libraries was imported after the installer was about to begin."""
        done = self.run_python("-c", LATE, *self.command(*arguments))
        assert "heard: True" in done.stderr, done.stderr
        late = done.stderr.rpartition("late:")[2].split()
        return done, [name for name in late if name.partition(".")[0] not in sys.stdlib_module_names]
