"""`fazt backup`: make, check, restore."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from fazt.core.client import Client, Target, connect, show, show_rows, wants_json
from fazt.core.clock import system_clock, to_iso
from fazt.core.errors import FaztError, Invalid, NotFound, Unauthorized, Unavailable
from fazt.core.instance import check_owner, is_running

ROOT = "/api/v1/backup"
POLL_S = 0.2
TAKE_OVER_S = 120.0


@click.group()
def backup() -> None:
    """Make, check and restore backups."""


@backup.command()
@click.argument("dest", required=False)
def create(dest: str | None) -> None:
    """Make a backup of the running cloud, and print where it is.

    DEST is a folder or s3://bucket/folder; without it, backup.place says where.

    \b
    fazt backup create
    fazt backup create /mnt/usb
    """
    with connect() as client:
        made = finish(client, client.post(f"{ROOT}/create", {"place": to_place(dest)}))
    show(made, lambda found: click.echo(f"{found['place'].rstrip('/')}/{found['name']}"))


@backup.command("list")
def list_backups() -> None:
    """The backups there are, newest first."""
    with connect() as client:
        rows = client.get(f"{ROOT}/files")
    for row in [] if wants_json() else rows:
        known = row["summary"] or {}
        row |= {
            "size": f"{row['stored_bytes'] / 1e6:.1f} MB",
            "rows": known.get("rows"),
            "version": known.get("version"),
        }
        row["locked"] = "age" if row["is_encrypted"] else ""
    columns = {"name": "Name", "size": "Size", "rows": "Rows", "version": "fazt", "locked": "Encrypted"}
    show_rows(rows, columns, "There is no backup yet. `fazt backup create` makes one.")


@backup.command()
@click.argument("what", default="latest")
@click.option("--identity", type=click.Path(exists=True, dir_okay=False), help="File with the secret key of age.")
def verify(what: str, identity: str | None) -> None:
    """Check a backup, all of it: WHAT is a file, a name of the list, or `latest`."""
    with connect() as client:
        found = finish(client, client.post(f"{ROOT}/verify", to_which(what, identity)))
    show(found, lambda report: click.echo(f"{report['name']} is sound. {report['said']}"))


@backup.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(dry_run: bool) -> None:
    """Remove the backups that backup.keep_daily, keep_weekly and keep_monthly do not keep."""
    with connect() as client:
        show(client.post(f"{ROOT}/prune", {"dry_run": dry_run}), show_pruned)


def show_pruned(gone: dict[str, Any]) -> None:
    """What went, or would go."""
    names = [*gone["backups"], *gone["replaced"], *(f"the replica of {epoch}" for epoch in gone["epochs"])]
    for name in names:
        click.echo(f"{'would remove' if gone['dry_run'] else 'removed'} {name}")
    if not names:
        click.echo("Nothing had to go.")


@backup.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete one backup."""
    with connect() as client:
        client.delete(f"{ROOT}/files/{quote(name, safe='')}")
    show({"ok": True}, lambda _: click.echo(f"{name} is deleted."))


@backup.command()
def drill() -> None:
    """Rehearse a restore: of the newest backup, and of the replica."""
    with connect() as client:
        found = finish(client, client.post(f"{ROOT}/drill"))
    show(found, lambda report: click.echo(report["said"]))


@backup.command()
def status() -> None:
    """How backups and the replica stand."""
    with connect() as client:
        show(client.get(ROOT), show_status)


def show_status(found: dict[str, Any]) -> None:
    """A few lines."""
    last, replica = found["last"], found["replica"]
    click.echo(f"backups go to  {found['place']}")
    click.echo(f"last           {to_iso(last['started_at']) + ' ' + last['state'] if last else 'none yet'}")
    click.echo(f"next           {to_iso(found['next_at']) if found['next_at'] else 'not scheduled'}")
    if replica and replica["is_on"]:
        lag = f"{replica['lag_ms'] / 1000:.0f} s ago" if replica["confirmed_at"] else "not yet"
        click.echo(f"replica        {replica['url']}/{replica['epoch']}, in step {lag}, position {replica['position']}")
    for alarm in found["alarms"]:
        click.echo(f"alarm          {alarm['text']}")


@backup.command()
@click.argument("what", default="latest")
@click.option("--identity", type=click.Path(exists=True, dir_okay=False), help="File with the secret key of age.")
def things(what: str, identity: str | None) -> None:
    """What in a backup can be brought back alone, with `restore --only KIND:NAME`."""
    with connect() as client:
        found = finish(client, client.post(f"{ROOT}/things", to_which(what, identity)))
    rows = [{"kind": kind, "name": name} for kind, names in found["things"].items() for name in names]
    show_rows(rows, {"kind": "Kind", "name": "Name"}, "There is nothing in it that could be brought back alone.")


