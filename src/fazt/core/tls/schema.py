"""Tables of certificates: who issues them, what was issued, how each host name stands."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from fazt.core.schema import metadata

Id = BigInteger().with_variant(Integer, "sqlite")

certificate = Table(
    "core_tls_certificate",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("names", Text, nullable=False),  # JSON list
    Column("source", Text, nullable=False),  # acme, imported
    Column("authority", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("chain_pem", Text, nullable=False),
    Column("key_pem", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("not_before", BigInteger, nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("renew_at", BigInteger, nullable=False),
    Column("next_ari_at", BigInteger, nullable=False),
)

host = Table(
    "core_tls_host",
    metadata,
    Column("host", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("first_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
)

authority = Table(
    "core_tls_authority",
    metadata,
    Column("directory", Text, primary_key=True),
    Column("account_key_pem", Text, nullable=False),
    Column("account_uri", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)
"""A certificate authority, and our account there."""

attempt = Table(
    "core_tls_attempt",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("directory", Text, nullable=False),
    Column("kind", Text, nullable=False),  # order, domain, set, failure
    Column("subject", Text, nullable=False),
)
"""What counts against an authority's limits."""
Index("core_tls_attempt_count", attempt.c.directory, attempt.c.kind, attempt.c.subject, attempt.c.at)

root = Table(
    "core_tls_root",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("chain_pem", Text, nullable=False),
    Column("key_pem", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""The local authority: the newest row counts."""
