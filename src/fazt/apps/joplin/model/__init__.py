"""What the notes are made of: names, items, shares; pure functions."""
