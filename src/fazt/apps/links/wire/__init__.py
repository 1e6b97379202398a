"""Links in the words of other programs."""
