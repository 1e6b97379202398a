"""The words of ntfy: its parameters, its messages, and its errors."""
