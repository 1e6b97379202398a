"""The dashboard: login, first-run set-up, home, settings, people and tokens."""

from fazt.core.app import App

APP = App(
    name="home",
    title="Home",
    does="Your cloud at a glance, and its settings.",
    parts=(),
)
