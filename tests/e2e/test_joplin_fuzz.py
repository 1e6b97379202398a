"""Three real apps do anything at the same time, the server is killed now and then: all end equal.

FAZT_JOPLIN_SEED repeats a run, FAZT_TEST_LONG makes it long (FAZT_JOPLIN_ROUNDS says how long).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import program
from tests.e2e.joplin import Device, Person
from tests.program import Program

ROUNDS = int(os.environ.get("FAZT_JOPLIN_ROUNDS", "60" if os.environ.get("FAZT_TEST_LONG") else "1"))
SEED = int(os.environ.get("FAZT_JOPLIN_SEED", "7"))
MOST_SYNCS = 6

pytestmark = pytest.mark.timeout(3_600 if ROUNDS > 1 else 300)


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        yield program


class Typist:
    """Somebody who does anything on one device."""

    def __init__(self, device: Device, name: str, chance: random.Random, folder: Path) -> None:
        self.device, self.name, self.chance = device, name, chance
        self.file = folder / f"{name}.bin"
        self.file.write_bytes(chance.randbytes(30_000))
        self.count = 0

    def think_up(self) -> list[list[str]]:
        """A few commands for what is on the device now."""
        books = [id_ for (id_,) in self.device.query("SELECT id FROM folders WHERE deleted_time = 0 ORDER BY id")]
        notes = self.device.query("SELECT id FROM notes WHERE deleted_time = 0 AND NOT is_conflict ORDER BY id")
        known = [id_ for (id_,) in notes]
        commands: list[list[str]] = []
        for _ in range(self.chance.randint(2, 5)):
            self.count += 1
            if not books or self.chance.random() < 0.1:
                commands.append(["mkbook", f"Book {self.name}{self.count}"])
                books = books or ["."]
            elif len(known) < 3 or self.chance.random() < 0.3:
                commands += [["use", self.chance.choice(books)], ["mknote", f"Note {self.name}{self.count}"]]
            else:
                commands.append(self.change(self.chance.choice(known), books, known))
        return [words for words in commands if words[1] != "."]

    def change(self, note: str, books: list[str], known: list[str]) -> list[str]:
        """One change of a note."""
        match self.chance.randrange(7):
            case 0:
                return ["mv", note, self.chance.choice(books)]
            case 1:
                known.remove(note)
                return ["rmnote", "-f", "-p", note]
            case 2:
                return ["tag", "add", self.chance.choice(["red", "green", "blue"]), note]
            case 3:
                return ["attach", note, str(self.file)]
            case 4:
                return ["ren", note, f"Renamed {self.name}{self.count}"]
            case _:
                return ["set", note, "body", f"{self.name}{self.count} " * self.chance.randint(1, 200)]

    def start(self, before: list[list[str]]) -> subprocess.Popen[str]:
        """Commands, then a synchronisation, under way."""
        return self.device.begin(*before, *self.think_up(), ["sync"])


def settle(typists: list[Typist]) -> list[dict[str, list[tuple[object, ...]]]]:
    """Synchronise all by turns until they are equal, or clearly will not be; what each has."""
    states = [typist.device.everything() for typist in typists]
    for _ in range(MOST_SYNCS):
        for typist in typists:
            typist.device.sync(check=False)
        states = [typist.device.everything() for typist in typists]
        if states[0] == states[1] == states[2]:
            break
    return states


def test_three_devices_end_equal(cloud: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "READY_S", 120.0)  # three apps start at the same time
    chance = random.Random(SEED)
    person = Person.create(cloud, "fuzz")
    versions = ("3.6", "3.5", "3.6")
    typists = [
        Typist(Device(tmp_path, name, version), name, random.Random(f"{SEED}{name}"), tmp_path)
        for name, version in zip("abc", versions, strict=True)
    ]
    for typist in typists:
        typist.device.sync(*person.settings(cloud))
    for number in range(ROUNDS):
        running = [typist.start([]) for typist in typists]
        if number % 2 == 0:
            time.sleep(1 + 4 * chance.random())  # any moment of the synchronisation
            cloud.kill()
            cloud.start()
        for process in running:
            process.communicate(timeout=110)
    states = settle(typists)
    assert states[0] == states[1]
    assert states[1] == states[2]
    assert states[0]["notes"]
    for id_, *_ in states[0]["resources"]:
        assert len({typist.device.resource(str(id_)) for typist in typists}) == 1
