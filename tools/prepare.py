"""Set up what `make serve`, `make check` and `make test` need; quick when it is already there.

Runs on a bare Python 3.11 before anything is installed, so it uses the standard library alone.
Where pip and npm find packages is for their own settings and the environment to say.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
PACKAGES = ROOT / "tests" / "packages.txt"
E2E = ROOT / "tests" / "e2e"
JUDGES = E2E / "judges"
MARKER = "# For tests and benchmarks"
NO_PIP = """\
{python} cannot make a virtual environment with pip in it.
On Debian and Ubuntu install the package {package}; elsewhere install a Python that has ensurepip."""
LAUNCHER = """\
#!{python}
import sys

from fazt.__main__ import main

sys.exit(main())
"""


class NotReadyError(Exception):
    """Something is missing that only the person at the machine can provide."""


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a program to its end, showing what it says. Raises NotReadyError when it fails."""
    try:
        done = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    except FileNotFoundError as error:
        raise NotReadyError(f"{command[0]} is not installed.") from error
    if done.returncode:
        raise NotReadyError(f"This failed: {' '.join(str(part) for part in command)}")


def runs_quietly(*command: str | Path) -> bool:
    """Whether a program ends well; what it says is not shown."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_root_on_debian() -> bool:
    """Whether packages may be installed here without asking."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> None:
    """Install Debian packages, with the list of packages as it is, or fetched anew when that fails."""
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    command = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    try:
        run(*command)
    except NotReadyError:
        run("apt-get", "update", "-q")
        run(*command)


def has_ensurepip() -> bool:
    """Whether this Python can put pip into a virtual environment; Debian's needs a package for it."""
    return runs_quietly(sys.executable, "-c", "import ensurepip")


def make_venv() -> None:
    """Make .venv with pip in it, unless it is there and its Python still runs."""
    python = VENV / "bin" / "python"
    if python.exists() and runs_quietly(python, "-m", "pip", "--version"):
        return
    print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
    if not has_ensurepip():
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not is_root_on_debian():
            raise NotReadyError(NO_PIP.format(python=sys.executable, package=package))
        apt_install(package)
    venv.create(VENV, clear=True, symlinks=True)
    made = subprocess.run([python, "-m", "ensurepip", "--default-pip"], capture_output=True, text=True, check=False)
    if made.returncode:
        raise NotReadyError(f"pip could not be put into .venv:\n{made.stdout}{made.stderr}")


def lock_for(purpose: str) -> str:
    """The part of requirements.lock to install: all of it, or only what the program itself needs."""
    text = LOCK.read_text()
    return text.partition(MARKER)[0] if purpose == "serve" else text


def is_installed(purpose: str) -> bool:
    """Whether .venv holds what requirements.lock names for this purpose."""
    stamp = VENV / f"ready-{purpose}"
    return stamp.exists() and stamp.read_text() == fingerprint(purpose)


def fingerprint(purpose: str) -> str:
    """What .venv was made from."""
    return hashlib.sha256((sys.version + lock_for(purpose)).encode()).hexdigest()


