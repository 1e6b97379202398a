"""What commands print."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fazt.cli import cli
from fazt.core.client import as_plain_text, describe_moment, show_rows

LONG = "a" * 300


def printed(rows: list[dict[str, object]], columns: dict[str, str]) -> str:
    """What a command prints of these rows into a pipe."""

    @click.command()
    def command() -> None:
        show_rows(rows, columns, "There is nothing.")

    done = CliRunner().invoke(command)
    assert done.exit_code == 0, done.exception
    return done.output


def test_a_table_in_a_pipe_cuts_nothing_off() -> None:
    said = printed([{"id": LONG, "title": "b c " * 100}], {"id": "Id", "title": "Title"})
    assert LONG in said
    assert len(said.splitlines()) == 2


def test_what_looks_like_markup_is_printed_as_it_is() -> None:
    title = "[bold]Re: [/nothing] :smile: [/]"
    assert title in printed([{"title": title}], {"title": "Title"})


@pytest.mark.parametrize("title", ["\x1b[2Jgone", "two\nlines", "\x9b31m", "back\x08"])
def test_a_terminal_is_not_told_what_to_do_by_a_title(title: str) -> None:
    said = printed([{"title": title}], {"title": "Title"})
    assert said.replace("\n", "").isprintable()
    assert len(said.splitlines()) == 2


def test_plain_text_keeps_what_people_read() -> None:
    assert as_plain_text("Grüße, 東京 🙂") == "Grüße, 東京 🙂"


def test_moments_have_a_zone() -> None:
    @click.command()
    def command() -> None:
        click.echo(describe_moment(1_800_000_000_000))
        click.echo(describe_moment(None))

    assert CliRunner().invoke(command).output == "2027-01-15 08:00 UTC\nnever\n"


@pytest.mark.parametrize("command", [["serve", "--listen", "127.0.0.1:0"], ["user", "list"]])
def test_a_folder_that_cannot_be_is_said_in_words(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = CliRunner().invoke(cli, ["--data", str(tmp_path / "file" / "data.db"), *command])
    assert done.exit_code == 7
    assert "Name another file with --data" in done.output
    assert isinstance(done.exception, SystemExit)
