"""The new version proves itself on a copy of the data: that it starts, migrates, and answers."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
from msgspec import Struct

from fazt import __version__
from fazt.apps.upgrade.engine.data import find_step, owner_of
from fazt.apps.upgrade.engine.running import clean_environ, run_program
from fazt.core.errors import Invalid, Unavailable

VERSION_S = 60.0
PROOF_S = 3_600.0


class Proof(Struct, frozen=True):
    """What came of it: which version it was, and the step of the migrations that it has brought the copy to."""

    version: str
    step: str


def ask_version(program: tuple[str, ...]) -> str:
    """What `--version` says. Raises Unavailable where it says nothing of the kind."""
    said = run_program([*program, "--version"], timeout_s=VERSION_S, environ=clean_environ()).stdout.split()
    if len(said) != 2 or said[0] != "fazt":
        raise Unavailable(f"{program[0]} does not say which version it is.")
    return said[1]


def have_proved(program: tuple[str, ...], version: str, copy: Path, domain: str) -> Proof:
    """Let another version prove itself, as the user of the data.

    Raises Invalid where it is not what it should be, Unavailable where it fails, with what it said.
    """
    serves = ask_version(program)
    if serves != version:
        raise Invalid(f"What was released as fazt {version} says that it is {serves}.", hint="Nothing was changed.")
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
    environ = {name: os.environ[name] for name in kept if name in os.environ} | {"FAZT_DOMAIN": domain}
    command = [*program, "upgrade", "--prove", str(copy), "--json"]
    done = run_program(command, timeout_s=PROOF_S, user=owner_of(copy), environ=environ)
    try:
        proof = msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Proof)
    except (msgspec.MsgspecError, IndexError) as error:
        raise Unavailable(f"fazt {version} did not say how its trial went.") from error
    if proof.version != version:
        raise Invalid(f"What was released as fazt {version} says that it is {proof.version}.")
    return proof


def prove(client: httpx.Client, copy: Path) -> Proof:
    """In the new version: the program runs on the copy, and no visitor, job or event is served. Raises Unavailable."""
    health = client.get("/health")
    if health.status_code != httpx.codes.OK or health.json().get("version") != __version__:
        raise Unavailable(f"fazt {__version__} is not well: {health.text[:200]}")
    check_whole(copy)
    return Proof(__version__, find_step(copy))


def check_whole(path: Path) -> None:
    """Raises Unavailable where SQLite finds the file damaged."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as conn:
        (said,) = conn.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise Unavailable(f"The copy of the data is damaged: {said}.", hint="`fazt backup verify` looks closer.")
