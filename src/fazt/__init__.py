"""fazt: a personal cloud that one person can run, in one program and one SQLite file."""

__version__ = "0.1.0"
