"""What functions may call, with the parts of core and no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from fazt.apps import APPS
from fazt.core.auth import Caller
from fazt.core.config import Config
from fazt.core.errors import Forbidden, Invalid, NotFound
from fazt.serve import create_core

ANA = Caller("ana", role="member", scopes=frozenset({"drops:rw"}))
BO = Caller("bo", role="member", scopes=frozenset({"drops:read"}))


async def test_functions_share_list_and_delete(data_file: Path) -> None:
    core = await create_core(Config(data=data_file), APPS)
    try:
        files = {"a.txt": "h\u00e9llo", "b/c.md": "# Hi"}
        made = await core.call("drops.share", ANA, files=files, title="Two", lifetime_s=3600)
        assert made["url"].endswith(f"/d/{made['id']}")
        coded = await core.call("drops.share", ANA, files={"x": "AAE="}, encoding="base64")
        listed = await core.call("drops.list", ANA)
        assert [(one["id"], one["files"], one["size"]) for one in listed] == [(coded["id"], 1, 2), (made["id"], 2, 10)]
        assert await core.call("drops.list", BO) == []
        with pytest.raises(Forbidden):
            await core.call("drops.delete", BO, id=made["id"])
        await core.call("drops.delete", ANA, id=made["id"])
        with pytest.raises(NotFound):
            await core.call("drops.delete", ANA, id=made["id"])
        for wrong in ({}, {"x": 1}):
            with pytest.raises(Invalid):
                await core.call("drops.share", ANA, files=wrong)
        with pytest.raises(Invalid):
            await core.call("drops.share", ANA, files={"x": "!"}, encoding="base64")
    finally:
        await core.db.close()
        await core.auth.close()
