"""What the owner may choose: declared by the manifests, kept in the file, read from memory."""

from fazt.core.app import EventKind, Job, Setting
from fazt.core.settings.engine import Settings
from fazt.core.settings.model import SettingView, check_value, parse_value
from fazt.core.settings.store import CHANGED

SETTINGS: tuple[Setting, ...] = ()
EVENTS = (EventKind(CHANGED, "The owner changed a setting.", {"name": "which one; never its value"}),)
JOBS: tuple[Job, ...] = ()

__all__ = ["CHANGED", "EVENTS", "JOBS", "SETTINGS", "SettingView", "Settings", "check_value", "parse_value"]
