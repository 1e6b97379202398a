"""What Litestream has copied away: which epochs there are, and one of them back as a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import msgspec

from fazt.apps.backup.engine.place import Keys, open_bucket, translated
from fazt.apps.backup.wire import Replication, choose_ended, choose_epoch, make_config, split_url
from fazt.core.clock import to_iso
from fazt.core.errors import Invalid, Unavailable

INSTALL = "pip install 'fazt[litestream]', or put litestream on the PATH, or its path into FAZT_LITESTREAM."


def chosen_litestream() -> str:
    """What FAZT_LITESTREAM says. No setting: who may change those in a browser may not name programs to run."""
    return os.environ.get("FAZT_LITESTREAM", "")


def find_litestream(chosen: str = "") -> Path:
    """The program. Raises Unavailable, saying how to get it."""
    beside = Path(sys.executable).parent / "litestream"
    found = chosen or shutil.which("litestream") or (str(beside) if beside.exists() else "")
    if not found or not Path(found).is_file():
        raise Unavailable("Litestream is not installed.", hint=INSTALL)
    return Path(found)


def make_environment(keys: Keys, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of Litestream: the keys to S3, and nothing that is fazt's own.

    0.5.17 refuses to start where AWS_CA_BUNDLE is set.
    """
    passed = {
        name: value for name, value in environ.items() if not name.startswith("FAZT_") and name != "AWS_CA_BUNDLE"
    }
    if keys.key_id:
        passed |= {"LITESTREAM_ACCESS_KEY_ID": keys.key_id, "LITESTREAM_SECRET_ACCESS_KEY": keys.secret_key}
    return passed


def list_epochs(url: str, keys: Keys) -> list[str]:
    """The names of what lies directly at the replica's URL."""
    import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

    parts = split_url(url)
    if parts.scheme == "s3":
        with translated():
            found = obstore.list_with_delimiter(open_bucket(parts.netloc, unquote(parts.path).strip("/"), keys))
        return [str(prefix).rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"]]
    folder = Path(unquote(parts.path) if parts.scheme == "file" else url)
    return [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def delete_ended(url: str, keys: Keys, before: int) -> list[str]:
    """Remove what was copied of epochs that were over before a moment (ms); which."""
    import obstore  # noqa: PLC0415 - obstore is large, and only buckets need it

    ended = choose_ended(list_epochs(url, keys), before)
    parts = split_url(url)
    for epoch in ended:
        if parts.scheme == "s3":
            bucket = open_bucket(parts.netloc, f"{unquote(parts.path).strip('/')}/{epoch}".strip("/"), keys)
            with translated():
                for entries in obstore.list(bucket):
                    obstore.delete(bucket, [entry["path"] for entry in entries])
        else:
            shutil.rmtree(Path(unquote(parts.path) if parts.scheme == "file" else url) / epoch)
    return ended


def fetch_replica(
    wanted: Replication, keys: Keys, target: Path, *, at: int | None = None, txid: int = 0, program: str = ""
) -> str:
    """Have Litestream write the replica's file (as it was at `at`, ms, or at a position) to `target`; of which epoch.

    Raises Invalid where there is none of that time, Unavailable where Litestream fails.
    """
    litestream = find_litestream(program)
    epoch = choose_epoch(list_epochs(wanted.url, keys), at)
    config = target.with_name(target.name + ".yml")
    name = str(target.with_name("data.db"))
    config.write_text(make_config(wanted, data=name, meta=str(target) + ".meta", epoch=epoch))
    command = [str(litestream), "restore", "-config", str(config), "-no-expand-env", "-o", str(target), "-force"]
    if at is not None:
        command += ["-timestamp", to_iso(at)]
    if txid:
        command += ["-txid", f"{txid:016x}"]
    try:
        done = subprocess.run([*command, name], env=make_environment(keys), capture_output=True, text=True, check=False)
    finally:
        config.unlink(missing_ok=True)
    if done.returncode or not target.exists():
        said = describe_failure(done.stderr or done.stdout)
        kind = Invalid if "no matching backup" in said or "timestamp" in said else Unavailable
        raise kind(f"Litestream could not restore: {said}")
    return epoch


def describe_failure(output: str) -> str:
    """The last thing that Litestream said."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    if not lines:
        return "it said nothing."
    try:
        told: dict[str, str] = msgspec.json.decode(lines[-1], type=dict[str, str], strict=False)
    except msgspec.MsgspecError:
        return lines[-1][:300]
    return (told.get("error") or told.get("msg") or lines[-1])[:300]
