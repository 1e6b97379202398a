"""What is remembered of lists that strangers ask for is small."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest

from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import Rules, Settings
from fazt.apps.textdb.routes.lists import parse_plain
from fazt.apps.textdb.store.collections import configure
from fazt.core.config import read_config
from fazt.serve import running

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")


async def test_a_list_with_a_long_query_is_answered_and_not_remembered(template_file: Path, tmp_path: Path) -> None:
    shutil.copy(template_file, tmp_path / "data.db")
    environment = {"FAZT_DATA": str(tmp_path / "data.db"), "FAZT_LISTEN": "127.0.0.1:0"}
    async with running(read_config({}, environment)) as program:
        await program.core.db.write(configure, "open", Settings(rules=Rules(read="public")), now=1)
        assert program.address is not None
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{program.address.port}") as client:
            kept = 0, 0
            for size in (10, 10, 3_000):
                answer = await client.get("/db/open", params={"a": "x" * size})
                assert (answer.status_code, answer.text, answer.headers["x-total-count"]) == (200, "[]", "0")
                if size == 10:
                    kept = parse_plain.cache_info().currsize, len(textdb_of(program.core)._totals)
            assert kept == (parse_plain.cache_info().currsize, len(textdb_of(program.core)._totals))
            assert min(kept) >= 1
