"""What functions and other apps call."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fazt.apps import APPS
from fazt.core.config import Config
from fazt.core.errors import Forbidden, Invalid, TooLarge
from fazt.serve import create_core


async def test_functions_publish_and_read(data_file: Path) -> None:
    core = await create_core(Config(data=data_file), APPS)
    try:
        caller = await core.auth.local_caller()
        first = await core.call("pubsub.publish", caller, topic="fn/a", data={"x": 1}, key="k", title="T")
        again = await core.call("pubsub.publish", caller, topic="fn/a", data={"x": 1}, key="k")
        assert (again["seq"], again["repeated"]) == (first["seq"], True)
        await core.call("pubsub.publish", caller, topic="fn/b", data="text")
        found = await core.call("pubsub.read", caller, topic="fn/#")
        assert [one["data"] for one in found["messages"]] == [{"x": 1}, "text"]
        assert found["messages"][0]["title"] == "T"
        rest = await core.call("pubsub.read", caller, topic="fn/#", since=first["seq"])
        assert [one["data"] for one in rest["messages"]] == ["text"]
        assert (await core.call("pubsub.read", caller, topic="fn/#", last=1))["messages"] == rest["messages"]
        one = await core.call("pubsub.read", caller, topic="fn/#", limit=1)
        assert (len(one["messages"]), one["seq"]) == (1, first["seq"])
        for wrong in (
            {"topic": "a b"},
            {"topic": "a", "colour": 1, "tags": 3},
            {"topic": "fn/a", "data": "x" * 300_000},
        ):
            with pytest.raises((Invalid, TooLarge)):
                await core.call("pubsub.publish", caller, **wrong)
        narrow = msgspec.structs.replace(caller, scopes=frozenset({"pubsub:read"}))
        with pytest.raises(Forbidden):
            await core.call("pubsub.publish", narrow, topic="fn/a", data=1)
    finally:
        await core.auth.close()
        await core.db.close()
