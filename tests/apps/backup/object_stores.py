"""Real S3 servers on loopback: moto, SeaweedFS and rclone."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import obstore
from obstore.store import S3Store

from tests.program import wait_until

BIN = Path(sys.executable).parent
ENVIRON = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


def free_port(highest: int = 65_535) -> int:
    """A port of loopback that nobody has."""
    while True:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port: int = found.getsockname()[1]
        if port <= highest:
            return port


def command_of(kind: str, port: int, folder: Path) -> list[str]:
    """How the server is started."""
    if kind == "moto":
        return [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    if kind == "rclone":
        return [str(BIN / "rclone"), "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}"]
    ports = [f"-{name}.port={free_port(50_000)}" for name in ("master", "volume", "filer")]
    options = ["-ip=127.0.0.1", f"-dir={folder}", "-filer", "-s3", f"-s3.port={port}", "-master.volumeSizeLimitMB=64"]
    return [str(BIN / "weed"), "server", *options, *ports, "-volume.max=20"]


@contextmanager
def object_store(kind: str, folder: Path) -> Iterator[str]:
    """The address of a running server that has a bucket `cloud`."""
    port = free_port(50_000)
    folder.mkdir()
    with (folder.parent / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(command_of(kind, port, folder), stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: makes_bucket(url), 60, f"a bucket of {kind}")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def makes_bucket(url: str) -> bool:
    """Whether there is a bucket now that takes a file."""
    try:
        httpx.put(f"{url}/cloud", timeout=5)
        store = S3Store(
            "cloud",
            endpoint=url,
            access_key_id="key",
            secret_access_key="secret",
            region="us-east-1",
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0},
        )
        obstore.put(store, "probe", b"x")
    except (httpx.HTTPError, obstore.exceptions.BaseError, OSError):
        return False
    return True
