"""Pages of calls: start one, be in one, and how the relay is doing."""

PAGES: list[object] = []
