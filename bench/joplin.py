"""500 notes by Joplin's real app: to fazt beside the app's own file-system target, in turns; and what a request costs.

FAZT_BENCH_ROUNDS (3), FAZT_BENCH_NOTES (500) and FAZT_BENCH_ITEMS (50000) say how much.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.apps.joplin.making import NOW, Api, create_member, hexid, note
from tests.e2e.joplin import Device, Person
from tests.program import Program

ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "3"))
NOTES = int(os.environ.get("FAZT_BENCH_NOTES", "500"))
ITEMS = int(os.environ.get("FAZT_BENCH_ITEMS", "50000"))
WORDS = ("quick brown fox jumps over the lazy dog " * 4).split()
REPEATS = 200
GOAL_MS = 3.0

Times = dict[str, list[float]]


def timed(call: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def make_notes(folder: Path) -> Path:
    """A profile with NOTES notes of about 150 words that was never synchronised."""
    device = Device(folder, "notes")
    chance = random.Random(1)
    commands = [["mkbook", "Book"], ["use", "Book"]]
    for number in range(NOTES):
        title = f"Note{number}"
        commands += [["mknote", title], ["set", title, "body", " ".join(chance.choices(WORDS, k=150))]]
    device.run(["config", "trackLocation", "false"], *commands)
    return device.profile


def run_round(folder: Path, notes: Path, number: int, targets: Mapping[str, Callable[[int], list[list[str]]]]) -> Times:
    """First upload, a second device's download, and a synchronisation without news, for each target in turn."""
    times: Times = defaultdict(list)
    devices = {}
    for name, settings in targets.items():
        shutil.copytree(notes, folder / f"{name}{number}a")
        devices[name] = (Device(folder, f"{name}{number}a"), Device(folder, f"{name}{number}b"))
        for device in devices[name]:
            device.run(*settings(number))
    for step, of in (("first upload", 0), ("second device", 1), ("no change", 0)):
        for name in random.Random(f"{number}{step}").sample(list(targets), len(targets)):
            times[f"{step}/{name}"].append(timed(devices[name][of].sync))
    for name in targets:
        assert len(devices[name][1].notes()) == NOTES, name
    return times


def compare(program: Program, folder: Path) -> None:
    """The table of the app's own times."""
    people = {number: Person.create(program, f"bench{number}") for number in range(ROUNDS)}

    def to_folder(number: int) -> list[list[str]]:
        target = folder / f"target{number}"
        target.mkdir(exist_ok=True)
        return [["config", "sync.target", "2"], ["config", "sync.2.path", str(target)]]

    targets = {"fazt": lambda number: people[number].settings(program), "files": to_folder}
    notes = make_notes(folder)
    all_times: Times = defaultdict(list)
    for number in range(ROUNDS):
        for key, values in run_round(folder, notes, number, targets).items():
            all_times[key] += values
    print(f"{NOTES} notes, start of the app included     fazt      files     fazt/files")
    for step in ("first upload", "second device", "no change"):
        ours, theirs = (statistics.median(all_times[f"{step}/{name}"]) for name in ("fazt", "files"))
        print(f"  {step:<36} {ours:6.2f} s  {theirs:6.2f} s     {ours / theirs:5.2f}")


def quiet_sync(api: Api, cursor: str) -> list[float]:
    """The requests of a synchronisation without news; ms each."""
    paths = ["share_users", "shares", "share_users", "shares", "items/root:/info.json:/content"]
    paths += [f"items/root:/:/delta?cursor={cursor}", "items/root:/info.json:/content"]
    times = []
    for path in paths:
        started = time.perf_counter()
        answer = api.http.get(path)
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200
    return times


def fill_up(api: Api, count: int) -> float:
    """Upload `count` notes in batches of 100; how many a second."""
    started = time.perf_counter()
    for first in range(0, count, 100):
        numbers = range(first + 1, min(first + 100, count) + 1)
        body = " ".join(WORDS * 4)
        items = [{"name": f"{hexid(n)}.md", "body": note(n, f"Note {n}", body, at=NOW + n).decode()} for n in numbers]
        answer = api.http.put("batch_items", json={"items": items}, timeout=120)
        assert answer.status_code == 200, answer.text
    return count / (time.perf_counter() - started)


def measure_requests(program: Program) -> None:
    """What a request costs, and whether many items make a quiet synchronisation dearer."""
    few, many = create_member(program, "few"), create_member(program, "many")
    fill_up(few, NOTES)
    rate = fill_up(many, ITEMS)
    print(f"{ITEMS} notes uploaded in batches: {rate:.0f} a second")
    cursors = {}
    for api in (few, many):
        api.put("info.json", b'{"version":3}')
        cursors[api.email] = api.changes(limit=1000)[1]
    syncs: dict[str, list[float]] = defaultdict(list)
    singles: list[float] = []
    for _ in range(REPEATS):
        for api in (few, many):
            times = quiet_sync(api, cursors[api.email])
            singles += times
            syncs[api.email].append(sum(times))
    p50 = statistics.median(singles)
    print(f"a request, seen from the client: p50 {p50:.2f} ms (goal {GOAL_MS} ms)")
    ours, theirs = statistics.median(syncs[many.email]), statistics.median(syncs[few.email])
    print(f"a quiet sync's requests: {theirs:.1f} ms at {NOTES} items, {ours:.1f} ms at {ITEMS} ({ours / theirs:.2f})")
    puts = [timed(lambda n=n: put_one(few, n)) * 1000 for n in range(REPEATS)]  # type: ignore[misc]
    print(f"an upload of one note, durable: p50 {statistics.median(puts):.2f} ms")
    for api in (few, many):
        api.http.close()


def put_one(api: Api, number: int) -> httpx.Response:
    """One upload."""
    return api.put_item(900_000 + number, note(900_000 + number))


def main() -> None:
    """Both tables."""
    with tempfile.TemporaryDirectory() as place, Program(Path(place)) as program:
        compare(program, Path(place))
        measure_requests(program)


if __name__ == "__main__":
    main()
