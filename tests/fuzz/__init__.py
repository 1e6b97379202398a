"""Damaged input for every protocol: parsers in this process, and doors of the real program."""
