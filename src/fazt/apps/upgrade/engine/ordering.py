"""What the command asks for, put together: the place, the service, the release, and the steps on them."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from fazt import __version__
from fazt.apps.upgrade.engine.capability import give_right, needs_right
from fazt.apps.upgrade.engine.control import Service, find_service, runs_on
from fazt.apps.upgrade.engine.data import check_data
from fazt.apps.upgrade.engine.getting import (
    Tell,
    advance_of,
    check_file,
    find_release,
    get_archive,
    name_version,
    take_file,
)
from fazt.apps.upgrade.engine.journal import alone, read_journal
from fazt.apps.upgrade.engine.packages import Package
from fazt.apps.upgrade.engine.places import Place, Tree, find_place, find_root
from fazt.apps.upgrade.engine.proving import ask_version
from fazt.apps.upgrade.engine.steps import Upgrade, roll_back, settle
from fazt.apps.upgrade.engine.unpacking import unpack
from fazt.apps.upgrade.model import Control, Journal, archive_name, check_upward, version_key
from fazt.core.clock import system_clock
from fazt.core.errors import Conflict, FaztError, Invalid, OverQuota, Unavailable

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass
class Order:
    """What was asked for. `read` answers upgrade.releases_url, when it is needed."""

    data: str | None
    tell: Tell
    read: Callable[[], str]
    version: str = ""
    archive: str = ""
    wait_s: float = 60.0
    stop_command: str = ""
    start_command: str = ""
    anyway: bool = False

    @cached_property
    def place(self) -> Place:
        """Where it is installed. Raises Conflict and Forbidden, see find_place."""
        return find_place(anyway=self.anyway)

    @cached_property
    def service(self) -> Service:
        """What runs it."""
        return find_service(self.data, self.stop_command, self.start_command)

    @property
    def how_to_start(self) -> str:
        """What the person has to do where no service was started."""
        return " No server ran; the next `fazt serve` is this version."


def finish_unfinished(order: Order) -> Journal | None:
    """Bring an upgrade that was cut off to its end; how it ended, None where there was none."""
    place = order.place
    with foreseen(), alone(place.lock):
        journal = read_journal(place.journal)
        if journal is None or journal.has_ended:
            return None
        return settle(Upgrade(place, journal, order.tell, has_data=bool(journal.copy)))


def upgrade_to(order: Order) -> Journal:
    """The whole upgrade. Raises what stands in its way; then the version before runs, on its data."""
    place, service = order.place, order.service
    with foreseen(), alone(place.lock):
        version = bring_program(order, place) if isinstance(place, Tree) else choose_package(order)
        runs = service.control if runs_on(service.config.data) else Control()
        journal = Journal(
            id=secrets.token_hex(8),
            old=__version__,
            new=version,
            state="preparing",
            data=str(service.config.data),
            control=runs,
            address=service.address,
            wait_s=order.wait_s,
            began_at=system_clock(),
        )
        has_data = not service.config.database_url
        return Upgrade(place, journal, order.tell, service.config.domain, has_data=has_data).run()


def bring_program(order: Order, place: Tree) -> str:
    """The new version beside the old one, proved to be what was released, with the rights it needs; which it is."""
    check_current(place)
    check_data(order.service.config.data)
    if order.archive:
        archive = Path(order.archive).absolute()
        if order.version and version_key(order.version) != version_key(name_version(archive)):
            raise Invalid(f"{archive.name} is not fazt {order.version}.")
        version, archive = take_file(archive, place.downloads, __version__, order.tell)
    else:
        release = find_release(order.read(), order.version, __version__)
        version = release.version
        archive = get_archive(release, place.downloads, order.tell)
    try:
        put_beside(order, place, archive, version)
    finally:
        if order.archive:
            archive.unlink(missing_ok=True)
    archive.unlink(missing_ok=True)
    return version


def put_beside(order: Order, place: Tree, archive: Path, version: str) -> None:
    """Unpack a release whose signature is good, and see that it is what it should be; or leave nothing of it."""
    folder = unpack(archive, place.versions, version, advance_of(order.tell, f"Unpacking fazt {version}"))
    program = folder / "fazt"
    try:
        if needs_right(Path(place.program(__version__)[0]), order.service.ports):
            order.tell("Letting it use ports below 1024", 0, 0)
            give_right(program)
        if ask_version((str(program),)) != version:
            raise Invalid(f"What was released as fazt {version} says that it is another version.")
    except FaztError:
        place.drop(version)
        raise


def check_current(place: Tree) -> None:
    """Raises Conflict where another version than this one is in place: then that one's command is to be used."""
    current = place.current()
    if current != __version__:
        raise Conflict(
            f"This is fazt {__version__}, but {current} is in place.",
            hint=f"Use {place.root / 'current' / 'fazt'} upgrade.",
        )


