"""What topics, patterns, messages, rules and alerts are."""
