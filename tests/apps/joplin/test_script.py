"""What functions of sites read and write, and what they are told."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fazt.apps import APPS
from fazt.apps.joplin import actions
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.config import Config
from fazt.core.errors import Forbidden, NotFound
from fazt.core.events import Event
from fazt.serve import create_core
from tests.apps.joplin.making import PIXEL, folder, hexid, note, note_tag, resource, tag
from tests.program import wait_until


@pytest.fixture
async def core(data_file: Path) -> AsyncIterator[Core]:
    """The parts of the program in this process, without a door."""
    core = await create_core(Config(data=data_file), APPS)
    await core.auth.create_owner("owner@example.org", "correct horse battery", core.clock())
    yield core
    await core.auth.close()
    await core.db.close()


async def test_a_site_is_built_from_a_notebook(core: Core) -> None:
    owner = await core.auth.local_caller()
    items = {
        "info.json": b"{}",
        f"{hexid(1)}.md": folder(1, "Blog"),
        f"{hexid(2)}.md": note(2, "First post", f"Hello ![](:/{hexid(5)})", parent=1),
        f"{hexid(3)}.md": tag(3, "draft"),
        f"{hexid(4)}.md": note_tag(4, 2, 3),
        f"{hexid(5)}.md": resource(5),
        f".resource/{hexid(5)}": PIXEL,
        f"{hexid(6)}.md": note(6, "Elsewhere", "x"),
    }
    for name, data in items.items():
        await actions.put_text(core, owner, name, data)
    (found,) = await core.call("joplin.notes", owner, notebook="Blog")
    assert (found["title"], found["notebook"], found["tags"]) == ("First post", "Blog", ["draft"])
    assert [one["id"] for one in found["attachments"]] == [hexid(5)]
    assert [one["title"] for one in await core.call("joplin.notes", owner, tag="DRAFT")] == ["First post"]
    assert len(await core.call("joplin.notes", owner)) == 2
    shown = await core.call("joplin.html", owner, id=hexid(2), files="/files/")
    assert shown["title"] == "First post"
    assert f'src="/files/{hexid(5)}"' in shown["html"]
    assert "/files/" not in (await core.call("joplin.html", owner, id=hexid(2)))["html"]
    picture = await core.call("joplin.attachment", owner, id=hexid(5))
    assert base64.b64decode(picture["content"]) == PIXEL
    made = await core.call("joplin.create", owner, title="Idea", body="text")
    assert (await core.call("joplin.note", owner, id=made["id"]))["body"] == "text"
    with pytest.raises(NotFound):
        await core.call("joplin.notes", owner, notebook="Nowhere")
    reader = Caller(user_id=owner.user_id, scopes=frozenset({"joplin:read"}), kind="function")
    assert len(await core.call("joplin.notes", reader)) == 3
    with pytest.raises(Forbidden):
        await core.call("joplin.create", reader, body="x")
    stranger: dict[str, Any] = {"user_id": "nobody", "scopes": frozenset({"joplin:read"}), "kind": "function"}
    assert await core.call("joplin.notes", Caller(**stranger)) == []


async def test_a_changed_note_is_told(core: Core) -> None:
    owner = await core.auth.local_caller()
    told: list[Event] = []
    core.events.listen(lambda event: told.append(event) if event.name.startswith("joplin.") else None)
    async with core.events.run():
        await actions.put_text(core, owner, f"{hexid(1)}.md", note(1, parent=9))
        await actions.put_text(core, owner, f"{hexid(1)}.md", note(1, body="new", parent=9))
        await wait_for(lambda: len(told) > 1)
    assert [event.name for event in told] == ["joplin.note_changed"] * 2
    assert [event.data["change"] for event in told] == ["created", "updated"]
    assert told[0].data == {"id": hexid(1), "user_id": owner.user_id, "change": "created", "notebook_id": hexid(9)}


async def wait_for(condition: Any) -> None:
    """As wait_until, letting the loop run."""
    import asyncio

    await asyncio.to_thread(wait_until, condition)
