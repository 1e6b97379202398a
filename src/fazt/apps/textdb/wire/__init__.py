"""What travels: filters, queries, patches, lines of JSON and CSV. Bytes and text, no sockets."""
