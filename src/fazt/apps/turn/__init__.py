"""STUN and TURN: helps video calls through firewalls, and a page to call from."""

from fazt.core.app import App

APP = App(
    name="turn",
    title="Calls",
    does="Video calls, and a relay that brings them through firewalls.",
    parts=(),
)
