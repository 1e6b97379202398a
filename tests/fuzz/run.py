"""Turns of all fuzzers until the time is up; each fault with the input that shows it."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fazt.core.errors import FaztError
from tests.fuzz.damage import damage
from tests.fuzz.doors import open_doors
from tests.fuzz.parsers import PARSERS, Target

TURN_S = 0.25
SLOW_S = 5.0
MOST_FAULTS = 20
Attempt = Callable[[random.Random], str]


@dataclass
class Fuzzing:
    """How often each was tried, and what was wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def attempt_at(target: Target) -> Attempt:
    """A function that gives one damaged thing to a parser; what was wrong, or ""."""

    def attempt(chance: random.Random) -> str:
        data = damage(chance.choice(target.seeds), chance)
        started = time.perf_counter()
        try:
            target.attempt(data)
        except FaztError:
            return ""
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"{error!r} from {data[:2000]!r}"
        took = time.perf_counter() - started
        return f"{took:.1f} s for {data[:2000]!r}" if took > SLOW_S else ""

    return attempt


def run(folder: Path, *, seconds: float, seed: int, only: str = "", most: int | None = None) -> Fuzzing:
    """All fuzzers by turns for so long, or those whose name holds `only`; each at most `most` times.

    Each has a chance of its own, so that the first inputs of a seed are the same on every machine.
    """
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it tells of every damaged form
    done = Fuzzing()
    with open_doors(folder) as doors:
        all_of_them = {target.name: attempt_at(target) for target in PARSERS} | doors
        chosen = {name: attempt for name, attempt in all_of_them.items() if only.lower() in name.lower()}
        chances = {name: random.Random(f"{seed} {name}") for name in chosen}
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(done.faults) < MOST_FAULTS:
            for name, attempt in chosen.items():
                turn_ends = time.monotonic() + min(TURN_S, seconds / len(chosen))
                while time.monotonic() < turn_ends and done.tried[name] != most:
                    done.tried[name] += 1
                    if fault := attempt(chances[name]):
                        done.faults.append(f"{name}: {fault}")
            if most is not None and min(done.tried[name] for name in chosen) >= most:
                break
    return done


def report(done: Fuzzing) -> str:
    """The table, and every fault."""
    lines = [f"{name:<18}{count:>10,}" for name, count in done.tried.items()]
    lines.append(f"{'all':<18}{done.tried.total():>10,}   faults: {len(done.faults)}")
    return "\n".join([*lines, *done.faults])
