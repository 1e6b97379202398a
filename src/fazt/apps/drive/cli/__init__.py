"""`fazt drive`: files and folders from the command line."""

from fazt.apps.drive.cli.files import drive

COMMANDS = (drive,)

__all__ = ["COMMANDS"]
