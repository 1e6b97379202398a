"""Home: pages, management API, commands."""
