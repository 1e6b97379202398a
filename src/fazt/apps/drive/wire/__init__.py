"""WebDAV as bytes: addresses, headers, XML in and out."""
