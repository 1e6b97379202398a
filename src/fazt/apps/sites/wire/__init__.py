"""What sites read and answer, as text and bytes: redirects, headers, paths, types, archives."""