@backup.command()
@click.argument("what", default="latest")
@click.option(
    "--at", metavar="TIME", help='Of that moment, e.g. "10 minutes ago": from the replica where there is one.'
)
@click.option("--replica", is_flag=True, help="Restore from the replica, its end or --at.")
@click.option("--from", "source", metavar="URL", help="Another place, or with --replica or --at another replica.")
@click.option("--identity", type=click.Path(exists=True, dir_okay=False), help="File with the secret key of age.")
@click.option("--only", metavar="KIND:NAME", help="Bring back one thing alone, e.g. site:blog.")
@click.option("--as", "new_name", metavar="NAME", default="", help="With --only: under this name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(what: str, at: str | None, replica: bool, yes: bool, **more: str | None) -> None:
    """Restore everything from a backup, or one thing: WHAT is a file, a name of the list, or `latest`.

    The backup is checked first; the file that is replaced is kept beside the new one. A running
    server drains and starts anew on the restored file.

    \b
    fazt backup restore latest
    fazt backup restore --at "10 minutes ago"
    fazt backup restore latest --only site:blog --as blog-of-yesterday
    fazt backup restore --replica --from s3://bucket/replica
    """
    which = to_which(what, more["identity"]) | {"at": at or "", "source": to_place(more["source"])}
    which["replica"] = replica or (bool(at) and has_replica(more["source"]))
    if more["only"]:
        bring_one(which, more["only"], more["new_name"] or "")
        return
    if not yes:
        click.confirm("This puts another file in the place of all data there is now. Go on?", abort=True)
    target = get_target()
    if target.server or is_running(target.config.data):
        with connect() as client:
            found = finish(client, client.post(f"{ROOT}/restore", which))
            await_epoch(client, found["epoch"])
    else:
        found = restore_file(target, which)
    show(found, lambda made: click.echo(f"Restored from {made['name']}. {made['said']}"))


def bring_one(which: dict[str, Any], only: str, new_name: str) -> None:
    """Bring back one thing, and say where it is."""
    kind, colon, thing = only.partition(":")
    if not colon:
        raise Invalid(f"{only!r} is not KIND:NAME.", hint="`fazt backup things` shows what there is.")
    with connect() as client:
        wish = which | {"kind": kind, "thing": thing, "new_name": new_name}
        found = finish(client, client.post(f"{ROOT}/bring", wish))
    show(found, lambda made: click.echo(f"{made['name']} is back, from {made['from']}: {made['path']}"))


def restore_file(target: Target, which: dict[str, Any]) -> dict[str, Any]:
    """Restore while no server runs, in this process: the file may be damaged, or gone."""
    from fazt.apps.backup.engine.offline import restore_offline  # noqa: PLC0415

    check_owner(target.config.data)
    with progress_bar() as tell:
        return restore_offline(target.config, which, tell, system_clock())


def has_replica(source: str | None) -> bool:
    """Whether a moment is to be looked for in a replica: there is one, and no place of backups was named."""
    target = get_target()
    if target.server or is_running(target.config.data):
        with connect() as client:
            return bool(client.get("/api/v1/settings/backup.replica")["value"])
    from fazt.apps.backup.engine.offline import read_settings  # noqa: PLC0415

    return bool(source or read_settings(target.config)("backup.replica"))


def await_epoch(client: Client, epoch: str) -> None:
    """Wait until the server has started anew on the restored file. Raises Unavailable where it did not."""
    end = time.monotonic() + TAKE_OVER_S
    while time.monotonic() < end:
        with suppress(Unavailable):
            try:
                if client.get(ROOT)["epoch"] == epoch:
                    return
            except Unauthorized:
                click.echo("The restored file does not know this token; the server runs on it.", err=True)
                return
        time.sleep(POLL_S)
    raise Unavailable("The server has not taken up the restored file.", hint="Its log says why.")


def finish(client: Client, work: dict[str, Any]) -> dict[str, Any]:
    """Look on until the work is done; its result. Raises what it failed with."""
    with progress_bar() as tell:
        while work["state"] == "running":
            time.sleep(POLL_S)
            work = client.get(f"{ROOT}/work/{work['id']}")
            tell(work["doing"], work["done"], work["size"])
    if work["state"] == "failed":
        raise FaztError(work["said"], hint=work["hint"])
    result: dict[str, Any] = work["result"]
    return result


def to_which(what: str, identity: str | None) -> dict[str, Any]:
    """A backup as the API wants it: by name, or a file on this machine."""
    found: dict[str, Any] = {"identity": Path(identity).read_text() if identity else ""}
    path = Path(what)
    if what != "latest" and ("/" in what or path.is_file()):
        if not path.is_file():
            raise NotFound(f"{what} is not there.")
        return found | {"file": str(path.absolute())}
    return found | {"name": what}


def to_place(text: str | None) -> str:
    """A place as a whole path, or as it is."""
    return text if text and "://" in text else str(Path(text).expanduser().absolute()) if text else ""


def get_target() -> Target:
    """Where the cloud is."""
    target = click.get_current_context().find_object(Target)
    assert target is not None
    return target


class progress_bar:  # noqa: N801 - read as `with progress_bar() as tell`
    """How far it is, on standard error where somebody can see it."""

    def __init__(self) -> None:
        self.bar: Any = None

    def __enter__(self) -> Callable[[str, int, int], None]:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress  # noqa: PLC0415

        console = Console(stderr=True)
        if wants_json() or not console.is_terminal:
            return lambda _doing, _done, _size: None
        self.bar = Progress(console=console, transient=True)
        self.bar.start()
        task = self.bar.add_task("Starting", total=None)
        return lambda doing, done, size: self.bar.update(
            task, description=doing or "Starting", completed=done, total=size or None
        )

    def __exit__(self, *_error: object) -> None:
        if self.bar is not None:
            self.bar.stop()


@backup.command(hidden=True)
def work() -> None:
    """Do one piece of work; how a program that is one file starts its helper."""
    from fazt.apps.backup.engine.worker import main  # noqa: PLC0415

    main()


COMMANDS = (backup,)
