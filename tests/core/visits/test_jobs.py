"""Summing and forgetting, as the program runs them."""

from pathlib import Path

from fazt.core.clock import DAY, system_clock
from fazt.core.config import Config
from fazt.core.visits import JOBS, Visit, store
from fazt.serve import create_core
from tests.core.visits.test_engine import count


async def test_jobs_sum_and_forget(data_file: Path) -> None:
    core = await create_core(Config(data_file), ())
    now = system_clock()
    await core.settings.put("visits.keep_days", 10, now)
    for at in (now - 20 * DAY, now):
        await core.visits.record_now(Visit("site", "blog", user_agent="curl/8", at=at))
    roll_up, prune = JOBS
    await roll_up.run(core, {})
    assert await core.db.read(store.find_mark) == 2
    await prune.run(core, {})
    assert await core.db.read(count) == 1
    await core.auth.close()
    await core.db.close()