def prepare_python(purpose: str) -> None:
    """Install what requirements.lock names into .venv, and `fazt` beside it, running from src/."""
    if is_installed(purpose):
        return
    make_venv()
    part = VENV / "installing.lock"
    part.write_text(lock_for(purpose))
    print("Installing the Python packages of requirements.lock", flush=True)
    run(VENV / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", part)
    part.unlink()
    for packages in VENV.glob("lib/python3*/site-packages"):
        (packages / "fazt.pth").write_text(f"{ROOT / 'src'}\n")
    launcher = VENV / "bin" / "fazt"
    launcher.write_text(LAUNCHER.format(python=VENV / "bin" / "python"))
    launcher.chmod(0o755)
    for done in {purpose, "serve"}:
        (VENV / f"ready-{done}").write_text(fingerprint(done))


@dataclass(frozen=True)
class Package:
    """A line of tests/packages.txt: Debian's name for it, and programs or paths that show it is there."""

    name: str
    signs: tuple[str, ...]

    def is_there(self) -> bool:
        """Whether all its signs are found, whoever installed them."""
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        return all(
            any(Path("/").glob(sign.lstrip("/"))) if "/" in sign else shutil.which(sign, path=path)
            for sign in self.signs
        )


def read_packages(text: str) -> list[Package]:
    """`name sign…` in each line; `#` begins a remark."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return [Package(words[0], tuple(words[1:])) for words in lines if words]


def prepare_packages() -> None:
    """Install the foreign programs that tests speak to, or name those that are missing."""
    missing = [package.name for package in read_packages(PACKAGES.read_text()) if not package.is_there()]
    if not missing:
        return
    if not is_root_on_debian():
        raise NotReadyError(f"The tests need these Debian packages: {' '.join(missing)}\nInstall them and try again.")
    print(f"Installing Debian packages: {' '.join(missing)}", flush=True)
    apt_install(*missing)
    still = [package.name for package in read_packages(PACKAGES.read_text()) if not package.is_there()]
    if still:
        raise NotReadyError(f"Installed, but their programs are not found: {' '.join(still)}")


def prepare_npm() -> None:
    """Install what tests/e2e/package.json pins into tests/e2e/node_modules."""
    wanted = hashlib.sha256((E2E / "package.json").read_bytes()).hexdigest()
    stamp = E2E / "node_modules" / ".ready"
    if is_stamped(stamp, wanted):
        return
    print("Installing the npm packages of tests/e2e/package.json", flush=True)
    run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", cwd=E2E)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(wanted)


def prepare_joplin() -> None:
    """Install Joplin's terminal app in the versions that tests/e2e/joplin-*/package.json pin; about two minutes.

    Its install scripts are left out: they want a key ring that Linux does not use, and a download. Only SQLite is
    built, once, and copied to the other version.
    """
    folders = sorted(path.parent for path in E2E.glob("joplin-*/package.json"))
    wanted = {folder: hashlib.sha256((folder / "package.json").read_bytes()).hexdigest() for folder in folders}
    missing = [folder for folder in folders if not is_stamped(folder / "node_modules" / ".ready", wanted[folder])]
    if not missing:
        return
    print("Installing Joplin's terminal app and building its SQLite (two minutes)", flush=True)
    command = ("npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(run, *command, cwd=folder) for folder in missing]:
            done.result()
    built: Path | None = None
    for folder in folders:
        binding = folder / "node_modules" / "sqlite3" / "lib" / "binding"
        if not any(binding.glob("*/*.node")):  # an interrupted build leaves the folders, empty
            shutil.rmtree(binding, ignore_errors=True)
            if built is not None:
                shutil.copytree(built, binding)
            else:
                build_sqlite(folder)
        built = binding
        (folder / "node_modules" / ".ready").write_text(wanted[folder])


def build_sqlite(folder: Path) -> None:
    """Build the sqlite3 package there, with the headers that Debian's Node brings where they are."""
    os.environ.setdefault("JOBS", "max")
    if Path("/usr/include/node/node.h").exists():
        os.environ.setdefault("npm_config_nodedir", "/usr")
    run("npm", "rebuild", "sqlite3", "--loglevel=error", cwd=folder)


def is_stamped(stamp: Path, wanted: str) -> bool:
    """Whether a finished installation has left this mark."""
    return stamp.exists() and stamp.read_text() == wanted


def prepare_judges() -> None:
    """Give each Python program of tests/e2e/judges that cannot share our packages an environment of its own."""
    for lock in sorted(JUDGES.glob("*.lock")):
        home = ROOT / ".cache" / "judges" / lock.stem
        stamp, wanted = home / "ready", hashlib.sha256((sys.version + lock.read_text()).encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"Installing {lock.stem}", flush=True)
        venv.create(home, clear=True, symlinks=True)
        pip = (VENV / "bin" / "python", "-m", "pip", "--python", home / "bin" / "python")
        run(*pip, "install", "-q", "--require-hashes", "--no-deps", "-r", lock)
        stamp.write_text(wanted)


def compile_source() -> None:
    """Keep the compiled form of src/ beside it, also where Python is told not to: starting takes a third less time."""
    run(VENV / "bin" / "python", "-m", "compileall", "-q", ROOT / "src")


def prepare_test() -> None:
    """All that tests need: Python packages while those of Debian and npm come; one waits, the other works."""
    if not is_installed("test"):
        make_venv()  # first, as it may want a Debian package, too
    with ThreadPoolExecutor() as pool:
        of_python = pool.submit(prepare_python, "test")
        prepare_packages()
        prepare_npm()
        prepare_joplin()
        of_python.result()
    compile_source()
    prepare_judges()


def main(purpose: str) -> int:
    """`serve`, `check` or `test`: 0 when everything is there."""
    try:
        if purpose == "test":
            prepare_test()
        else:
            prepare_python("serve" if purpose == "serve" else "test")
            compile_source()
    except NotReadyError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
