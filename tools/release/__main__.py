"""`python -m tools.release`: build, try, pack, sum and sign."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fazt import __version__
from fazt.apps.upgrade.model import version_key
from fazt.apps.upgrade.wire import KEYS, verify
from fazt.apps.upgrade.wire.minisign import hash_pieces, parse_signature
from tools.release.build import BUILD, ROOT, build_tree, build_wheel
from tools.release.pack import PIECE_BYTES, new_key, pack_tree, read_key, sign_file, write_key, write_sums
from tools.release.trying import try_tree

NOT_KNOWN = """\
The public key of FAZT_RELEASE_KEY is not in src/fazt/apps/upgrade/wire/keys.pub, so no fazt would take this release.
Add this line there, and commit it:
{key}"""
TRIAL = """\
Signed with a key of this folder's own ({path}), which this build alone trusts: good for trying, not for others.
For a real release let FAZT_RELEASE_KEY name the secret key; `python -m tools.release --new-key PATH` makes one."""


def main(words: list[str]) -> int:
    """0 when the release lies in its folder, tried and signed."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--version", default=__version__, help="stamp this version, for trials")
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="where the release goes (dist/)")
    parser.add_argument("--new-key", type=Path, metavar="PATH", help="only make a secret key")
    options = parser.parse_args(words)
    if options.new_key:
        key = new_key()
        write_key(options.new_key, key)
        print(f"{options.new_key} is the secret key: keep it off this machine. For keys.pub:\n{key.public}")
        return 0
    return release(options.version, options.into)


def release(version: str, folder: Path) -> int:
    """Build it all."""
    version_key(version)
    key, is_trial = read_key(BUILD)
    if not is_trial and key.public not in KEYS:
        print(NOT_KNOWN.format(key=key.public), file=sys.stderr)
        return 1
    tree = build_tree(version, [key.public] if is_trial else [])
    archive = pack_tree(tree, version, folder)
    try_tree(archive, version)
    wheel = build_wheel(folder)
    sums = write_sums(folder, [archive.name, wheel.name])
    for path in (archive, wheel, sums):
        made = sign_file(path, version, key)
        with path.open("rb") as file:
            digest = hash_pieces(iter(lambda: file.read(PIECE_BYTES), b""))
        verify(parse_signature(made.read_text()), digest, [key.public])
        print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}  {path.stat().st_size / 1e6:.1f} MB")
    print(f"public key: {key.public}")
    if is_trial:
        print(TRIAL.format(path=BUILD / "trial.key"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
