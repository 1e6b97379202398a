"""Pages."""
PAGES = []
