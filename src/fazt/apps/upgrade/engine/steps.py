"""The steps of an upgrade, each noted before it is done, and the way back from each of them.

Until the symlink is switched the old version is what starts, on its own data. From then on the new one is, and
brings the data up to date when it starts; the copy that was taken in between stays as it was. So whatever
is cut off leaves a program and data that fit each other, and `settle` only has to finish or to go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from fazt.apps.upgrade.engine.control import probe, rehearse, runs_on, start, stop
from fazt.apps.upgrade.engine.data import bring_back, copy_data, copy_path, drop, find_step, sweep, trial
from fazt.apps.upgrade.engine.getting import Tell, advance_of
from fazt.apps.upgrade.engine.journal import write_journal
from fazt.apps.upgrade.engine.places import Place
from fazt.apps.upgrade.engine.proving import have_proved
from fazt.apps.upgrade.engine.signals import steady, undisturbed
from fazt.apps.upgrade.model import Journal
from fazt.core.clock import Clock, system_clock
from fazt.core.errors import FaztError, Invalid, Unavailable

SPARE = ".spare"
SPARE_BYTES = 128 * 1024
PATIENCE_S = 120.0
"""How long the version before is waited for at least: it was well, and there is nothing else to go to."""


@dataclass(slots=True)
class Upgrade:
    """One upgrade of one place; `journal` says how far it is."""

    place: Place
    journal: Journal
    tell: Tell
    domain: str = "localhost"
    has_data: bool = True
    clock: Clock = field(default=system_clock)

    @property
    def data(self) -> Path:
        """The file."""
        return Path(self.journal.data)

    @property
    def copy(self) -> Path:
        """The data as it was before."""
        return Path(self.journal.copy or copy_path(self.data, self.journal.new))

    def note(self, **changes: object) -> None:
        """Put the next step on disk. Where that cannot be done, it has not begun."""
        journal = msgspec.structs.replace(self.journal, at=self.clock(), **changes)
        write_journal(self.place.journal, journal)
        self.journal = journal

    def run(self) -> Journal:
        """From the first step to the last. Raises what went wrong; the old version runs then, on its data."""
        with steady(), spare_room(self.place.journal):
            try:
                self.prepare()
                self.switch()
                self.finish()
            except (FaztError, OSError, KeyboardInterrupt) as error:
                if self.journal.has_ended:  # it was interrupted while it tidied up
                    return self.journal
                make_room(self.place.journal)
                with undisturbed():
                    self.go_back(describe(error))
                raise Unavailable(
                    f"fazt {self.journal.new} did not take over: {describe(error)}",
                    hint=getattr(error, "hint", "") or f"fazt {self.journal.old} is in place, as before.",
                ) from error
        return self.journal

    def prepare(self) -> None:
        """What can be done while the old version serves: a copy of the data, and the trial on another."""
        self.note(state="preparing", copy=str(self.copy) if self.has_data else "")
        if not self.has_data or not self.data.exists():
            return
        copy_data(self.data, self.copy, advance_of(self.tell, "Backing up the data"))
        self.note(old_step=find_step(self.copy))
        self.tell(f"Trying fazt {self.journal.new} on a copy", 0, 0)
        with self.place.trying(self.journal.new) as program, trial(self.copy, self.data) as path:
            proof = have_proved(program, self.journal.new, path, self.domain)
        self.note(new_step=proof.step)

    def switch(self) -> None:
        """Stop the old version, keep its data as it is now where that will be changed, and start the new one."""
        journal = self.journal
        rehearse(self.data, journal.address)
        self.note(state="stopping")
        self.tell(f"Stopping fazt {journal.old}", 0, 0)
        stop(journal.control, self.data)
        if self.has_data and self.data.exists() and journal.old_step != journal.new_step:
            copy_data(self.data, self.copy, advance_of(self.tell, "Backing up the data as it is now"))
            self.note(is_exact=True)
        self.note(state="switching")
        self.place.switch(journal.new)
        self.note(state="starting")
        self.start(journal.new)

    def start(self, version: str) -> None:
        """Start what is in place, and wait until it is well. Raises Unavailable where it is not."""
        journal = self.journal
        if not journal.control.is_there:
            return
        self.tell(f"Starting fazt {version}", 0, 0)
        if not runs_on(self.data):
            start(journal.control)
        wait_s = journal.wait_s if version == journal.new else max(journal.wait_s, PATIENCE_S)
        wrong = probe(self.data, version, address=journal.address, wait_s=wait_s)
        if wrong:
            raise Unavailable(f"in {wait_s:.0f} s fazt {version} was not well: {wrong}.")

    def finish(self) -> None:
        """It is done: what was kept for the way back stays, and what was before that goes."""
        done = msgspec.structs.replace(self.journal, state="done", at=self.clock())
        write_journal(self.place.kept, done)
        self.note(state="done")
        with suppress(OSError):  # what cannot be removed now is in nobody's way
            self.place.sweep({self.journal.new, self.journal.old})
            if self.has_data:
                sweep(self.data, keep=self.copy)

    def go_back(self, said: str) -> None:
        """Program and data as they were. What the new version has written in between is kept beside the data."""
        journal = self.journal
        if journal.state in {"preparing", "stopping"}:
            self.give_up(said)
            return
        rehearse(self.data, journal.address)
        self.note(state="going back", said=said)
        self.tell(f"Going back to fazt {journal.old}", 0, 0)
        stop(journal.control, self.data)
        if self.place.has_both:
            bring_data_back(journal, self.clock())
            self.place.switch(journal.old)
        else:  # where the installer fails, the new version has to find data that it can read
            self.place.switch(journal.old)
            bring_data_back(journal, self.clock())
        try:
            self.start(journal.old)
        finally:
            self.note(state="rolled back" if journal.is_wanted_back else "failed")
            self.place.kept.unlink(missing_ok=True) if journal.is_wanted_back else self.place.drop(journal.new)
        if self.has_data:
            drop(self.data, self.copy)

    def give_up(self, said: str) -> None:
        """Nothing was changed yet, but the service may have been stopped for it."""
        if self.journal.state == "stopping":
            self.start(self.journal.old)
        self.note(state="failed", said=said)
        self.place.drop(self.journal.new)
        if self.has_data:
            drop(self.data, self.copy)


def bring_data_back(journal: Journal, now: int) -> None:
    """The data as the old version left it, where the new one has changed its form; else it stays, with all since."""
    data = Path(journal.data)
    if not journal.is_exact:
        return
    try:
        has_changed = find_step(data) != journal.old_step
    except Invalid:
        has_changed = True
    if has_changed:
        bring_back(data, Path(journal.copy), now)


def describe(error: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted."
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'} cannot be written or read: {error.strerror or error}."
    return str(error)


@contextmanager
def spare_room(journal: Path) -> Iterator[None]:
    """Keep a little room, so that the way back can be noted on a disk that is full by then."""
    spare = journal.with_name(journal.name + SPARE)
    spare.write_bytes(bytes(SPARE_BYTES))
    try:
        yield
    finally:
        spare.unlink(missing_ok=True)


def make_room(journal: Path) -> None:
    """Use the room that was kept."""
    journal.with_name(journal.name + SPARE).unlink(missing_ok=True)


def settle(upgrade: Upgrade) -> Journal:
    """Bring an upgrade that was cut off to its end: the new version where it is in place and well, else the old.

    Raises Unavailable where the version it comes to does not start.
    """
    journal, place = upgrade.journal, upgrade.place
    if journal.state == "going back":
        with undisturbed():
            upgrade.go_back(journal.said)
    elif journal.state in {"preparing", "stopping"} or place.current() != journal.new:
        upgrade.journal = msgspec.structs.replace(journal, state="stopping")
        with undisturbed():
            upgrade.give_up("It was cut off before anything was changed.")
    else:
        settle_new(upgrade)
    return upgrade.journal


def settle_new(upgrade: Upgrade) -> None:
    """The new version is in place: it stays when it is well, or when nothing is there to say so."""
    upgrade.note(state="starting")
    try:
        with steady():
            upgrade.start(upgrade.journal.new)
    except FaztError as error:
        with undisturbed():
            upgrade.go_back(error.message)
        return
    upgrade.finish()


def roll_back(upgrade: Upgrade) -> Journal:
    """Back to the version before the last upgrade, though that went well. Raises what `go_back` raises."""
    upgrade.journal = msgspec.structs.replace(upgrade.journal, state="starting", is_wanted_back=True)
    with undisturbed():
        upgrade.go_back("It was wanted so.")
    return upgrade.journal
