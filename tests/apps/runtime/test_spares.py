"""A process that waits for the next site: who takes it, with which walls, and when it goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.apps.runtime.conftest import Cloud
from tests.program import wait_until

PID = "return new Response(String(Deno.pid));"


def arguments(pid: int) -> list[str]:
    """How a process was started; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def find_spare(cloud: Cloud) -> int:
    """The process without code, 0 for none."""
    assert cloud.program.process is not None
    for pid in Path(f"/proc/{cloud.program.process.pid}/task").glob("*/children"):
        for child in map(int, pid.read_text().split()):
            words = arguments(child)
            if "run" in words[:2] and Path(words[-1]).is_dir() and not any(Path(words[-1]).iterdir()):
                return child
    return 0


def wait_for_spare(cloud: Cloud) -> int:
    """The spare, once it is there."""
    return int(wait_until(lambda: find_spare(cloud), what="a spare"))


@contextmanager
def setting(cloud: Cloud, name: str, value: str, before: str) -> Iterator[None]:
    """A setting that is another for a while."""
    cloud.run("settings", "set", name, value)
    try:
        yield
    finally:
        cloud.run("settings", "set", name, before)


def test_the_next_site_takes_the_process_that_waits(cloud: Cloud) -> None:
    cloud.code("spare1", PID)
    cloud.code("spare2", PID)
    cloud.ask("spare1")
    spare = wait_for_spare(cloud)
    assert int(cloud.ask("spare2").text) == spare
    files = sorted(path.name for path in Path(arguments(spare)[-1]).iterdir())
    assert files == ["main.js"]
    assert wait_for_spare(cloud) != spare


def test_a_site_with_another_limit_of_memory_does_not_take_it(cloud: Cloud) -> None:
    cloud.code("spare3", PID)
    cloud.ask("spare3")
    cloud.limit("spare3", memory_mb=64)
    spare = wait_for_spare(cloud)
    own = int(cloud.ask("spare3").text)
    assert own != spare
    assert "--v8-flags=--max-old-space-size=64" in arguments(own)
    assert find_spare(cloud) == spare


def test_where_it_was_killed_the_next_site_starts_all_the_same(cloud: Cloud) -> None:
    cloud.code("spare4", PID)
    cloud.code("spare5", PID)
    cloud.ask("spare4")
    spare = wait_for_spare(cloud)
    os.kill(spare, signal.SIGKILL)
    wait_until(lambda: not arguments(spare), what="its end")
    assert cloud.ask("spare5").status_code == 200


def test_it_goes_when_nothing_starts(cloud: Cloud) -> None:
    cloud.code("spare6", PID)
    with setting(cloud, "runtime.spare_s", "1", "600"):
        cloud.ask("spare6")
        spare = wait_for_spare(cloud)
        wait_until(lambda: not arguments(spare), what="its end")


def test_one_that_the_owners_rules_have_overtaken_is_not_taken(cloud: Cloud) -> None:
    cloud.code("spare7", PID)
    cloud.code("spare8", PID)
    cloud.ask("spare7")
    spare = wait_for_spare(cloud)
    assert "--deny-net" in " ".join(arguments(spare))
    with setting(cloud, "outbound.allow", "10.1.2.3", ""):
        own = int(cloud.ask("spare8").text)
    assert own != spare
    assert "10.0.0.0/8" not in " ".join(arguments(own))
    wait_until(lambda: not arguments(spare), what="its end")
