"""`fazt upgrade`: a newer version of the program, proved before it takes over, and the way back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from fazt import __version__
from fazt.apps.upgrade.engine import find_journal
from fazt.apps.upgrade.engine.control import runs_on
from fazt.apps.upgrade.engine.fetching import list_releases
from fazt.apps.upgrade.engine.offline import read_setting
from fazt.apps.upgrade.engine.ordering import Order, finish_unfinished, go_back, list_plan, upgrade_to
from fazt.apps.upgrade.engine.places import find_way
from fazt.apps.upgrade.model import Journal, choose_release, is_newer
from fazt.core.client import Target, connect, local_client, show, wants_json
from fazt.core.errors import Conflict, FaztError, Invalid
from fazt.core.instance import is_running

if TYPE_CHECKING:
    from fazt.apps.upgrade.engine.getting import Tell

ENDS = {
    "done": "fazt {new} is in place.",
    "failed": "fazt {old} is in place, as before {new}.",
    "rolled back": "fazt {old} is in place again.",
}


@click.command()
@click.option("--check", is_flag=True, help="Only say whether there is a newer version.")
@click.option("--to", "version", metavar="VERSION", default="", help="This version instead of the newest.")
@click.option("--from", "archive", metavar="FILE", default="", help="A release on this machine, .minisig beside it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--rollback", is_flag=True, help="Back to the version before the last upgrade, and its data.")
@click.option("--yes", is_flag=True, help="With --rollback: do not ask.")
@click.option("--wait", "wait_s", metavar="SECONDS", default=60.0, help="How long a version may take to be well (60).")
@click.option("--stop-command", metavar="COMMAND", default="", help="What stops the service, where systemd does not.")
@click.option("--start-command", metavar="COMMAND", default="", help="What starts it; to be answered at once.")
@click.option("--anyway", is_flag=True, help="Also in the image of a container.")
@click.option("--prove", metavar="PATH", default="", hidden=True, help="Prove this version on a copy of the data.")
def upgrade(check: bool, rollback: bool, dry_run: bool, yes: bool, prove: str, **options: Any) -> None:
    """Put a newer version of fazt in place; whatever fails, the one before runs on, with its data.

    The release is downloaded and its checksum and signature are checked, the data is backed up, and the new
    version proves itself on a copy, before the service is stopped for a moment.

    \b
    sudo fazt upgrade
    fazt upgrade --check
    sudo fazt upgrade --from fazt-1.2.0-linux-x86_64.tar.gz
    sudo fazt upgrade --rollback
    """
    if prove:
        prove_here(Path(prove))
        return
    if check:
        show(look(), tell_news)
        return
    if bool(options["stop_command"]) != bool(options["start_command"]):
        raise Invalid("--stop-command and --start-command go together.")
    with progress_bar() as tell:
        order = Order(data=get_target().data, tell=tell, read=read_url, **options)
        try:
            ended = do(order, rollback=rollback, dry_run=dry_run, yes=yes)
        finally:
            tell_server(order)
    if ended is not None:
        report(ended, order)


def do(order: Order, *, rollback: bool, dry_run: bool, yes: bool) -> Journal | None:
    """What was asked for; how it ended, or None where nothing was done."""
    if dry_run:
        show({"plan": list_plan(order)}, lambda found: click.echo("\n".join(found["plan"])))
        return None
    settled = finish_unfinished(order)
    if settled is not None:
        click.echo(f"An upgrade that was cut off has been brought to its end. {describe(settled)}", err=True)
        if settled.state == "done" or rollback:
            return settled
    if rollback:
        return go_back(order, lambda text: yes or click.confirm(text, abort=True, err=True))
    return upgrade_to(order)


def describe(journal: Journal) -> str:
    """How an upgrade ended, in a sentence."""
    return ENDS[journal.state].format(old=journal.old, new=journal.new)


def report(journal: Journal, order: Order) -> None:
    """Say how it ended."""
    found: dict[str, Any] = {"from": journal.old, "to": journal.new, "state": journal.state, "said": journal.said}
    found["restarted"] = journal.control.is_there
    show(found, lambda _: click.echo(describe(journal) + ("" if journal.control.is_there else order.how_to_start)))


def tell_server(order: Order) -> None:
    """Have the server look at the journal, so that its page and events tell how it ended."""
    with suppress(FaztError, OSError):
        data = order.service.config.data
        if runs_on(data):
            with local_client(data) as client:
                client.post("/api/v1/upgrade/note")


def look() -> dict[str, Any]:
    """What runs, and what is newer. Nothing is changed."""
    newest = choose_release(list_releases(read_url()), running=__version__)
    journal = find_journal()
    return {
        "version": __version__,
        "newest": newest.version if newest else None,
        "is_newer": newest is not None and is_newer(newest.version, __version__),
        "published_at": newest.published_at if newest else None,
        "notes": newest.notes if newest else "",
        "url": newest.url if newest else "",
        "way": find_way(),
        "unfinished": journal.new if journal is not None and not journal.has_ended else "",
    }


def tell_news(found: dict[str, Any]) -> None:
    """The same in sentences."""
    if found["unfinished"]:
        click.echo(f"An upgrade to {found['unfinished']} was cut off; `fazt upgrade` brings it to an end.")
    if not found["is_newer"]:
        newest = "there is no release yet" if found["newest"] is None else "it is the newest"
        click.echo(f"This is fazt {found['version']}; {newest}.")
        return
    click.echo(f"fazt {found['newest']} is there; this is {found['version']}. `fazt upgrade` puts it in place.")
    if found["notes"]:
        click.echo("\n" + click.unstyle(found["notes"]).strip())


def read_url() -> str:
    """The setting upgrade.releases_url: of the cloud, whether its server runs or not."""
    return str(read_setting(get_target().data, "upgrade.releases_url"))


def prove_here(copy: Path) -> None:
    """Run on the copy for a moment, and say how it went."""
    from fazt.apps.upgrade.engine.proving import prove  # noqa: PLC0415

    target = get_target()
    if target.server or is_running(copy):
        raise Conflict("A trial runs on a copy, on this machine.")
    target.data = str(copy)
    with connect() as client:
        proof = prove(client.http, copy)
    show(msgspec.to_builtins(proof))


def get_target() -> Target:
    """Where the cloud is."""
    target = click.get_current_context().find_object(Target)
    assert target is not None
    return target


class progress_bar:  # noqa: N801 - read as `with progress_bar() as tell`
    """How far it is, on standard error: a bar where somebody looks on, else a line for each step.

    Who looks on may go away: a terminal that is gone or a pipe that is closed must not stop an upgrade in mid-way.
    """

    def __init__(self) -> None:
        self.bar: Any = None
        self.doing = ""

    def __enter__(self) -> Tell:
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress  # noqa: PLC0415

        console = Console(stderr=True)
        if wants_json():
            return lambda _doing, _done, _size: None
        if not console.is_terminal:
            return self.say
        self.bar = Progress(console=console, transient=True)
        self.bar.start()
        return self.paint(self.bar.add_task("Starting", total=None))

    def paint(self, task: Any) -> Tell:
        """The bar."""

        def tell(doing: str, done: int, size: int) -> None:
            with suppress(OSError):
                if doing != self.doing:
                    self.bar.console.print(f"{doing} …", highlight=False)
                    self.doing = doing
                self.bar.update(task, description=doing, completed=done, total=size or None)

        return tell

    def say(self, doing: str, _done: int, _size: int) -> None:
        """A line when another step begins."""
        if doing != self.doing:
            self.doing = doing
            with suppress(OSError):
                click.echo(f"{doing} …", err=True)

    def __exit__(self, *_error: object) -> None:
        if self.bar is not None:
            with suppress(OSError):
                self.bar.stop()


COMMANDS = (upgrade,)
