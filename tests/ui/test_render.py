"""Every template compiles, and nothing in a page needs what the content security policy refuses."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from fazt.core.app import App
from fazt.core.http.errors import Problem
from fazt.ui.assets import ROOT
from fazt.ui.icons import PATHS, icon
from fazt.ui.pages import error_page, local_path
from fazt.ui.render import get_environment, render

NOW = 1_800_000_000_000
CORE: Any = SimpleNamespace(
    apps=(App("links", "Links", "", ("pages",), path="/links"), App("x", "Hidden", "", (), path="/x")),
    config=SimpleNamespace(domain="example.org"),
)
ADA: Any = SimpleNamespace(name="Ada <b>", email="ada@example.org", is_owner=True)
FOREIGN = {"ui/foreign_error.html", "ui/foreign.html", "joplin/published.html"}
"""Shown on hosts that have neither our policy nor our style sheet."""

REFUSED = re.compile(r"<style|\sstyle=|\son[a-z]+=|=[\"']?javascript:|<script(?![^>]*\ssrc=)")


def list_templates() -> list[str]:
    """All templates by the names that pages use."""
    own = [f"ui/{path.name}" for path in (ROOT / "templates" / "ui").glob("*.html")]
    folders = (ROOT.parent / "apps").glob("*/templates")
    return sorted(own + [f"{f.parent.name}/{path.relative_to(f)}" for f in folders for path in f.rglob("*.html")])


@pytest.mark.parametrize("name", list_templates())
def test_templates_compile_and_hold_nothing_that_the_policy_refuses(name: str) -> None:
    environment = get_environment()
    environment.get_template(name)
    assert environment.loader is not None
    source = environment.loader.get_source(environment, name)[0]
    if name not in FOREIGN:
        assert REFUSED.findall(re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)) == []


def preview(**context: Any) -> str:
    return render(CORE, ADA, "ui/preview.html", now=NOW, icons=PATHS, **context)


def test_all_components_render_within_the_policy() -> None:
    html = preview()
    assert REFUSED.findall(html) == []
    assert "Ada &lt;b&gt;" in html
    assert "Ada <b>" not in html


def test_ids_are_unique_and_labels_have_their_fields() -> None:
    html = preview()
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'\sfor="([^"]+)"', html)) <= set(ids)


def test_the_navigation_has_the_apps_with_pages() -> None:
    html = preview()
    assert 'href="/links" aria-current="page"' in html
    assert "Hidden" not in html
    assert 'href="/people"' in html
    member: Any = SimpleNamespace(name="B", email="b@example.org", is_owner=False)
    assert 'href="/people"' not in render(CORE, member, "ui/preview.html", now=NOW, icons={})


def test_a_message_from_a_redirect_is_shown_escaped() -> None:
    html = preview(flash={"text": "Saved <i>", "kind": "good"})
    assert "Saved &lt;i&gt;" in html


def test_a_name_that_no_page_was_given_is_a_fault() -> None:
    with pytest.raises(UndefinedError):
        render(CORE, ADA, "ui/preview.html", now=NOW)


@pytest.mark.parametrize("name", ["ui/none.html", "../secret.html", "ui/../pages.py", "links/../x.html", "ui"])
def test_templates_outside_their_folders_are_not_found(name: str) -> None:
    with pytest.raises(TemplateNotFound):
        get_environment().get_template(name)


def test_an_icon_is_decoration_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in icon("home")
    assert 'role="img" aria-label="&lt;Home&gt;"' in icon("home", "<Home>")
    assert PATHS["apps"] in icon("an app of tomorrow")


async def test_errors_bring_their_own_style_where_there_is_none() -> None:
    problem = Problem(404, "Not found", "Nothing is <here>.", hint="Look elsewhere.", request="abc")
    config = SimpleNamespace(domain="example.org")
    core: Any = SimpleNamespace(apps=(), config=config)
    here = await error_page(core, {"headers": [(b"host", b"example.org")], "path": "/x"}, problem)
    assert "Nothing is &lt;here&gt;." in here
    assert REFUSED.findall(here) == []
    elsewhere = await error_page(core, {"headers": [(b"host", b"blog.example.org")], "path": "/x"}, problem)
    assert "/static/" not in elsewhere
    assert "<style>" in elsewhere


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/links?x=1", "/links?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nset-cookie: x", "/"),
        ("", "/"),
    ],
)
def test_a_login_leads_nowhere_else(target: str, safe: str) -> None:
    assert local_path(target) == safe


def test_scripts_of_a_page_stay_small() -> None:
    static = ROOT / "static"
    sizes = {path.name: path.stat().st_size for path in Path(static / "ui").glob("*.js")}
    every_page = sum(size for name, size in sizes.items() if name != "chart.js")
    assert every_page + (static / "vendor" / "htmx.js").stat().st_size < 60_000
    assert every_page + sizes["chart.js"] + (static / "vendor" / "uplot.js").stat().st_size < 70_000
