"""kill -9 in the middle of runs by the clock and by events: none is lost, and none runs again once it is done.

Twice by default, thirty with FAZT_TEST_LONG.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.apps.runtime.conftest import Cloud
from tests.program import Program, wait_until

CRASHES = 30 if os.environ.get("FAZT_TEST_LONG") else 2
MINUTE = 60_000

CODE = """
async function note(event) {
  const before = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));
  await db.set(`ran:${event.run}:${before}:${Math.random()}`, before);
}
export default {
  scheduled: note,
  async event(event) {
    await note(event);
    await db.add("heard:" + event.data.id);
    await db.set("order:" + String(event.id).padStart(12, "0"), event.data.id);
  },
};
"""


class Load:
    """Queues runs and writes documents, until the program dies; what was acknowledged."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.runs: list[int] = []
        self.documents: list[str] = []

    def work(self) -> None:
        """Until a connection breaks."""
        with self.cloud.program.owner() as client:
            try:
                while True:
                    queued = client.post("/api/v1/functions/worker/cron/run", json={"name": "asked"})
                    if queued.status_code == 200:
                        self.runs.append(queued.json()["run"])
                    threading.Event().wait(0.01)
                    made = client.post("/db/orders", json={"n": len(self.documents)})
                    if made.status_code == 201:
                        self.documents.append(made.json()["id"])
            except httpx.HTTPError:
                return


def list_all_runs(cloud: Cloud) -> list[dict[str, Any]]:
    """Every run of the site."""
    found: list[dict[str, Any]] = []
    before: dict[str, int] = {}
    while page := cloud.owner.get("/api/v1/functions/worker/runs", params={"limit": 500, **before}).json():
        found += page
        before = {"before": page[-1]["id"]}
    return found


def list_keys(cloud: Cloud, prefix: str) -> dict[str, Any]:
    """All keys of the site that begin so."""
    found: dict[str, Any] = {}
    start = prefix
    while page := cloud.owner.get(
        "/api/v1/functions/worker/kv", params={"prefix": prefix, "start": start, "limit": 1000}
    ).json():
        found |= {entry["key"]: entry["value"] for entry in page}
        start = page[-1]["key"] + "\x01"
    return found


def test_no_run_is_lost_and_none_is_acknowledged_twice(template_file: Path, tmp_path: Path) -> None:
    shutil.copy(template_file, tmp_path / "data.db")
    with Program(tmp_path) as program:
        cloud = Cloud(program)
        crons = [
            {"schedule": "0 0 1 1 *", "name": "asked", "overlap": True},
            {"schedule": "* * * * *", "name": "minute", "missed": "all"},
        ]
        cloud.deploy("worker", {"main.js": CODE}, cron=crons, on={"textdb.changed": {"collection": "orders"}})
        load = Load(cloud)
        for _ in range(CRASHES):
            worker = threading.Thread(target=load.work)
            before = len(load.runs)
            worker.start()
            wait_until(lambda before=before: len(load.runs) > before + 1, 60, "load")
            threading.Event().wait(0.3 + random.random())
            program.kill()
            worker.join()
            program.start()
        check(cloud, load)
        cloud.close()


def check(cloud: Cloud, load: Load) -> None:
    """Wait until all is done, then compare."""

    def is_quiet() -> bool:
        return all(run["state"] not in {"queued", "running"} for run in list_all_runs(cloud))

    wait_until(is_quiet, 90, "the end of all runs")
    runs = {run["id"]: run for run in list_all_runs(cloud)}
    assert len(load.runs) > CRASHES
    assert {runs[run]["state"] for run in load.runs} == {"done"}
    assert {run["state"] for run in runs.values()} == {"done"}
    minutes = sorted(run["payload"]["scheduledTime"] for run in runs.values() if run["name"] == "minute")
    assert minutes == [minutes[0] + MINUTE * number for number in range(len(minutes))] if minutes else True
    ran = Counter[int]()
    for key, at in list_keys(cloud, "ran:").items():
        run = runs[int(key.split(":")[1])]
        ran[run["id"]] += 1
        assert at <= run["ended_at"], f"run {run['id']} began again after it was done"
    assert set(ran) == set(runs)
    check_events(cloud, load)


def check_events(cloud: Cloud, load: Load) -> None:
    """Each change that was told is heard; those of one collection in their order."""
    told = [run for run in list_all_runs(cloud) if run["kind"] == "event"]
    heard = list_keys(cloud, "heard:")
    assert {f"heard:{run['payload']['data']['id']}" for run in told} == set(heard)
    assert told or not load.documents
    order = [key for key, _ in sorted(list_keys(cloud, "order:").items())]
    assert len(order) == len(told)
    ended = [run["ended_at"] for run in sorted(told, key=lambda run: int(run["payload"]["id"]))]
    assert ended == sorted(ended)
