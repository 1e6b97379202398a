"""Tables of sites. A file is one row for as long as it stays the same, however many versions hold it."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from fazt.core.schema import metadata

Id = BigInteger().with_variant(Integer, "sqlite")

OPEN = 1 << 53
"""`until` of a file that the latest version still has."""

site = Table(
    "sites_site",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("latest", BigInteger, nullable=False),
    Column("options", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    sqlite_autoincrement=True,
)

version = Table(
    "sites_version",
    metadata,
    Column("site_id", Id, ForeignKey("sites_site.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("file_count", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("changed_files", BigInteger, nullable=False),
)

file = Table(
    "sites_file",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("site_id", Id, ForeignKey("sites_site.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("gzip", Text, nullable=False),
    Column("gzip_size", BigInteger, nullable=False),
    Column("brotli", Text, nullable=False),
    Column("brotli_size", BigInteger, nullable=False),
)
"""In versions from `first` up to, without, `until`. Each of its hashes that is not "" is one `keep` of that blob."""
Index("sites_file_life", file.c.site_id, file.c.until, file.c.first)

upload = Table(
    "sites_upload",
    metadata,
    Column("site_id", Id, ForeignKey("sites_site.id"), primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("gzip", Text, nullable=False),
    Column("gzip_size", BigInteger, nullable=False),
    Column("brotli", Text, nullable=False),
    Column("brotli_size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
"""Bytes that have come for a deploy that is not finished, kept as in `sites_file`.

A deploy that broke off goes on with them.
"""

deploy = Table(
    "sites_deploy",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site_id", Id, ForeignKey("sites_site.id"), nullable=False, index=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
)
"""A deploy that is under way; `manifest` is its files, as packed JSON."""

domain = Table(
    "sites_domain",
    metadata,
    Column("host", Text, primary_key=True),
    Column("site_id", Id, ForeignKey("sites_site.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)
