"""Static sites by host name, deployed from a folder."""

from fazt.core.app import App

APP = App(
    name="sites",
    title="Sites",
    does="Web sites by host name, deployed with one command.",
    parts=(),
)
