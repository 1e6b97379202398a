"""`fazt drop`: send files, fetch them, and look after what was sent."""

from fazt.apps.drops.cli.drop import drop

COMMANDS = (drop,)
