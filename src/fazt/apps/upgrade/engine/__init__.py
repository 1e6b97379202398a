"""The machinery of an upgrade, and what a starting program has to know of one that was cut off."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fazt import __version__
from fazt.apps.upgrade import store
from fazt.apps.upgrade.engine.journal import read_journal
from fazt.apps.upgrade.engine.places import Tree, find_journal_path, find_root
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.apps.upgrade.model import Journal
    from fazt.core import Core
    from fazt.core.config import Config

log = get_logger(__name__)


def find_journal() -> Journal | None:
    """The journal of the place that this program lies in; None where there is none, or none that can be read."""
    try:
        path = find_journal_path()
        return None if path is None else read_journal(path)
    except (FaztError, OSError) as error:
        log.warning("the journal of upgrades cannot be read: %s", error)
        return None


def before_open(config: Config) -> None:
    """Where the way back to the version before was cut off: bring the data back, and become that version.

    So a machine that loses power in mid-way comes up as the old version, not as a new one on old data. Of packages
    there is only one version; as long as that is the new one, it goes on with its own data.
    """
    journal = find_journal()
    if journal is None or journal.state != "going back" or Path(journal.data) != config.data:
        return
    root = find_root()
    if journal.old != __version__ and (journal.new != __version__ or root is None):
        return
    from fazt.apps.upgrade.engine.running import clean_environ  # noqa: PLC0415 - hardly ever needed
    from fazt.apps.upgrade.engine.steps import bring_data_back  # noqa: PLC0415 - as above
    from fazt.core.clock import system_clock  # noqa: PLC0415 - as above

    log.warning("the way back to fazt %s was cut off; going on", journal.old)
    bring_data_back(journal, system_clock())
    if journal.old == __version__ or root is None:
        return
    program = Tree(root).program(journal.old)
    os.execve(program[0], [*program, *sys.argv[1:]], clean_environ())  # noqa: S606 - the version before takes over


async def note_outcome(core: Core) -> None:
    """Keep how the last upgrade ended, in the file that was upgraded, and tell it; once."""
    journal = await asyncio.to_thread(find_journal)
    if journal is not None and journal.has_ended and Path(journal.data) == core.config.data:
        await core.db.write(store.note_run, journal, now=core.clock())


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Note what happened while no server ran."""
    await note_outcome(core)
    yield
