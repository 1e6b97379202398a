"""Write requirements.lock: exact versions and hashes, what the program needs first, then tests and benchmarks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.prepare import LOCK, MARKER, ROOT

HEADER = """\
# Written by `make lock` from pyproject.toml. What fazt itself needs:
"""
OPTIONS = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--universal", "--no-annotate", "--quiet")


def compile_lock(output: Path, *options: str) -> str:
    """Have uv choose versions into `output`, keeping those that it holds where they still fit."""
    uv = (sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *OPTIONS)
    subprocess.run([*uv, *options, "-o", str(output)], cwd=ROOT, check=True)
    return output.read_text()


def split_entries(text: str) -> list[str]:
    """One text for each package: its line and those of its hashes."""
    entries: list[str] = []
    for line in text.splitlines(keepends=True):
        if line[0] in " \t" and entries:
            entries[-1] += line
        elif not line.startswith("#"):
            entries.append(line)
    return entries


def name_of(entry: str) -> str:
    """The package's name."""
    return entry.partition("==")[0]


def main(options: list[str]) -> None:
    """Both parts; the second holds to the versions of the first."""
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "uv"], check=True)
    work = ROOT / ".cache" / "lock"
    work.mkdir(parents=True, exist_ok=True)
    entries = split_entries(LOCK.read_text() if LOCK.exists() else "")
    for name in ("all.txt", "own.txt"):
        (work / name).write_text("".join(entries))
    everything = split_entries(compile_lock(work / "all.txt", "--all-extras", *options))
    (work / "own.txt").write_text("".join(everything))
    names = {name_of(entry) for entry in split_entries(compile_lock(work / "own.txt"))}
    own = [entry for entry in everything if name_of(entry) in names]
    rest = [entry for entry in everything if name_of(entry) not in names]
    LOCK.write_text(HEADER + "".join(own) + f"\n{MARKER}:\n" + "".join(rest))
    print(f"requirements.lock: {len(own)} packages, and {len(rest)} for tests and benchmarks")


if __name__ == "__main__":
    main(sys.argv[1:])
