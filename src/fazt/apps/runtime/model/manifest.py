"""`fazt.json`: what a site's code asks for."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from fazt.core.auth import check_scope
from fazt.core.errors import Invalid

MAX_BYTES = 64 << 10
MAX_CRONS = 50
MAX_HOOKS = 50
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
EVENT = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+\Z")

Missed = Literal["once", "skip", "all"]


class CronSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of `cron`. Without a path the `scheduled` handler is called."""

    schedule: str
    timezone: str = "UTC"
    path: str = ""
    name: str = ""
    missed: Missed = "once"
    """What becomes of times that passed while the cloud was down: one late run, none, or one for each."""
    overlap: bool = False
    retries: int = 2


class Hook(msgspec.Struct, frozen=True):
    """An event that the code wants to hear: its name, and what its data must hold."""

    event: str
    filter: dict[str, Any] = {}


class Manifest(msgspec.Struct, frozen=True):
    """What was read."""

    static: tuple[str, ...] = ()
    cron: tuple[CronSpec, ...] = ()
    on: tuple[Hook, ...] = ()
    scopes: tuple[str, ...] = ()


class File(msgspec.Struct):
    """The file as it is written. What others put there is theirs."""

    static: bool | str | list[str] = False
    cron: list[CronSpec] = []
    on: dict[str, Any] = {}
    scopes: list[str] = []


def parse_manifest(text: str, now: int) -> Manifest:
    """What a `fazt.json` says; "" says nothing. Raises Invalid, naming the line of it that is wrong."""
    if not text.strip():
        return Manifest()
    try:
        file = msgspec.json.decode(text.encode(), type=File)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise Invalid(f"fazt.json: {error}.") from error
    return Manifest(
        static=check_static(static=file.static),
        cron=check_crons(file.cron, now),
        on=check_hooks(file.on),
        scopes=tuple(dict.fromkeys(check_scope(scope) for scope in file.scopes)),
    )


def check_static(*, static: bool | str | list[str]) -> tuple[str, ...]:
    """Patterns of the files that answer before the code does."""
    if isinstance(static, bool):
        return ("*",) if static else ()
    return (static,) if isinstance(static, str) else tuple(static)


def check_crons(entries: list[CronSpec], now: int) -> tuple[CronSpec, ...]:
    """The entries, each with a name of its own. Raises Invalid."""
    from fazt.core.jobs import next_time  # noqa: PLC0415 - every command loads manifests, and this a database

    if len(entries) > MAX_CRONS:
        raise Invalid(f"fazt.json: there are {len(entries)} cron entries; {MAX_CRONS} are allowed.")
    named: dict[str, CronSpec] = {}
    for entry in entries:
        if entry.path and not entry.path.startswith("/"):
            raise Invalid(f"fazt.json: the path {entry.path!r} of a cron entry begins with a slash.")
        if not 0 <= entry.retries <= 20:
            raise Invalid("fazt.json: retries of a cron entry lie between 0 and 20.")
        try:
            next_time(entry.schedule, now, entry.timezone)
        except Invalid as error:
            raise Invalid(f"fazt.json: {error.message}", hint=error.hint) from error
        name = (entry.name or f"{entry.schedule} {entry.path or 'scheduled'}")[:200]
        if name in named:
            raise Invalid(f"fazt.json: there are two cron entries {name!r}.", hint="Give each a name.")
        named[name] = msgspec.structs.replace(entry, name=name)
    return tuple(named.values())


def check_hooks(on: dict[str, Any]) -> tuple[Hook, ...]:
    """The events that are to be heard. Raises Invalid."""
    if len(on) > MAX_HOOKS:
        raise Invalid(f"fazt.json: there are {len(on)} events; {MAX_HOOKS} are allowed.")
    hooks = []
    for name, value in on.items():
        if not EVENT.match(name):
            raise Invalid(f"fazt.json: {name[:80]!r} is not the name of an event.", hint="For example mail.received.")
        if value is False or value is None:
            continue
        if value is not True and not isinstance(value, dict):
            raise Invalid(f"fazt.json: {name} is true, or an object that says what its data must hold.")
        hooks.append(Hook(name, {} if value is True else value))
    return tuple(hooks)


def matches(hook: Hook, data: dict[str, Any]) -> bool:
    """Whether an event's data holds what the hook asks for; a list names several values that will do."""
    for name, wanted in hook.filter.items():
        found = data.get(name)
        if found != wanted and not (isinstance(wanted, list) and found in wanted):
            return False
    return True


def check_variable(name: str) -> str:
    """The name of a secret, e.g. API_KEY. Raises Invalid."""
    if not VARIABLE.match(name):
        raise Invalid(f"{name[:80]!r} cannot be the name of a variable.", hint="Letters, digits and _, e.g. API_KEY.")
    return name
