"""What runs by itself: by the clock and by events, with retries, history and dead letters."""

from __future__ import annotations

from typing import Any

from tests.apps.runtime.conftest import Cloud
from tests.program import wait_until

WORKER = """
export default {
  async fetch(request) {
    if (new URL(request.url).pathname === "/tick") {
      await db.add("ticks");
      const cron = request.headers.get("x-fazt-cron");
      if (await db.get("refuse")) return new Response("no", { status: 500 });
      await db.set("cron", cron);
    }
    return new Response("ok");
  },
  async scheduled(event, env, ctx) {
    console.log("scheduled", event.name);
    await db.set("scheduled", event);
    if (await db.get("fail")) throw new Error("not today");
    ctx.waitUntil(db.add("waited"));
  },
  async event(event) {
    if (event.data.id === "bad") throw new Error("bad document");
    await db.atomic([{ op: "add", key: "events" }, { op: "set", key: "event:" + event.id, value: event }]);
  },
};
"""


def kept(cloud: Cloud, site: str, key: str) -> Any:
    answer = cloud.owner.get(f"/api/v1/functions/{site}/kv/entry", params={"key": key})
    return answer.json()["value"] if answer.status_code == 200 else None


def run_now(cloud: Cloud, site: str, name: str) -> int:
    answer = cloud.owner.post(f"/api/v1/functions/{site}/cron/run", json={"name": name})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["run"])


def wait_for_run(cloud: Cloud, site: str, run: int, **wanted: Any) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        (found,) = [each for each in cloud.runs(site) if each["id"] == run]
        return found if all(found[name] == value for name, value in wanted.items()) else None

    found: dict[str, Any] = wait_until(find, what=f"run {run} with {wanted}")
    return found


def test_the_clock_calls_the_handler_and_paths(cloud: Cloud) -> None:
    crons = [{"schedule": "0 3 * * *", "name": "night"}, {"schedule": "0 4 * * *", "path": "/tick", "name": "path"}]
    cloud.deploy("clock", {"main.js": WORKER}, cron=crons)
    assert [entry["name"] for entry in cloud.show("clock")["cron"]] == ["night", "path"]
    done = wait_for_run(cloud, "clock", run_now(cloud, "clock", "night"), state="done")
    assert done["attempts"] == 1
    event = kept(cloud, "clock", "scheduled")
    assert (event["cron"], event["type"], event["name"], event["attempt"]) == ("0 3 * * *", "scheduled", "night", 1)
    assert kept(cloud, "clock", "waited") == 1
    cloud.wait_for_log("clock", "scheduled night")
    wait_for_run(cloud, "clock", run_now(cloud, "clock", "path"), state="done")
    assert kept(cloud, "clock", "cron") == "0 4 * * *"


def test_a_run_that_fails_is_tried_again_then_given_up(cloud: Cloud) -> None:
    crons = [
        {"schedule": "0 3 * * *", "name": "once", "retries": 0},
        {"schedule": "0 3 * * *", "name": "again"},
        {"schedule": "0 3 * * *", "name": "path", "path": "/tick", "retries": 0},
    ]
    cloud.deploy("failing", {"main.js": WORKER}, cron=crons)
    for key in ("fail", "refuse"):
        cloud.owner.put("/api/v1/functions/failing/kv/entry", json={"key": key, "value": True})
    dead = wait_for_run(cloud, "failing", run_now(cloud, "failing", "once"), state="dead")
    assert "not today" in dead["error"]
    assert "main.js" in dead["error"]
    assert "500" in wait_for_run(cloud, "failing", run_now(cloud, "failing", "path"), state="dead")["error"]
    waiting = wait_for_run(cloud, "failing", run_now(cloud, "failing", "again"), state="queued", attempts=1)
    assert waiting["run_at"] > waiting["started_at"]
    cloud.owner.delete("/api/v1/functions/failing/kv/entry", params={"key": "fail"})
    for run in (dead["id"], waiting["id"]):
        assert cloud.owner.post(f"/api/v1/functions/failing/runs/{run}/retry").status_code == 204
        wait_for_run(cloud, "failing", run, state="done")
    assert cloud.owner.delete(f"/api/v1/functions/failing/runs/{dead['id']}").status_code == 409


def test_events_of_other_apps_run_code(cloud: Cloud) -> None:
    cloud.deploy("hearer", {"main.js": WORKER}, on={"textdb.changed": {"collection": "orders"}})
    for name in ("orders", "others"):
        assert cloud.owner.post(f"/db/{name}", json={"n": 1}).status_code == 201
    wait_until(lambda: kept(cloud, "hearer", "events") == 1, what="one event")
    run = wait_until(lambda: next((each for each in cloud.runs("hearer") if each["state"] == "done"), None))
    event = kept(cloud, "hearer", f"event:{run['payload']['id']}")
    assert (event["name"], event["data"]["collection"], event["type"]) == ("textdb.changed", "orders", "event")


def test_a_paused_entry_and_a_wrong_manifest_are_shown(cloud: Cloud) -> None:
    cloud.deploy("paused", {"main.js": WORKER}, cron=[{"schedule": "* * * * *", "name": "minute"}])
    assert cloud.owner.post("/api/v1/functions/paused/cron/pause", json={"name": "minute"}).status_code == 204
    assert cloud.show("paused")["cron"][0]["is_paused"]
    assert cloud.owner.post("/api/v1/functions/paused/cron/resume", json={"name": "minute"}).status_code == 204
    assert not cloud.show("paused")["cron"][0]["is_paused"]
    cloud.deploy("paused", {"main.js": WORKER}, cron=[{"schedule": "every day"}])
    assert "every day" in cloud.show("paused")["function"]["problem"]
    assert cloud.show("paused")["cron"][0]["name"] == "minute"
    cloud.owner.delete("/api/v1/sites/paused")
    wait_until(lambda: cloud.show("paused")["function"]["version"] == 0 or not cloud.show("paused")["cron"])


def test_commands(cloud: Cloud) -> None:
    cloud.deploy("cli", {"main.js": WORKER}, cron=[{"schedule": "0 3 * * *", "name": "night"}], scopes=["textdb:read"])
    run = cloud.run
    assert "cli" in run("functions", "list").stdout
    assert "scope: textdb:read, not granted" in run("functions", "show", "cli").stdout
    assert "textdb:read" in run("functions", "grant", "cli").stdout
    assert "3.5" in run("functions", "limit", "cli", "wall_s=3.5").stdout
    run("functions", "env", "cli", "KEY", typed="hidden\n")
    assert run("functions", "env", "cli").stdout.split()[-1] == "KEY"
    run("functions", "env", "cli", "KEY", "--delete")
    assert "version" in run("kv", "set", "cli", "a/b", '{"x": 1}').stdout
    assert '"x": 1' in run("kv", "get", "cli", "a/b").stdout
    assert "a/b" in run("kv", "list", "cli", "--prefix", "a").stdout
    run("kv", "delete", "cli", "a/b")
    assert run("kv", "get", "cli", "a/b", check=False).exit_code
    assert run("kv", "set", "cli", "a", "nonsense", check=False).exit_code
    queued = run("functions", "run", "cli", "night").stdout
    wait_for_run(cloud, "cli", int(queued.split()[1]), state="done")
    assert "done" in run("functions", "runs", "cli").stdout
    assert "paused" in run("functions", "pause", "cli", "night").stdout
    cloud.wait_for_log("cli", "scheduled night")
    assert "scheduled night" in run("logs", "cli").stdout
