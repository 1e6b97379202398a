"""A disk that is really full, under the whole program: a small file system in a mount namespace of its own."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import httpx
import pytest

from tests.program import Program, wait_until

MOUNT_AND_RUN = 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"'


def pack(name: str, data: bytes) -> bytes:
    """A tar.gz with an index.html and one more file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
        for path, content in (("index.html", b"<h1>Here</h1>"), (name, data)):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def deploy(client: httpx.Client, site: str, size: int) -> httpx.Response:
    """Put a site with one file of random bytes."""
    return client.put(
        f"/api/v1/sites/{site}",
        content=pack("data.bin", os.urandom(size)),
        headers={"content-type": "application/gzip"},
    )


@pytest.mark.slow
def test_a_full_disk_is_said_loses_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    program = Program(tmp_path)
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    program.prefix = ["unshare", *flags, "sh", "-c", MOUNT_AND_RUN, str(tmp_path)]
    with program, program.owner() as client:
        assert deploy(client, "kept", 1_000_000).status_code in {200, 201}
        for _ in range(3):
            refused = deploy(client, "big", 90_000_000)
            assert refused.status_code == 507, refused.text
            assert "full" in refused.json()["detail"]
        assert client.get("/health").status_code == 200
        with program.client(headers={"host": "kept.localhost"}) as visitor:
            assert len(visitor.get("/data.bin").content) == 1_000_000
        assert [site["name"] for site in client.get("/api/v1/sites").json()] == ["kept"]
        wait_until(lambda: deploy(client, "small", 500_000).status_code in {200, 201}, 20, "room for a small site")
