"""Markdown and source code as people read them, and what may not come through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.ui.prose import HIGHLIGHT_MAX, clean_html, highlight, render_markdown

EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    "<iframe src=https://example.org></iframe>",
    "<style>body{display:none}</style>",
    '<p style="position:fixed">x</p>',
    '<form action="/account/password"><input name=new><button>x</button></form>',
    '<div class="dialog bar">x</div>',
    "<svg onload=alert(1)>",
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
]


@pytest.mark.parametrize("text", EVIL)
def test_nothing_runs_frames_or_asks(text: str) -> None:
    html = render_markdown(text).lower()
    for word in ("<script", "onerror=", "onload=", "<iframe", "<style", "style=", "<form", "<svg", "dialog", "name="):
        assert word not in html
    assert 'href="javascript' not in html


def test_what_people_write() -> None:
    html = render_markdown(
        "# A\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n~~no~~ https://example.org [^1]\n\n[^1]: n"
    )
    for part in (
        "<h1>A</h1>",
        "checkbox",
        "checked",
        "<table>",
        "<s>no</s>",
        'href="https://example.org"',
        "footnotes",
    ):
        assert part in html


def test_code_is_coloured_and_escaped() -> None:
    assert '<span class="k">def</span>' in render_markdown("```python\ndef f(): pass\n```")
    assert "&lt;b&gt;" in render_markdown("```nonsense\n<b>\n```")
    assert "&lt;b&gt;" in highlight("x = '<b>'", "a.py")
    assert highlight("a", "unknown.zzz") == '<pre class="highlight">a\n</pre>'
    assert "<span" not in highlight("x = 1\n" * (HIGHLIGHT_MAX // 6 + 1), "a.py")


def test_other_schemes_are_for_who_asks() -> None:
    assert "joplin" not in render_markdown("[a](joplin://x)")
    assert 'href="joplin://x"' in clean_html('<a href="joplin://x">a</a>', schemes=frozenset({"joplin"}))


@given(st.text())
def test_any_text_is_rendered(text: str) -> None:
    assert "<script" not in render_markdown(text)
    highlight(text, "a.py")
