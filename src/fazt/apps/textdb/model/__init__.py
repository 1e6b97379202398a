"""What documents, collections, rules and filters are."""
