"""Write docs/reference.md from the manifests, the command line and the routes: nothing in it is kept by hand."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from litestar.handlers import BaseRouteHandler

from fazt.apps import APPS
from fazt.cli import EXIT_CODES, cli
from fazt.core.app import App, Job, Mount, ScriptFunction, Setting
from fazt.core.http import access
from fazt.serve import CORE_PARTS, declared_settings, load_all

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = """\
# Reference

Every command, address, setting, event and function there is. Written by `make docs` from the program itself.
"""
GUARDS: dict[Any, str] = {access.public: "everybody", access.member: "members", access.owner: "the owner"}
MOUNT_ACCESS = {
    "public": "everybody",
    "member": "members",
    "owner": "the owner",
    "own": "by its protocol",
}


def cell(text: object) -> str:
    """Text for one field of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def code(text: object) -> str:
    """Text in the font of code; empty stays empty."""
    return f"`{cell(text)}`" if str(text) else ""


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table, or a line that says there is nothing."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return "None yet.\n"
    return "\n".join([f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *lines]) + "\n"


def first_line(text: str | None) -> str:
    """The first sentence or line of a docstring."""
    return inspect.cleandoc(text or "").partition("\n\n")[0]


def describe_guard(guard: Any) -> str:
    """Whom a guard lets in; "" for one that is not the house's."""
    scope = getattr(guard, "access", "")
    return f"scope `{scope}`" if scope else GUARDS.get(guard, "")


def list_handlers(app: App) -> Iterator[Any]:
    """What the app's routes and pages list."""
    for part, constant in (("routes", "ROUTES"), ("pages", "PAGES")):
        yield from getattr(app.load(part), constant, ())


def list_methods(handler: BaseRouteHandler) -> list[str]:
    """`GET`, … or `WebSocket`; HEAD and OPTIONS go without saying."""
    methods = set(getattr(handler, "http_methods", ())) - {"OPTIONS"}
    return sorted(methods - {"HEAD"} or methods) or ["WebSocket"]


def describe_route(item: Any) -> Iterator[tuple[str, ...]]:
    """Method, address, who may, what for: one row for each address of a handler or mount."""
    if isinstance(item, Mount):
        yield "any", code(f"{item.prefix.rstrip('/')}/…"), MOUNT_ACCESS[item.access], cell(item.help)
        return
    who = " and ".join(filter(None, map(describe_guard, item.guards or ())))
    for path in sorted(item.paths):
        yield ", ".join(list_methods(item)), code(path), who, cell(first_line(item.fn.__doc__))


def by_address(row: tuple[str, ...]) -> tuple[str, str]:
    """Addresses in their order, GET before POST."""
    return row[1].strip("`"), row[0]


def render_routes(apps: tuple[App, ...]) -> str:
    """The section on addresses."""
    parts = ["## Addresses\n"]
    for app in apps:
        rows = sorted({row for item in list_handlers(app) for row in describe_route(item)}, key=by_address)
        if rows:
            parts.append(f"### {app.title}\n\n{table(('method', 'address', 'who may', 'what it does'), rows)}")
    return "\n".join(parts)


def list_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group that does something, by its full name."""
    ctx = click.Context(group, info_name=path)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from list_commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def describe_option(option: click.Option) -> str:
    """`--name VALUE`: what it does."""
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('')))}"
    names = ", ".join([*option.opts, *option.secondary_opts])
    return f"- `{names}{value}`: {option.help or ''}\n".replace(": \n", "\n")


def render_command(path: str, command: click.Command) -> str:
    """One command with its examples and options."""
    arguments = [p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)]
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    summary, _, rest = text.partition("\n\n")
    example = f"```\n{rest}\n```\n\n" if rest else ""
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden and p.expose_value]
    text = f"### `{' '.join([path, *arguments])}`\n\n{summary}\n\n{example}{''.join(map(describe_option, options))}"
    return text.rstrip("\n") + "\n"


def render_commands(group: click.Group) -> str:
    """The section on commands."""
    shared = "".join(describe_option(p) for p in group.params if isinstance(p, click.Option) and p.expose_value)
    codes: dict[int, list[str]] = {}
    for kind, number in EXIT_CODES.items():
        codes.setdefault(number, []).append(kind.replace("_", " "))
    exits = "".join(f"- {number}: {', '.join(kinds)}\n" for number, kinds in sorted(codes.items()))
    commands = "\n".join(render_command(path, command) for path, command in list_commands(group, "fazt"))
    return (
        f"## Commands\n\nBefore or behind every command:\n\n{shared}\n"
        f"What a command answers to the shell:\n\n- 0: done\n- 1: unforeseen\n{exits}\n{commands}"
    )


def describe_setting(setting: Setting) -> tuple[str, ...]:
    """A row of the table of settings."""
    low, high = setting.minimum, setting.maximum
    limits = [", ".join(setting.choices)] if setting.choices else []
    limits += [f"from {low:g}"] if low is not None else []
    limits += [f"to {high:g}"] if high is not None else []
    limits += [setting.unit] if setting.unit else []
    limits += ["secret"] if setting.secret else []
    shown: Any = setting.default
    if isinstance(shown, bool):
        shown = "on" if shown else "off"
    elif isinstance(shown, list):
        shown = ", ".join(shown)
    return code(setting.name), code(shown), cell(" ".join(limits)), cell(setting.help)


def render_lists(apps: tuple[App, ...]) -> str:
    """Settings, events, scopes, functions and jobs."""
    events = [(app, event) for app in apps for event in app.events]
    functions: list[ScriptFunction] = load_all(apps, "script", "SCRIPT")
    jobs: list[Job] = [job for part in CORE_PARTS for job in getattr(part, "JOBS", ())]
    jobs += load_all(apps, "jobs", "JOBS")
    sections = {
        "Settings": table(
            ("name", "default", "limits", "what it does"), map(describe_setting, declared_settings(apps))
        ),
        "Events": table(
            ("name", "when", "what it holds"),
            (
                (code(e.name), cell(e.help), "; ".join(f"{code(name)} {cell(text)}" for name, text in e.fields.items()))
                for _, e in events
            ),
        ),
        "Scopes of tokens": table(
            ("name", "what it allows"), ((code(scope.name), cell(scope.help)) for app in apps for scope in app.scopes)
        ),
        "Functions for JavaScript": table(
            ("name", "scope", "what it does", "example"),
            ((code(f"fazt.{f.name}"), code(f.scope), cell(f.help), code(f.example)) for f in functions),
        ),
        "Background work": table(
            ("name", "when (UTC)", "what it does"), ((code(job.name), code(job.cron), cell(job.help)) for job in jobs)
        ),
    }
    return "\n".join(f"## {title}\n\n{text}" for title, text in sections.items())


def render_reference(apps: tuple[App, ...], group: click.Group) -> str:
    """The whole page."""
    return "\n".join([HEAD, render_commands(group), render_routes(apps), render_lists(apps)])


def main() -> None:
    """Write it, and say whether it changed."""
    text = render_reference(APPS, cli)
    changed = not TARGET.exists() or TARGET.read_text() != text
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text)
    sys.stdout.write(f"docs/reference.md {'is new: commit it' if changed else 'was up to date'}\n")


if __name__ == "__main__":
    main()
