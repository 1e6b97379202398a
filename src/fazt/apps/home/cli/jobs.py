"""`fazt jobs`: background work."""

from __future__ import annotations

import click

from fazt.core.client import connect, describe_moment, show, show_rows, wants_json

SAID = {"queued": "waiting", "running": "running", "dead": "given up"}
"""States in the words of the page."""


@click.group()
def jobs() -> None:
    """Background work: what waits, runs or was given up."""


@jobs.command("list")
@click.option("--state", type=click.Choice(["queued", "running", "dead"]), help="Only those in this state.")
def list_jobs(state: str | None) -> None:
    """The queue, newest first."""
    with connect() as client:
        rows = client.get("/api/v1/jobs", params={"state": state} if state else {})
    for row in rows:
        row["when"] = describe_moment(row["run_at"])
        row["state"] = row["state"] if wants_json() else SAID[row["state"]]
    columns = {"id": "Id", "name": "Job", "state": "State", "attempts": "Tries", "when": "When", "error": "Last error"}
    show_rows(rows, columns, "Nothing to do.")


@jobs.command()
@click.argument("job_id", metavar="ID", type=int, required=False)
def retry(job_id: int | None) -> None:
    """Try one again at once, or all that were given up."""
    with connect() as client:
        if job_id is None:
            done = client.post("/api/v1/jobs/retry")
        else:
            client.post(f"/api/v1/jobs/{job_id}/run")
            done = {"retried": 1}
    show(done, lambda answer: click.echo(f"Tried again: {answer['retried']}."))


@jobs.command()
@click.argument("job_id", metavar="ID", type=int)
def discard(job_id: int) -> None:
    """Take one out of the queue."""
    with connect() as client:
        client.delete(f"/api/v1/jobs/{job_id}")
    show({"ok": True}, lambda _: click.echo("It is out of the queue."))
