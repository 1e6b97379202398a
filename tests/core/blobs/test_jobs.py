"""The sweep, as the program runs it."""

from pathlib import Path

import pytest

from fazt.core.blobs import JOBS, open_blobs, stat
from fazt.core.blobs.engine.objects import ObjectBlobs
from fazt.core.clock import MINUTE, system_clock
from fazt.core.config import Config
from fazt.core.errors import Invalid, NotFound
from fazt.serve import create_core
from tests.core.blobs.conftest import Clock
from tests.core.blobs.test_engine import LARGE, read_all, stream_of


async def test_sweep_goes_by_the_settings(data_file: Path, clock: Clock) -> None:
    core = await create_core(Config(data_file), ())
    core.blobs.clock = clock
    await core.settings.put("blobs.grace_minutes", 30, system_clock())
    blob = await core.blobs.receive(stream_of(LARGE), max_bytes=len(LARGE))
    (sweep,) = JOBS
    clock.now += 29 * MINUTE
    await sweep.run(core, {})
    assert await core.db.read(stat, blob.hash) == blob
    clock.now += MINUTE
    await sweep.run(core, {})
    with pytest.raises(NotFound):
        await core.db.read(stat, blob.hash)
    await core.auth.close()
    await core.db.close()


async def test_object_storage_is_opened_by_its_url(data_file: Path, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "objects").mkdir()
    core = await create_core(Config(data_file), ())
    blobs = open_blobs(core.db, clock, (tmp_path / "objects").as_uri())
    assert isinstance(blobs, ObjectBlobs)
    blob = await blobs.receive(stream_of(LARGE), max_bytes=len(LARGE))
    assert sum(path.stat().st_size for path in (tmp_path / "objects").rglob("*") if path.is_file()) == len(LARGE)
    assert await read_all(blobs, blob.hash) == LARGE
    with pytest.raises(Invalid, match="object_store"):
        open_blobs(core.db, clock, "nonsense://x")
    await core.auth.close()
    await core.db.close()