def choose_package(order: Order) -> str:
    """The version that the installer is to fetch. Raises Invalid for a file, which is pip's to install."""
    if order.archive:
        raise Invalid("This fazt is a Python package.", hint=f"`pip install {order.archive}` installs a wheel.")
    if order.version:
        check_upward(order.version, __version__)
        return order.version
    return find_release(order.read(), "", __version__).version


def go_back(order: Order, confirm: Callable[[str], object]) -> Journal:
    """Back to the version before the last upgrade. Raises Conflict where there is no way back."""
    place = order.place
    with foreseen(), alone(place.lock):
        journal = read_journal(place.kept)
        if journal is None or journal.new != place.current():
            raise Conflict("There is no version to go back to.", hint="Only the last upgrade can be undone, once.")
        if isinstance(place, Tree):
            place.program(journal.old)
        if journal.is_exact and not Path(journal.copy).exists():
            raise Conflict(f"{journal.copy} is gone, and {journal.old} cannot read the data of {journal.new}.")
        service = order.service
        if str(service.config.data) != journal.data:
            raise Conflict(f"The upgrade was of {journal.data}.", hint="--data says which file is meant.")
        if journal.is_exact:
            confirm(f"Everything that came since the upgrade to {journal.new} will be undone. Go on?")
        runs = service.control if runs_on(service.config.data) else Control()
        now = msgspec.structs.replace(journal, control=runs, address=service.address, wait_s=order.wait_s)
        has_data = not service.config.database_url
        return roll_back(Upgrade(place, now, order.tell, service.config.domain, has_data=has_data))


def list_plan(order: Order) -> list[str]:
    """What would be done, step by step. Raises what stands in the way of it as far as that can be known."""
    place, service = order.place, order.service
    old, root = __version__, find_root()
    if isinstance(place, Tree) and order.archive:
        version = check_file(Path(order.archive).absolute(), old, order.tell)
        lines = [f"check {order.archive}: its signature is good"]
    elif isinstance(place, Tree):
        release = find_release(order.read(), order.version, old)
        version = release.version
        asset = release.get_asset(archive_name(version))
        lines = [f"download {asset.url} ({asset.size / 1e6:.0f} MB), check its sum and its signature"]
    else:
        version = choose_package(order)
        lines = []
    if root is not None:
        lines.append(f"unpack it to {root / 'versions' / version}")
        if needs_right(Path(place.program(old)[0]), service.ports):
            lines.append("setcap cap_net_bind_service=+eip, so that it may use ports below 1024")
    lines += list_data_plan(service, version)
    lines += [f"stop: {' '.join(service.control.stop)}"] if service.control.is_there else []
    if isinstance(place, Package):
        lines.append(" ".join(place.command(version)))
    else:
        lines.append(f"let {root}/current be versions/{version}")
    lines += [f"start: {' '.join(service.control.start)}"] if service.control.is_there else []
    return [*lines, f"wait until it is well, at most {order.wait_s:.0f} s; else go back to {old} and its data"]


def list_data_plan(service: Service, version: str) -> list[str]:
    """What would be done with the data."""
    data = service.config.data
    if service.config.database_url:
        return ["the data is in PostgreSQL: back it up yourself, for fazt cannot bring it back"]
    return [f"copy {data} to {data.name}.before-{version}", "let the new version prove itself on a second copy"]


@contextmanager
def foreseen() -> Iterator[None]:
    """Full disks and missing rights, as errors that edges know."""
    try:
        yield
    except OSError as error:
        kind = OverQuota if error.errno in FULL else Unavailable
        what = error.filename or "A file"
        raise kind(
            f"{what} cannot be written or read: {error.strerror or error}.", hint="Nothing was changed."
        ) from error
