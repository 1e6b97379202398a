"""The `fazt` command: `serve`, and every app's own commands, imported only when they run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from fazt import __version__
from fazt.apps import APPS
from fazt.core.client import Target
from fazt.core.config import Config, read_config
from fazt.core.errors import FaztError

EXIT_CODES = {
    "invalid": 2,
    "unauthorized": 3,
    "forbidden": 3,
    "not_found": 4,
    "conflict": 5,
    "precondition_failed": 5,
    "locked": 5,
    "too_large": 6,
    "over_quota": 6,
    "too_many": 7,
    "unavailable": 7,
}


def exit_code(error: FaztError) -> int:
    """What the shell sees for each kind of error; 1 for what nobody foresaw."""
    return EXIT_CODES.get(error.kind, 1)


class AppCommands(click.Group):
    """Knows all commands by the manifests, and imports an app's `cli` when one of its own is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click."""
        return sorted({*super().list_commands(ctx), *(name for app in APPS for name in app.commands)})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """See click."""
        for app in APPS:
            if name in app.commands:
                module: Any = app.load("cli")
                commands: tuple[click.Command, ...] = module.COMMANDS
                return share_options(next(command for command in commands if command.name == name))
        return super().get_command(ctx, name)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click: without importing what is only listed."""
        lines = {name: command.get_short_help_str() for name, command in self.commands.items()}
        lines.update({name: text for app in APPS for name, text in app.commands.items()})
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """See click. What fazt foresees is said in one line, with what to do about it."""
        try:
            return super().invoke(ctx)
        except FaztError as error:
            click.echo(f"fazt: {error.message}", err=True)
            if error.hint:
                click.echo(f"      {error.hint}", err=True)
            sys.exit(exit_code(error))


SHARED = {
    "data": click.Option(["--data"], metavar="PATH", help="Path of data.db (FAZT_DATA)."),
    "server": click.Option(["--server"], metavar="URL", help="Work on a cloud elsewhere (FAZT_SERVER)."),
    "token": click.Option(["--token"], metavar="TOKEN", help="Token for --server (FAZT_TOKEN)."),
    "as_json": click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON."),
}


def share_options(command: click.Command) -> click.Command:
    """Let `--data --server --token --json` stand behind an app's command as well as before it."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            share_options(child)
        return command
    taken = {word for parameter in command.params for word in parameter.opts}
    for name, option in SHARED.items():
        if not taken.intersection(option.opts):
            shared = click.Option(
                [*option.opts, name],
                metavar=option.metavar,
                help=option.help,
                is_flag=option.is_flag,
                expose_value=False,
                callback=remember,
            )
            command.params.append(shared)
    return command


def remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep a shared option in the Target."""
    target = ctx.find_object(Target)
    if value and target is not None and parameter.name:
        setattr(target, parameter.name, value)


@contextmanager
def start_offline(config: Config) -> Iterator[None]:
    """The program on the file, for one command, in a thread of its own."""
    import asyncio  # noqa: PLC0415 - most commands find a running server and need none of this
    import gc  # noqa: PLC0415
    import threading  # noqa: PLC0415

    gc.disable()  # as in `serve`, until it has started
    from fazt.serve import running  # noqa: PLC0415

    started = threading.Event()
    failures: list[BaseException] = []
    loop = asyncio.new_event_loop()
    finished: asyncio.Event = asyncio.Event()

    async def run() -> None:
        async with running(config, serving=False):
            started.set()
            await finished.wait()

    def run_thread() -> None:
        try:
            loop.run_until_complete(run())
        except BaseException as error:  # noqa: BLE001 - raised again in the command's own thread
            failures.append(error)
        finally:
            loop.close()
            started.set()

    thread = threading.Thread(target=run_thread, name="fazt-offline")
    thread.start()
    started.wait()
    gc.enable()
    gc.freeze()  # what is loaded stays, and need not be looked at again, not even at the end
    try:
        if failures:
            raise failures[0]
        yield
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(finished.set)
        thread.join()


@click.group(cls=AppCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="fazt", message="%(prog)s %(version)s")
@click.option("--data", metavar="PATH", help="Path of data.db (FAZT_DATA).")
@click.option("--server", metavar="URL", envvar="FAZT_SERVER", help="Work on a cloud elsewhere (FAZT_SERVER).")
@click.option("--token", metavar="TOKEN", envvar="FAZT_TOKEN", help="Token for --server (FAZT_TOKEN).")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.pass_context
def cli(ctx: click.Context, data: str | None, server: str | None, token: str | None, *, as_json: bool) -> None:
    """A personal cloud: one program, one SQLite file.

    \b
    fazt serve                          start it on http://localhost:4698
    fazt deploy ./public --name blog    put a web site on it
    """
    ctx.obj = Target(start_offline, data, server, token, as_json)


@cli.command()
@click.option("--data", metavar="PATH", help="Path of data.db (FAZT_DATA; default data/data.db).")
@click.option("--listen", metavar="HOST:PORT", help="Where to listen (FAZT_LISTEN; default 127.0.0.1:4698).")
@click.option("--https-listen", metavar="HOST:PORT", help="Serve HTTPS here (FAZT_HTTPS_LISTEN; off by default).")
@click.option("--domain", metavar="NAME", help="The domain of this cloud (FAZT_DOMAIN; default localhost).")
@click.option("--smtp-listen", metavar="HOST:PORT", help="Receive mail here (FAZT_SMTP_LISTEN; off by default).")
@click.option("--turn-listen", metavar="HOST:PORT", help="Relay calls here (FAZT_TURN_LISTEN; off by default).")
@click.option("--database-url", metavar="URL", help="PostgreSQL instead of the file (FAZT_DATABASE_URL).")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error (FAZT_LOG_LEVEL).")
@click.pass_obj
def serve(target: Target, /, **options: str | None) -> None:
    """Start the cloud.

    \b
    fazt serve
    fazt serve --data /srv/fazt/data.db --domain example.com --listen 0.0.0.0:80
    """
    import gc  # noqa: PLC0415 - as below

    gc.disable()  # loading modules leaves nothing to collect, and looking for it is a tenth of a start
    from fazt.serve import serve as run  # noqa: PLC0415 - heavy, and only this command needs it

    named = {name.replace("_", "-"): value for name, value in options.items()}
    named["data"] = named["data"] or target.data
    run(read_config(named))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    eval "$(fazt completion bash)"
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "fazt", "_FAZT_COMPLETE").source())
