"""fazt as a Python package, in an environment that pip, pipx or uv looks after: each is asked in its own way."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fazt.apps.upgrade.engine.running import clean_environ, run_program
from fazt.apps.upgrade.engine.unpacking import world_readable
from fazt.apps.upgrade.model import Way
from fazt.core.errors import FaztError, Unavailable

INSTALL_S = 900.0
VERSION_S = 60.0
RECEIPT = "uv-receipt.toml"
TRIAL = "fazt-trial"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What uv has noted of a tool: what was asked for beside fazt itself, and where its command lies."""

    extras: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    python: str = ""
    commands: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """A package in an environment. `is_tool` says that the environment is fazt's own, and may be made anew.

    The receipt is read before anything is changed: an environment that is made anew has none for a moment.
    """

    way: Way
    prefix: Path
    is_tool: bool = False
    receipt: Receipt = field(default_factory=Receipt)

    @property
    def journal(self) -> Path:
        """See Place."""
        return self.beside("upgrade.json")

    @property
    def kept(self) -> Path:
        """See Place."""
        return self.beside("upgraded.json")

    @property
    def lock(self) -> Path:
        """See Place."""
        return self.beside("upgrade.lock")

    def beside(self, name: str) -> Path:
        """A file that outlives the environment where its installer makes that anew.

        Never beside the data: root runs what the journal says, so the service's user must not write it.
        """
        if self.is_tool:
            return self.prefix.parent / f".{self.prefix.name}-{name}"
        return self.prefix / f"fazt-{name}"

    @property
    def has_both(self) -> bool:
        """See Place."""
        return False

    def current(self) -> str:
        """See Place. Empty where the environment is broken."""
        try:
            said = run_program([*self.program(""), "--version"], timeout_s=VERSION_S).stdout.split()
        except FaztError:
            return ""
        return said[-1] if said else ""

    def program(self, version: str) -> tuple[str, ...]:
        """See Place. There is only ever one."""
        _ = version
        return (sys.executable, "-m", "fazt")

    def command(self, version: str) -> tuple[str, ...]:
        """How those who installed it would change it."""
        wanted = self.name_wanted(version)
        if self.way == "uv" and self.is_tool:
            also = [word for one in self.receipt.also for word in ("--with", one)]
            python = ("--python", self.receipt.python) if self.receipt.python else ()
            return ("uv", "tool", "install", "--force", *python, *also, wanted)
        return (*self.installer(), "--upgrade", wanted)

    def installer(self) -> tuple[str, ...]:
        """What installs into this very environment, or into a folder for it."""
        if self.way == "pipx":
            return ("pipx", "runpip", self.prefix.name, "install")
        if self.way == "uv":
            return ("uv", "pip", "install", "--python", sys.executable)
        return (sys.executable, "-m", "pip", "install", "--disable-pip-version-check")

    def name_wanted(self, version: str) -> str:
        """The package, with the extras that it was installed with where that is known."""
        extras = f"[{','.join(self.receipt.extras)}]" if self.receipt.extras else ""
        return f"fazt{extras}=={version}"

    def environ(self) -> dict[str, str]:
        """Where pipx and uv find this environment, though it may lie where they would not look by themselves."""
        if not self.is_tool:
            return clean_environ()
        if self.way == "pipx":
            return clean_environ(PIPX_HOME=str(self.prefix.parent.parent))
        commands = {"UV_TOOL_BIN_DIR": self.receipt.commands} if self.receipt.commands else {}
        return clean_environ(UV_TOOL_DIR=str(self.prefix.parent), **commands)

    @contextmanager
    def trying(self, version: str) -> Iterator[tuple[str, ...]]:
        """See Place. It is installed into a folder of its own, with all that it needs, and leaves this one alone."""
        folder = self.prefix / TRIAL
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with world_readable():
                command = (*self.installer(), "--target", str(folder), self.name_wanted(version))
                run_program(command, timeout_s=INSTALL_S, environ=self.environ())
            yield ("env", f"PYTHONPATH={folder}", *self.program(version))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def switch(self, version: str) -> None:
        """See Place. Raises Unavailable with what the installer said."""
        if self.current() == version:
            return
        with world_readable():
            run_program(self.command(version), timeout_s=INSTALL_S, environ=self.environ())
        found = self.current()
        if found != version:
            what = f"fazt {found} is in place" if found else "no fazt runs there"
            raise Unavailable(f"`{' '.join(self.command(version))}` has ended well, but {what}.")

    def sweep(self, keep: set[str]) -> None:
        """See Place. Installers do that themselves."""

    def drop(self, version: str) -> None:
        """See Place. Installers do that themselves; what a trial left that was cut off goes."""
        _ = version
        shutil.rmtree(self.prefix / TRIAL, ignore_errors=True)


def find_package(way: Way, prefix: Path) -> Package:
    """The package in an environment, as its installer has left it."""
    receipt = prefix / RECEIPT
    if way == "uv" and receipt.exists():
        return Package(way, prefix, is_tool=True, receipt=read_receipt(receipt))
    return Package(way, prefix, is_tool=way == "pipx")


def read_receipt(path: Path) -> Receipt:
    """As much of it as can be understood: it is another program's file."""
    try:
        tool = tomllib.loads(path.read_text())["tool"]
        requirements = [one for one in tool.get("requirements", []) if isinstance(one, dict)]
        own = next((one for one in requirements if one.get("name") == "fazt"), {})
        also = tuple(name_requirement(one) for one in requirements if one.get("name") not in {"fazt", None})
        places = [one["install-path"] for one in tool.get("entrypoints", []) if one.get("name") == "fazt"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Receipt()
    commands = str(Path(places[0]).parent) if places else ""
    return Receipt(tuple(own.get("extras", [])), also, str(tool.get("python", "")), commands)


def name_requirement(found: dict[str, Any]) -> str:
    """A requirement as it is written on a command line."""
    extras = f"[{','.join(found['extras'])}]" if found.get("extras") else ""
    return f"{found['name']}{extras}{found.get('specifier', '')}"
