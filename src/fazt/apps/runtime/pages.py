"""Pages."""

PAGES: list[object] = []
