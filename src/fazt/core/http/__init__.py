"""HTTP: the server and its limits, hosts, access, errors, ranges and conditional requests."""
