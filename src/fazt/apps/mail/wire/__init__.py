"""Messages and protocols as bytes: MIME, HTML, DATA, delivery reports, and what providers post."""
