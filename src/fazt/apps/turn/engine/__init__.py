"""The relay, which runs as a process of its own, and the rooms of the call page."""
