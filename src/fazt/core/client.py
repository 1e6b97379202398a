"""How commands reach the cloud: a server elsewhere, the one on this machine, or the file itself.

A command speaks the same HTTP API in all three cases. When no server runs, the program is
started for the length of the command, listening on nothing but its own Unix socket.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fazt.core import errors
from fazt.core.config import Config, read_config
from fazt.core.errors import FaztError
from fazt.core.instance import check_owner, is_running, socket_path
from fazt.core.systemd import find_variables

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 60.0
PIPE_WIDTH = 100_000
KINDS: dict[int, type[FaztError]] = {
    400: errors.Invalid,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    413: errors.TooLarge,
    423: errors.Locked,
    429: errors.TooMany,
    503: errors.Unavailable,
    507: errors.OverQuota,
}


@dataclass(slots=True)
class Target:
    """What the command line said about where the cloud is. `start` runs the program on the file."""

    start: Callable[[Config], AbstractContextManager[None]]
    data: str | None = None
    server: str | None = None
    token: str | None = None
    as_json: bool = False

    @property
    def config(self) -> Config:
        """The configuration that `serve` would have; that of the installed service, where no other data is named."""
        is_named = self.data or any(os.environ.get(name) for name in ("FAZT_DATA", "FAZT_DATABASE_URL"))
        return read_config({"data": self.data}, os.environ if is_named else {**os.environ, **find_variables()})


class Client:
    """httpx with fazt's errors: an answer that is a problem is raised as what it is."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. Raises the FaztError that the server meant, Unavailable when it cannot be reached."""
        import httpx  # noqa: PLC0415

        try:
            response = self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise errors.Unavailable(f"Cannot reach {self.http.base_url}: {error}.") from error
        if response.is_error:
            raise to_error(response)
        return response

    def get(self, path: str, **options: Any) -> Any:
        """GET; the JSON that comes back."""
        return self.request("GET", path, **options).json()

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        """POST; the JSON that comes back, or None."""
        response = self.request("POST", path, json=json, **options)
        return response.json() if response.content else None

    def put(self, path: str, json: Any = None, **options: Any) -> Any:
        """PUT; the JSON that comes back, or None."""
        response = self.request("PUT", path, json=json, **options)
        return response.json() if response.content else None

    def patch(self, path: str, json: Any = None, **options: Any) -> Any:
        """PATCH; the JSON that comes back, or None."""
        response = self.request("PATCH", path, json=json, **options)
        return response.json() if response.content else None

    def delete(self, path: str, **options: Any) -> Any:
        """DELETE; the JSON that comes back, or None."""
        response = self.request("DELETE", path, **options)
        return response.json() if response.content else None


def to_error(response: httpx.Response) -> FaztError:
    """The error that a problem+json answer stands for."""
    try:
        problem: dict[str, Any] = response.json()
    except ValueError:
        problem = {}
    kind = KINDS.get(response.status_code, FaztError)
    message = problem.get("detail") or f"The server answered {response.status_code}."
    return kind(str(message), hint=str(problem.get("hint", "")), **problem.get("details", {}))


@contextmanager
def connect() -> Iterator[Client]:
    """A Client for the running command, where its options and the variables say."""
    import httpx  # noqa: PLC0415 - 200 ms that `fazt --help` need not pay

    target: Target = click.get_current_context().find_object(Target) or fail_without_target()
    if target.server:
        headers = {"authorization": f"Bearer {target.token}"} if target.token else {}
        with httpx.Client(base_url=target.server.rstrip("/"), headers=headers, timeout=TIMEOUT_S) as http:
            yield Client(http)
        return
    config = target.config
    if is_running(config.data):
        with local_client(config.data) as client:
            yield client
        return
    check_owner(config.data)
    with target.start(config), local_client(config.data) as client:
        yield client


def fail_without_target() -> Target:
    """Commands run below `fazt`, which sets the target."""
    raise click.UsageError("Run this as `fazt …`.")


@contextmanager
def local_client(data: Path) -> Iterator[Client]:
    """A Client on this machine's Unix socket: the owner, without a password."""
    import httpx  # noqa: PLC0415

    transport = httpx.HTTPTransport(uds=str(socket_path(data)))
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=TIMEOUT_S) as http:
        yield Client(http)


def wants_json() -> bool:
    """Whether `--json` was given."""
    target = click.get_current_context().find_object(Target)
    return target is not None and target.as_json


def show(value: Any, table: Callable[[Any], None] | None = None) -> None:
    """Print an answer: JSON with `--json`, else by `table`, else as indented JSON."""
    if wants_json() or table is None:
        json.dump(value, sys.stdout, indent=None if wants_json() else 2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        table(value)


def describe_moment(at: int | None, without: str = "never") -> str:
    """A moment (ms): for a program RFC 3339, for people to the minute with its zone; `without` where there is none."""
    from fazt.core.clock import to_datetime, to_iso  # noqa: PLC0415

    if at is None:
        return without
    return to_iso(at) if wants_json() else to_datetime(at).strftime("%Y-%m-%d %H:%M UTC")


def show_rows(rows: list[dict[str, Any]], columns: dict[str, str], empty: str) -> None:
    """A table of `columns` (key: heading), or the sentence for an empty one.

    Nothing is cut off, since whoever reads an id or an address needs all of it: a terminal's window folds what is too
    long, a pipe is as wide as need be. What cells say came from anywhere: it is text, whatever it looks like.
    """
    if wants_json():
        show(rows)
        return
    if not rows:
        click.echo(empty)
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column, Table  # noqa: PLC0415

    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    cells = [["" if row.get(key) is None else as_plain_text(str(row[key])) for key in columns] for row in rows]
    is_short = max(len(line[0]) for line in cells) <= console.width // 2
    first, *others = columns.values()
    heads = Column(first, no_wrap=is_short, overflow="fold"), *(Column(one, overflow="fold") for one in others)
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for line in cells:
        table.add_row(*line)
    console.print(table)


def as_plain_text(said: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return "".join(one if one.isprintable() else " " for one in said)
