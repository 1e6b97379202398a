"""Foreign tus clients through a network that breaks. 6 MB by default, 500 MB with FAZT_TEST_LONG."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.apps.drops.flaky import FlakyProxy
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

FOLDER = Path(__file__).parent
IS_LONG = "FAZT_TEST_LONG" in os.environ
SIZE = 500_000_000 if IS_LONG else 6_000_000
BASIC = f"Basic {base64.b64encode(f'{OWNER_EMAIL}:{OWNER_PASSWORD}'.encode()).decode()}"
TIMEOUT_S = 900


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A file of random bytes, and their SHA-256."""
    chance, path, hasher = random.Random(5), tmp_path_factory.mktemp("tus") / "large.bin", hashlib.sha256()
    with path.open("wb") as opened:
        for at in range(0, SIZE, 1_000_000):
            piece = chance.randbytes(min(1_000_000, SIZE - at))
            opened.write(piece)
            hasher.update(piece)
    return path, hasher.hexdigest()


def fetch_sum(program: Program, url: str) -> str:
    """The SHA-256 of what is at a drop."""
    hasher = hashlib.sha256()
    with httpx.stream("GET", program.url + urlsplit(url).path, timeout=60) as answer:
        for piece in answer.iter_raw():
            hasher.update(piece)
    return hasher.hexdigest()


def rough(program: Program, seed: int) -> FlakyProxy:
    """A connection carries a twentieth of the file, more or less."""
    return FlakyProxy(program.port, seed, SIZE // 60, SIZE // 10)


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("parallel", [1, 3])
def test_tus_js_client(shared_program: Program, file: tuple[Path, str], parallel: int) -> None:
    path, expected = file
    with rough(shared_program, parallel) as proxy:
        command = ["node", "drops_tus.mjs", f"{proxy.url}/d/tus", str(path), BASIC, str(parallel)]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stderr
        assert proxy.cuts >= 3
    assert fetch_sum(shared_program, done.stdout.strip()) == expected


# tuspy leaves files open, so it runs in a process of its own.
TUSPY = """
import sys
from tusclient.client import TusClient
endpoint, path, authorization, chunk, checksum = sys.argv[1:]
client = TusClient(endpoint, headers={"authorization": authorization})
options = {"chunk_size": int(chunk), "retries": 400, "retry_delay": 0, "upload_checksum": checksum == "yes"}
sender = client.uploader(path, metadata={"filename": "from tuspy.bin"}, **options)
sender.upload()
print(sender.url)
"""


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("checksum", ["no", "yes"])
def test_tuspy(shared_program: Program, file: tuple[Path, str], checksum: str) -> None:
    path, expected = file
    with rough(shared_program, 9) as proxy:
        command = [sys.executable, "-c", TUSPY, f"{proxy.url}/d/tus", str(path), BASIC, str(SIZE // 20), checksum]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stderr
        assert proxy.cuts >= 3
    location = httpx.get(shared_program.url + urlsplit(done.stdout.strip()).path).headers["location"]
    assert fetch_sum(shared_program, location) == expected
