"""The drive in memory: which spaces there are, and answers that hold until something changes."""

from fazt.apps.drive.engine.drive import Drive, drive_of

__all__ = ["Drive", "drive_of"]
