"""The dashboard: first set-up, login, accounts and people, settings, jobs, events and search."""

from fazt.core.app import App

APP = App(
    name="home",
    title="Home",
    does="Your cloud at a glance, its people and its settings.",
    parts=("routes",),
    path="/",
)
