"""The real program with foreign clients."""
