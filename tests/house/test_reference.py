"""docs/reference.md is what the program says of itself, and the pages of docs/ lead somewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from litestar import get

from fazt.apps import APPS
from fazt.cli import cli
from fazt.core import Core
from fazt.core.app import App, EventKind, Job, Mount, ScopeKind, ScriptFunction, Setting
from fazt.core.http.access import needs
from tests.house.test_routes import nowhere
from tests.house.tree import ROOT, write_tree
from tools import reference
from tools.pages import BrokenLinkError, build_site
from tools.reference import render_reference


def is_current(written: str, apps: tuple[App, ...], group: click.Group) -> bool:
    """Whether the page says what the program would say now."""
    return written == render_reference(apps, group)


def test_the_reference_is_what_the_program_says() -> None:
    assert is_current((ROOT / "docs/reference.md").read_text(), APPS, cli), "run `make docs`"


def test_a_reference_that_lacks_something_is_refused() -> None:
    written = render_reference(APPS, cli)
    assert is_current(written, APPS, cli)
    newcomer = App(name="x", title="X", does="X.", parts=(), settings=(Setting("x.size", 3, "How large."),))
    assert not is_current(written, (*APPS, newcomer), cli)


@get("/x/{name:str}", guards=[needs("x:read")], sync_to_thread=False)
def read_x(name: str) -> str:
    """The x of this name."""
    return name


@click.group("x")
def group() -> None:
    """Work on x."""


@group.command("add")
@click.argument("name")
@click.option("--size", metavar="BYTES", help="How large.")
def add_x(name: str, size: str) -> None:
    """Add an x.

    \b
    fazt x add blue
    """


async def nothing(_core: Core, _payload: dict[str, Any]) -> None:
    """Do nothing."""


PARTS: dict[str, list[Any]] = {
    "ROUTES": [read_x, Mount("/x/raw", nowhere, "own", "Bytes | of x.")],
    "JOBS": [Job("x.sweep", nothing, "Tidy up.", cron="5 * * * *")],
    "SCRIPT": [ScriptFunction("x.get", "x:read", nothing, "One x.", example="fazt.x.get({name: 'a'})")],
}


def test_everything_that_an_app_has_is_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(
        name="x",
        title="The X",
        does="X.",
        parts=(),
        settings=(Setting("x.size", 3, "How large.", minimum=1, maximum=9, unit="MB"),),
        events=(EventKind("x.made", "One was made.", {"name": "its name"}),),
        scopes=(ScopeKind("x:read", "Read."),),
    )
    monkeypatch.setattr(reference, "load_all", lambda _apps, _part, constant: PARTS.get(constant, []))
    monkeypatch.setattr(reference, "list_handlers", lambda _app: iter(PARTS["ROUTES"]))
    root = click.Group(commands=[group])
    page = render_reference((app,), root)
    for line in (
        "### `fazt x add NAME`\n\nAdd an x.\n\n```\nfazt x add blue\n```\n\n- `--size BYTES`: How large.\n",
        "| `x.size` | `3` | from 1 to 9 MB | How large. |",
        "| GET | `/x/{name:str}` | scope `x:read` | The x of this name. |",
        "| any | `/x/raw/…` | by its protocol | Bytes \\| of x. |",
        "| `x.made` | One was made. | `name` its name |",
        "| `x:read` | Read. |",
        "| `fazt.x.get` | `x:read` | One x. | `fazt.x.get({name: 'a'})` |",
        "| `x.sweep` | `5 * * * *` | Tidy up. |",
    ):
        assert line in page


def test_every_link_between_pages_leads_somewhere(tmp_path: Path) -> None:
    pages = build_site(ROOT, tmp_path / "site")
    assert {page.target for page in pages} >= {"index.html", "reference.html", "guide/index.html"}
    home = (tmp_path / "site/index.html").read_text()
    assert '<a href="guide/index.html">' in home
    assert '<h2 id="two-commands">' in home


@pytest.mark.parametrize("link", ["missing.md", "../README.md#x", "docs/missing/"])
def test_a_link_to_nothing_is_refused(tmp_path: Path, link: str) -> None:
    tree = write_tree(tmp_path / "tree", {"README.md": f"# A\n\n[b]({link})\n", "docs/b.md": "# B\n"})
    with pytest.raises(BrokenLinkError, match=r"README\.md points at"):
        build_site(tree, tmp_path / "site")


def test_links_are_those_of_the_site(tmp_path: Path) -> None:
    text = "# A\n\n[b](docs/b.md#c) [d](LICENSE) [e](https://example.org) <b>not html</b>\n"
    tree = write_tree(tmp_path / "tree", {"README.md": text, "LICENSE": "", "docs/b.md": "# B\n[up](../README.md)\n"})
    build_site(tree, tmp_path / "site")
    home = (tmp_path / "site/index.html").read_text()
    assert '<a href="b.html#c">b</a> <span>d</span> <a href="https://example.org">e</a> &lt;b&gt;' in home
    assert '<a href="index.html">up</a>' in (tmp_path / "site/b.html").read_text()


def test_the_readme_lists_the_apps() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [app.title for app in APPS if f"| {app.title} |" not in readme] == []
